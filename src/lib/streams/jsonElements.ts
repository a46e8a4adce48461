import { isUtf8 } from 'node:buffer';
import { once } from '../once';
import { mayHoldRoundedNumbers, parseExactly, RoundedNumber } from './exactNumbers';
import { elementTexts } from './jsonText';
import { type Decoded, isRow, type Rejected, type Row } from './stream';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Turns one JSON object into a row; must not throw. `text` is the object's text as it was sent. */
export type ElementReader = (element: JsonObject, text: () => string) => Row | Rejected;

/**
 * Decodes a body that is one JSON object or an array of them (RFC 8259, UTF-8; a byte order mark is skipped). Each element of an array is
 * decoded independently of the others. Never throws. If `read` refuses an element, it gets the element again with exact numbers: an integer
 * beyond 2^53 is a bigint, and a number that JSON.parse rounded to a whole one is a RoundedNumber.
 */
export function decodeJsonElements(body: Uint8Array, read: ElementReader): Decoded {
  if (body.length === 0) return [{ reason: 'empty-body', detail: 'the body has no bytes' }];
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // Call toString without an argument: naming the encoding takes as long as decoding a small body.
  let text = bytes.toString();
  // The decoder replaces a bad byte by U+FFFD, so only texts with that character must be checked.
  if (text.includes('\ufffd') && !isUtf8(bytes))
    return [{ reason: 'not-utf8', detail: 'the body is not valid UTF-8' }];
  if (body[0] === 0xef && text.charCodeAt(0) === 0xfeff) text = text.slice(1);

  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return [{ reason: 'not-json', detail: cut(error instanceof Error ? error.message : 'unreadable', 200) }];
  }
  if (mayHoldRoundedNumbers(text)) parsed = parseExactly(text, parsed);
  if (Array.isArray(parsed)) return decodeArray(text, parsed, read);
  const element = readElement(parsed, read, () => text);
  return isRow(element) || element.reason !== 'out-of-range'
    ? [element]
    : [readElement(parseExactly(text, parsed), read, () => text)];
}

function decodeArray(text: string, parsed: readonly unknown[], read: ElementReader): Decoded {
  if (parsed.length === 0) return [{ reason: 'empty-array', detail: 'the body is an empty array' }];
  const texts = once(() => elementTexts(text));
  const readAll = (elements: readonly unknown[]) =>
    elements.map((element, index) => readElement(element, read, () => texts()[index] ?? ''));
  const elements = readAll(parsed);
  if (!elements.some((element) => !isRow(element) && element.reason === 'out-of-range')) return elements;
  const exact = parseExactly(text, parsed);
  return Array.isArray(exact) ? readAll(exact) : elements;
}

function readElement(element: unknown, read: ElementReader, text: () => string): Row | Rejected {
  if (isObject(element)) return read(element, text);
  return { reason: 'wrong-shape', detail: `expected an object, got ${describeValue(element)}` };
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value as messages show it: its kind, and at most 64 characters of it. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof RoundedNumber) return cut(value.source, 64);
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return `the text ${JSON.stringify(cut(value, 64))}`;
  return cut(String(value), 64);
}

const cut = (text: string, length: number): string =>
  (text.length > length ? `${text.slice(0, length - 1)}…` : text).toWellFormed();
