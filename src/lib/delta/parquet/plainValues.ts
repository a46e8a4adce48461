import { type ColumnValues, holdsOnlyNulls } from '../columnValues';
import { NumberColumn } from '../numberColumn';
import type { Value } from '../schema';
import { TextBuilder, TextColumn } from '../textColumn';
import type { EncodedValues, SliceOf } from './columnSlice';
import { encodeNumbers } from './numberValues';
import { encodeTexts } from './textValues';
import { integerRanges, longRanges } from './validate';

type Slice = SliceOf<readonly Value[]>;

/**
 * Checks and encodes a column, and finds its bounds, in one pass. Each type has its own loop over plain arrays, because the writer spends
 * most of its time here. The bytes are little-endian, and so are all platforms that Node runs on here.
 */
export function encodeValues(slice: SliceOf<ColumnValues>): EncodedValues {
  const { values, start, end } = slice;
  if (slice.field.nullable && holdsOnlyNulls(values, start, end)) {
    const rows = end - start;
    return { bytes: Buffer.alloc(0), bounds: { nullCount: rows }, levels: new Uint8Array(rows) };
  }
  if (values instanceof NumberColumn) return encodeNumbers({ ...slice, values });
  if (values instanceof TextColumn) return encodeTexts({ ...slice, values });
  return encodeList({ ...slice, values });
}

function encodeList(slice: Slice): EncodedValues {
  switch (slice.field.type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'date':
      return encodeInt32(slice, integerRanges[slice.field.type]);
    case 'long':
    case 'timestamp':
      return encodeInt64(slice, longRanges[slice.field.type]);
    case 'double':
      return encodeFloating(slice, new Float64Array(slice.end - slice.start));
    case 'float':
      return encodeFloating(slice, new Float32Array(slice.end - slice.start));
    case 'boolean':
      return encodeBoolean(slice);
    case 'string':
      return encodeString(slice);
    case 'binary':
      return encodeBinary(slice);
    default:
      return slice.reject(slice.start);
  }
}

/** Marks the rows that are null. The marks are allocated at the first null. */
class Levels {
  levels: Uint8Array | undefined;
  nullCount = 0;
  readonly #slice: Slice;

  constructor(slice: Slice) {
    this.#slice = slice;
  }

  /** Handles a value that is not of the column's type: a null in a nullable column is marked, and everything else is an error. */
  absent(value: Value | undefined, row: number): void {
    const { field, start, end, reject } = this.#slice;
    if (value !== null || !field.nullable) reject(row);
    this.levels ??= new Uint8Array(end - start).fill(1);
    this.levels[row - start] = 0;
    this.nullCount++;
  }
}

function encodeInt32(slice: Slice, [low, high]: readonly [number, number]): EncodedValues {
  const { values, start, end, reject } = slice;
  const out = new Int32Array(end - start);
  const levels = new Levels(slice);
  let count = 0;
  let min = high;
  let max = low;
  for (let row = start; row < end; row++) {
    const value = values[row];
    if (typeof value === 'number') {
      if ((value | 0) !== value || value < low || value > high) reject(row);
      out[count++] = value;
      if (value < min) min = value;
      if (value > max) max = value;
    } else levels.absent(value, row);
  }
  return finish(out, count * 4, levels, count > 0 ? { min, max } : undefined);
}

function encodeInt64(slice: Slice, [low, high]: readonly [bigint, bigint]): EncodedValues {
  const { values, start, end, reject } = slice;
  const bigs = new BigInt64Array(end - start);
  const halves = new Int32Array(bigs.buffer);
  const levels = new Levels(slice);
  const lowest = Math.max(Number(low), Number.MIN_SAFE_INTEGER);
  const highest = Math.min(Number(high), Number.MAX_SAFE_INTEGER);
  let count = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let bigMin: bigint | undefined;
  let bigMax: bigint | undefined;
  for (let row = start; row < end; row++) {
    const value = values[row];
    if (typeof value === 'number') {
      const upper = Math.floor(value / 4_294_967_296);
      const lower = value - upper * 4_294_967_296;
      if (!(value >= lowest && value <= highest) || Math.floor(lower) !== lower) reject(row);
      halves[count * 2] = lower;
      halves[count * 2 + 1] = upper;
      count++;
      if (value < min) min = value;
      if (value > max) max = value;
    } else if (typeof value === 'bigint') {
      if (value < low || value > high) reject(row);
      bigs[count++] = value;
      if (bigMin === undefined || value < bigMin) bigMin = value;
      if (bigMax === undefined || value > bigMax) bigMax = value;
    } else levels.absent(value, row);
  }
  const bounds = {
    min: bigMin === undefined || min < bigMin ? min : bigMin,
    max: bigMax === undefined || max > bigMax ? max : bigMax,
  };
  return finish(bigs, count * 8, levels, count > 0 ? bounds : undefined);
}

