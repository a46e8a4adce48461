import { isoMicros } from './isoTimestamp';
import { integerField, isoTimestampField, type JsonField, longField } from './jsonFields';
import type { FlatReader } from './stream';

const quote = 34;
const minus = 45;
const zero = 48;
const comma = 44;
const space = 32;
const openBrace = 123;
const closeBrace = 125;
/** The length of `2026-01-02T03:04:05`. */
const shortestTime = 19;

interface FlatField {
  /** The name as JSON has it, and the colon. */
  readonly key: Uint8Array;
  /** The most digits of a number; 0 for a time. */
  readonly digits: number;
  readonly nullable: boolean;
}

/** How far a body is read. */
interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/**
 * Makes a fast reader for bodies that are one flat JSON object of numbers and times. It reads the bytes directly, which takes a
 * third of the time of JSON.parse. It only knows the usual form of such bodies: each field at most once, and no unknown field. For
 * any other body, valid or not, the reader returns false, and the caller must use the JSON reader. Returns undefined instead of
 * a reader if `fields` has other types, or two columns that are read from one field.
 */
export function flatObjectReader(fields: readonly JsonField[]): FlatReader | undefined {
  const flat = fields.flatMap((field): FlatField[] => {
    const digits = digitsOf(field);
    const key = Uint8Array.from(Buffer.from(`${JSON.stringify(field.from)}:`));
    return digits === undefined ? [] : [{ key, digits, nullable: field.nullable }];
  });
  const names = new Set(fields.map(({ from }) => from));
  if (flat.length < fields.length || names.size < fields.length) return undefined;
  return (bytes, numbers, first) =>
    bytes[0] === openBrace && readObject(flat, { bytes, at: 1 }, numbers, first);
}

/** The most digits with which every number fits its type: 2^31 has ten digits, 2^53 has sixteen. Undefined for other fields. */
function digitsOf({ type, read }: JsonField): number | undefined {
  if (type === 'integer' && read === integerField) return 9;
  if (type === 'long' && read === longField) return 15;
  return type === 'timestamp' && read === isoTimestampField ? 0 : undefined;
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
    // A field that was there before has a number.
    if (!field || !Number.isNaN(numbers[first + column])) return false;
    expected = column + 1;
    cursor.at += field.key.length;
    if (bytes[cursor.at] === space) cursor.at++;
    const value = field.digits > 0 ? readNumber(cursor, field.digits) : readTime(cursor);
    if (Number.isNaN(value)) return false;
    numbers[first + column] = value;
    const next = bytes[cursor.at++];
    if (next === closeBrace) return cursor.at === bytes.length && hasRequired(fields, numbers, first);
    if (next !== comma) return false;
  }
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

/** A JSON integer with at most `most` digits, which the cursor then is behind; NaN if there is none. */
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

/** Microseconds of a time in quotes, which the cursor then is behind; NaN if there is none. */
function readTime(cursor: Cursor): number {
  const { bytes } = cursor;
  const start = cursor.at + 1;
  // A time has nothing before its closing quote that needs an escape: it is malformed with any other character.
  let end = start + shortestTime;
  if (end >= bytes.length || bytes[cursor.at] !== quote) return Number.NaN;
  while (end < bytes.length && bytes[end] !== quote) end++;
  cursor.at = end + 1;
  return isoMicros(bytes, start, end) ?? Number.NaN;
}
