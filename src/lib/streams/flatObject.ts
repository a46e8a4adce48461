import { isUtf8 } from 'node:buffer';
import { isoMicros } from './isoTimestamp';
import {
  doubleTextField,
  integerField,
  isoTimestampField,
  type JsonField,
  longField,
  stringField,
} from './jsonFields';
import type { FlatReader } from './stream';

const quote = 34;
const minus = 45;
const zero = 48;
const comma = 44;
const dot = 46;
const space = 32;
const backslash = 92;
const openBrace = 123;
const closeBrace = 125;
const nullBytes = Buffer.from('null');
/** The length of a time without a fraction and a zone, like `2026-01-02T03:04:05`. */
const shortestTime = 19;
/** All bytes of ASCII are below this number. */
const beyondAscii = 128;
/** A FlatReader writes the place of a text in a body as one number, a span: its start times this factor, plus its length. */
const spanFactor = 2 ** 26;
/** A number with up to this many digits is below 2^53, and so is 10 to the power of it. So both are exact. */
const mostDecimals = 15;
const powersOfTen = Float64Array.from({ length: mostDecimals + 1 }, (_, power) => Number(`1e${power}`));

/** The index of the first byte of a text, from its span. */
export const spanStart = (span: number): number => Math.floor(span / spanFactor);

/** The index after the last byte of a text, from its span. */
export const spanEnd = (span: number): number => {
  const start = spanStart(span);
  return start + (span - start * spanFactor);
};

type Kind = 'whole' | 'decimal' | 'time' | 'text';

interface FlatField {
  /** The name in quotes as JSON has it, with the colon. */
  readonly key: Uint8Array;
  readonly kind: Kind;
  /** The most digits of a number that are read in the fast way. */
  readonly digits: number;
  readonly nullable: boolean;
}

/** How far a body has been read. */
interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  /** The bytes of all texts so far, combined by OR. It shows whether all of them are ASCII. */
  seen: number;
}

/**
 * Makes a fast reader for bodies that are one flat JSON object of numbers, times and texts. It reads the bytes directly, which takes a
 * third of the time of JSON.parse. It only knows the usual form of such bodies: each field at most once, no unknown field, no text with an
 * escape, and no number with an exponent. For any other body, valid or not, the reader returns false, and the caller must use the JSON
 * reader. The result is undefined if `fields` has other types, or if two columns are read from one field.
 */
export function flatObjectReader(fields: readonly JsonField[]): FlatReader | undefined {
  const flat = fields.flatMap((field): FlatField[] => {
    const usual = usualForm(field);
    const key = Uint8Array.from(Buffer.from(`${JSON.stringify(field.from)}:`));
    return usual ? [{ key, ...usual, nullable: field.nullable }] : [];
  });
  const names = new Set(fields.map(({ from }) => from));
  if (flat.length < fields.length || names.size < fields.length) return undefined;
  return (bytes, numbers, first) =>
    bytes[0] === openBrace &&
    bytes.length < spanFactor &&
    readObject(flat, { bytes, at: 1, seen: 0 }, numbers, first);
}

/**
 * How a field is read, and how many digits a number may have so that it certainly fits its type: 2^31 has ten digits, 2^53 has sixteen.
 * Undefined for fields that have no fast way.
 */
function usualForm({ type, read }: JsonField): Pick<FlatField, 'kind' | 'digits'> | undefined {
  if (type === 'integer' && read === integerField) return { kind: 'whole', digits: 9 };
  if (type === 'long' && read === longField) return { kind: 'whole', digits: 15 };
  if (type === 'double' && read === doubleTextField) return { kind: 'decimal', digits: mostDecimals };
  if (type === 'timestamp' && read === isoTimestampField) return { kind: 'time', digits: 0 };
  return type === 'string' && read === stringField ? { kind: 'text', digits: 0 } : undefined;
}

function readObject(
  fields: readonly FlatField[],
  cursor: Cursor,
  numbers: Float64Array,
  first: number,
): boolean {
  const { bytes } = cursor;
  for (let column = 0; column < fields.length; column++) numbers[first + column] = Number.NaN;
  let expected = 0;
  for (;;) {
    if (bytes[cursor.at] === space) cursor.at++;
    const column = fieldAt(fields, cursor, expected);
    const field = fields[column];
    // If the column has a number already, the field came twice.
    if (!field || !Number.isNaN(numbers[first + column])) return false;
    expected = column + 1;
    cursor.at += field.key.length;
    if (bytes[cursor.at] === space) cursor.at++;
    // Numbers and times are read right here, because one more call for each of them takes time.
    let value: number;
    if (field.kind === 'whole') value = readNumber(cursor, field.digits);
    else if (field.kind === 'time') value = readTime(cursor);
    else value = field.kind === 'text' ? readText(cursor) : readDecimal(cursor, field.digits);
    // Null means the same as a missing field. So a field may be null first and come again.
    if (Number.isNaN(value) && !skipNull(cursor)) return false;
    numbers[first + column] = value;
    const next = bytes[cursor.at++];
    if (next === closeBrace) return isComplete(cursor) && hasRequired(fields, numbers, first);
    if (next !== comma) return false;
  }
}

