/*
 * Finds the parts of a JSON text, which must have been parsed before, so that it is known to be valid. The values themselves are not read,
 * so their text can be kept exactly as it was sent.
 */

const quote = 34;
const comma = 44;
const colon = 58;
const backslash = 92;
const space = 32;
/** The code of a brace has this bit, and the code of the bracket in the same direction does not. Otherwise the two codes are equal. */
const braceBit = 32;
const openBrace = 123;
const closeBrace = 125;

/** A field of an object as it was sent. */
export interface Member {
  readonly name: string;
  /** The name with its quotes. */
  readonly nameText: string;
  readonly valueText: string;
  /** How many objects and arrays the innermost value is in. */
  readonly depth: number;
}

/** The texts of the elements of an array, in order. */
export function elementTexts(array: string): string[] {
  const texts: string[] = [];
  for (let at = nextItem(array, 0); at < array.length; ) {
    const { end } = endOfValue(array, at);
    texts.push(array.slice(at, end));
    at = nextItem(array, end);
  }
  return texts;
}

/** The fields of an object, in order. A name that was sent more than once comes more than once. */
export function* membersOf(object: string): Generator<Member> {
  for (let at = nextItem(object, 0); at < object.length; ) {
    const nameEnd = endOfString(object, at);
    const nameText = object.slice(at, nameEnd);
    let start = skipSpace(object, nameEnd);
    if (object.charCodeAt(start) === colon) start = skipSpace(object, start + 1);
    const { end, depth } = endOfValue(object, start);
    yield { name: readString(nameText), nameText, valueText: object.slice(start, end), depth };
    at = nextItem(object, end);
  }
}

/** The text of a string with its quotes. */
const readString = (text: string): string =>
  text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1);

/** The start of the next item, after the bracket or comma that comes first; the length of the text if there is none. */
function nextItem(text: string, from: number): number {
  const separator = skipSpace(text, from);
  const at = skipSpace(text, separator + 1);
  const isEnd = isClosing(text.charCodeAt(separator)) || isClosing(text.charCodeAt(at));
  return isEnd ? text.length : at;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= space) at++;
  return at;
}

const isOpening = (code: number) => (code | braceBit) === openBrace;
const isClosing = (code: number) => (code | braceBit) === closeBrace;

/** The end of a value, and its depth. It does not use recursion, because a value may be nested a million levels deep. */
function endOfValue(text: string, start: number): { end: number; depth: number } {
  let [at, level, depth] = [start, 0, 0];
  do {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (isOpening(code)) {
      if (++level > depth) depth = level;
      at++;
    } else if (isClosing(code)) {
      level--;
      at++;
    } else at = level === 0 ? endOfWord(text, at) : at + 1;
  } while (level > 0 && at < text.length);
  return { end: at, depth };
}

/** The end of a number, or of true, false or null. */
function endOfWord(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === comma || code <= space || isClosing(code)) break;
  }
  return at;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at + 1;
}