/**
 * Encodes floating-point numbers. A `float` column holds the nearest single-precision number; a number that is too large for that is
 * refused.
 */
function encodeFloating(slice: Slice, out: Float64Array | Float32Array): EncodedValues {
  const { values, start, end, reject } = slice;
  const levels = new Levels(slice);
  let count = 0;
  let ordered = true;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let row = start; row < end; row++) {
    const value = values[row];
    if (typeof value === 'number') {
      out[count] = value;
      const stored = out[count++] as number;
      // The difference is 0 for every number except NaN and the infinities.
      if (stored - stored !== 0) {
        if (Number.isFinite(value)) reject(row);
        ordered = false;
      }
      if (stored < min) min = stored;
      if (stored > max) max = stored;
    } else levels.absent(value, row);
  }
  const bounds = ordered && count > 0 ? { min, max } : undefined;
  return finish(out, count * out.BYTES_PER_ELEMENT, levels, bounds);
}

function encodeBoolean(slice: Slice): EncodedValues {
  const { values, start, end } = slice;
  const out = new Uint8Array(Math.ceil((end - start) / 8));
  const levels = new Levels(slice);
  let count = 0;
  let trues = 0;
  for (let row = start; row < end; row++) {
    const value = values[row];
    if (typeof value === 'boolean') {
      if (value) {
        out[count >> 3] = (out[count >> 3] ?? 0) | (1 << (count & 7));
        trues++;
      }
      count++;
    } else levels.absent(value, row);
  }
  const bounds = count > 0 ? { min: trues === count, max: trues > 0 } : undefined;
  return finish(out, Math.ceil(count / 8), levels, bounds);
}

function encodeString(slice: Slice): EncodedValues {
  const { field, values, start, end, reject } = slice;
  const texts = new TextBuilder(end - start);
  for (let row = start; row < end; row++) {
    const value = values[row] as Value;
    if (!texts.push(value) || (value === null && !field.nullable)) reject(row);
  }
  return encodeTexts({ field, values: texts.finish(), start: 0, end: end - start, reject });
}

/**
 * Encodes bytes, without bounds: readers skip files by bounds of text, numbers and dates, and bounds of bytes would only make the footer
 * larger.
 */
function encodeBinary(slice: Slice): EncodedValues {
  const { values, start, end } = slice;
  const levels = new Levels(slice);
  let out: Buffer = Buffer.allocUnsafe(16 * (end - start) + 64);
  let at = 0;
  for (let row = start; row < end; row++) {
    const value = values[row];
    if (value instanceof Uint8Array) {
      out = withRoom(out, at, 4 + value.length);
      out.writeUInt32LE(value.length, at);
      out.set(value, at + 4);
      at += 4 + value.length;
    } else levels.absent(value, row);
  }
  return finish(out, at, levels, undefined);
}

function withRoom(buffer: Buffer, used: number, wanted: number): Buffer {
  if (used + wanted <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, used + wanted));
  buffer.copy(larger, 0, 0, used);
  return larger;
}

function finish(
  out: ArrayBufferView<ArrayBufferLike>,
  byteLength: number,
  { levels, nullCount }: Levels,
  bounds: { min: Value; max: Value } | undefined,
): EncodedValues {
  return {
    bytes: Buffer.from(out.buffer, out.byteOffset, byteLength),
    bounds: bounds ? { nullCount, ...bounds } : { nullCount },
    levels,
  };
}