/** Whether the body ends here and is UTF-8. Bytes outside of texts need no check, because each was compared with an ASCII character. */
const isComplete = ({ bytes, at, seen }: Cursor): boolean =>
  at === bytes.length && (seen < beyondAscii || isUtf8(bytes));

/** Whether there is a null at the cursor. If so, the cursor is moved behind it. */
function skipNull(cursor: Cursor): boolean {
  for (let at = 0; at < nullBytes.length; at++)
    if (cursor.bytes[cursor.at + at] !== nullBytes[at]) return false;
  cursor.at += nullBytes.length;
  return true;
}

function hasRequired(fields: readonly FlatField[], numbers: Float64Array, first: number): boolean {
  for (let column = 0; column < fields.length; column++)
    if (fields[column]?.nullable === false && Number.isNaN(numbers[first + column])) return false;
  return true;
}

/** The index of the field whose key is at the cursor; -1 if there is none. `expected` is tried first. */
function fieldAt(fields: readonly FlatField[], cursor: Cursor, expected: number): number {
  if (isKey(fields[expected], cursor)) return expected;
  return fields.findIndex((field) => isKey(field, cursor));
}

function isKey(field: FlatField | undefined, { bytes, at }: Cursor): boolean {
  if (!field) return false;
  const { key } = field;
  for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
  return true;
}

/** Reads a JSON integer with at most `most` digits, and moves the cursor behind it; NaN if there is none. */
function readNumber(cursor: Cursor, most: number): number {
  const { bytes } = cursor;
  const isNegative = bytes[cursor.at] === minus;
  const first = isNegative ? cursor.at + 1 : cursor.at;
  let at = first;
  let value = 0;
  for (; at < bytes.length; at++) {
    const digit = (bytes[at] as number) - zero;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const digits = at - first;
  if (digits === 0 || digits > most || (digits > 1 && bytes[first] === zero)) return Number.NaN;
  cursor.at = at;
  // Do not write -value, because it would turn 0 into -0.
  return isNegative ? 0 - value : value;
}

/** Reads a time in quotes as microseconds, and moves the cursor behind it; NaN if there is none. */
function readTime(cursor: Cursor): number {
  const { bytes } = cursor;
  const start = cursor.at + 1;
  // A valid time has no character that needs an escape, so the next quote ends it.
  let end = start + shortestTime;
  if (end >= bytes.length || bytes[cursor.at] !== quote) return Number.NaN;
  while (end < bytes.length && bytes[end] !== quote) end++;
  const micros = isoMicros(bytes, start, end);
  if (micros === undefined) return Number.NaN;
  cursor.at = end + 1;
  return micros;
}

/** Reads a JSON number with or without a fraction, of at most `most` digits, and moves the cursor behind it; NaN if there is none. */
function readDecimal(cursor: Cursor, most: number): number {
  const { bytes, at: start } = cursor;
  const whole = readNumber(cursor, most);
  const isNegative = bytes[start] === minus;
  if (bytes[cursor.at] !== dot || Number.isNaN(whole)) return isNegative ? -Math.abs(whole) : whole;
  const first = cursor.at + 1;
  const room = most - (first - 1 - start - (isNegative ? 1 : 0));
  let at = first;
  let value = Math.abs(whole);
  for (; at < bytes.length; at++) {
    const digit = (bytes[at] as number) - zero;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const decimals = at - first;
  if (decimals === 0 || decimals > room) return Number.NaN;
  cursor.at = at;
  // Both numbers are exact, so their quotient is the double that is nearest to the text's number.
  const quotient = value / (powersOfTen[decimals] as number);
  return isNegative ? -quotient : quotient;
}

/** Reads a text without an escape, and moves the cursor behind it. Returns its span; NaN if there is none. */
function readText(cursor: Cursor): number {
  const { bytes } = cursor;
  if (bytes[cursor.at] !== quote) return Number.NaN;
  const start = cursor.at + 1;
  let seen = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === quote) {
      cursor.at = at + 1;
      cursor.seen |= seen;
      return start * spanFactor + (at - start);
    }
    if (byte < space || byte === backslash) break;
    seen |= byte;
  }
  return Number.NaN;
}
