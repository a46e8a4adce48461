import { dayMs } from '../duration';
import type { Field, Value } from './schema';

/**
 * The bounds of one column in one file. `min` and `max` are exact values in memory form. Both are missing if all values are null, if there
 * is a NaN or an infinity among them (neither format can order these), and for binary.
 */
export interface ColumnBounds {
  readonly nullCount: number;
  readonly min?: Value;
  readonly max?: Value;
}

/** Delta readers use the statistics of the first 32 columns only (`delta.dataSkippingNumIndexedCols`). */
export const indexedColumns = 32;
/** Bounds of text are cut to this many characters; a cut upper bound has one more. So no bound puts a body of a megabyte into the log. */
const boundCharacters = 32;
const largestCodePoint = 0x10ffff;

/** The beginning of the year 10000, in milliseconds since 1970. Instants from then on have no four-digit year. */
const endOfCalendar = 253_402_300_800_000;

/**
 * Orders two well-formed strings by their UTF-8 bytes, which is what both formats mean by min and max. JavaScript's own
 * `<` compares UTF-16 units and puts emoji before U+E000.
 */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const l = left.charCodeAt(at);
    const r = right.charCodeAt(at);
    if (l !== r) return orderedUnit(l) - orderedUnit(r);
  }
  return left.length - right.length;
}

/** Moves surrogates behind all other units, because they stand for code points above U+FFFF. */
const orderedUnit = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x2800 : unit);

/** Compares two values of one column, for sorting. One may be a number and the other a bigint. */
function compareValues(left: Value, right: Value): number {
  if (typeof left === 'string' && typeof right === 'string') return compareUtf8(left, right);
  if (left === right || left === null || right === null) return 0;
  return left < right ? -1 : 1;
}

/** Bounds of a column that consists of two parts. */
export function mergeBounds(
  left: ColumnBounds,
  leftRows: number,
  right: ColumnBounds,
  rightRows: number,
): ColumnBounds {
  const nullCount = left.nullCount + right.nullCount;
  if (left.nullCount === leftRows) return { ...right, nullCount };
  if (right.nullCount === rightRows) return { ...left, nullCount };
  const { min, max } = left;
  if (right.min === undefined || right.max === undefined || min === undefined || max === undefined)
    return { nullCount };
  return {
    nullCount,
    min: compareValues(right.min, min) < 0 ? right.min : min,
    max: compareValues(right.max, max) > 0 ? right.max : max,
  };
}

/** The longest allowed prefix of a lower bound. It is a lower bound too, because a prefix never sorts after the whole text. */
export function truncateMin(text: string): string {
  return text.length <= boundCharacters ? text : text.slice(0, cutBefore(text, boundCharacters));
}

/**
 * A short text that does not sort before `text`: a prefix, and a character above the one that follows. Undefined if there is none, because
 * the text goes on with U+10FFFF.
 */
export function truncateMax(text: string): string | undefined {
  if (text.length <= boundCharacters) return text;
  const cut = cutBefore(text, boundCharacters);
  const next = text.codePointAt(cut) ?? largestCodePoint;
  if (next === largestCodePoint) return undefined;
  return text.slice(0, cut) + (next < 0x7f ? '\u007f' : String.fromCodePoint(largestCodePoint));
}

/** The highest index up to `length` at which the text can be cut without splitting a surrogate pair. */
function cutBefore(text: string, length: number): number {
  const unit = text.charCodeAt(length);
  return unit >= 0xdc00 && unit < 0xe000 ? length - 1 : length;
}

/**
 * The `stats` of an add action (PROTOCOL.md, "Per-file Statistics"): numRecords, minValues, maxValues and nullCount of the first 32
 * columns. `bounds` are in the order of `fields`. Text bounds are cut to 32 characters and timestamps widened to whole milliseconds, so a
 * bound may be looser than the values, but never tighter. Longs keep all their digits.
 *
 * If one column has values but no bounds, as with a NaN, no bounds are written for any column. If some columns had bounds, delta-rs would
 * take a missing bound for null, and skip the file in every filter on that column.
 */
export function deltaStats(
  fields: readonly Field[],
  bounds: readonly ColumnBounds[],
  numRecords: number,
): string {
  const minValues: string[] = [];
  const maxValues: string[] = [];
  const nullCount: string[] = [];
  let complete = true;
  for (const [index, { name, type }] of fields.slice(0, indexedColumns).entries()) {
    const column = bounds[index];
    if (!column) continue;
    const key = JSON.stringify(name);
    nullCount.push(`${key}:${column.nullCount}`);
    // No reader uses bounds of binary columns.
    if (column.nullCount === numRecords || type === 'binary') continue;
    const min = boundAsJson(type, column.min, 'min');
    const max = boundAsJson(type, column.max, 'max');
    if (min === undefined || max === undefined) complete = false;
    minValues.push(`${key}:${min}`);
    maxValues.push(`${key}:${max}`);
  }
  const bounded = complete
    ? `"minValues":{${minValues.join(',')}},"maxValues":{${maxValues.join(',')}},`
    : '';
  return `{"numRecords":${numRecords},${bounded}"nullCount":{${nullCount.join(',')}}}`;
}

/** A bound in memory form as JSON. Undefined if the values have no bound, or if none can be written. */
export function boundAsJson(
  type: Field['type'],
  value: Value | undefined,
  side: 'min' | 'max',
): string | undefined {
  if (value === undefined) return undefined;
  switch (type) {
    case 'string': {
      const text = side === 'min' ? truncateMin(String(value)) : truncateMax(String(value));
      return text === undefined ? undefined : JSON.stringify(text);
    }
    case 'date':
      return `"${new Date(Number(value) * dayMs).toISOString().slice(0, 10)}"`;
    case 'timestamp': {
      const millis = wholeMillis(BigInt(value as number | bigint), side);
      return millis < endOfCalendar ? `"${new Date(millis).toISOString()}"` : undefined;
    }
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
    case 'float':
    case 'double':
    case 'boolean':
      return String(value);
    default:
      return undefined;
  }
}

/** Rounds microseconds down for a lower bound and up for an upper one. */
function wholeMillis(micros: bigint, side: 'min' | 'max'): number {
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const floor = (micros - rest) / 1000n;
  return Number(side === 'max' && rest > 0n ? floor + 1n : floor);
}
