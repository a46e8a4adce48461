import type { NumberColumn } from '../numberColumn';
import type { DataType } from '../schema';
import { type EncodedValues, firstNull, levelsOf, type SliceOf } from './columnSlice';
import { dictionaryOf, type Survey } from './dictionary';
import { integerRanges } from './validate';

type NumberSlice = SliceOf<NumberColumn>;

/** The range of the whole numbers of each type; undefined for other types. In a typed array, a long must be a safe integer. */
const wholeBounds: Partial<Record<string, readonly [number, number]>> = {
  ...integerRanges,
  long: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  timestamp: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/** Checks and encodes a column of numbers, and finds its bounds. A dictionary with indices is used if that is smaller. */
export function encodeNumbers(slice: NumberSlice): EncodedValues {
  const { values: column, start, end } = slice;
  const levels = levelsOf(column, start, end);
  const numbers = levels ? definedNumbers(column, start, end) : column.numbers.subarray(start, end);
  const nullCount = end - start - numbers.length;
  if (nullCount > 0 && !slice.field.nullable) slice.reject(firstNull(column, start));
  const { type } = slice.field;
  const whole = wholeBounds[String(type)];
  const survey = whole ? surveyWhole(slice, numbers, whole) : surveyDecimal(slice, numbers);
  const bounds = survey ? { nullCount, min: survey.min, max: survey.max } : { nullCount };
  const found = survey && dictionaryOf(numbers, survey, whole !== undefined, plainWidth(type));
  if (!found) return { bytes: encodePlain(type, numbers), bounds, levels };
  const { entries, indices } = found;
  const dictionary = { bytes: encodePlain(type, entries), count: entries.length };
  return { bytes: indices, bounds, levels, dictionary };
}

function definedNumbers(column: NumberColumn, start: number, end: number): Float64Array {
  const numbers = new Float64Array(end - start);
  let count = 0;
  for (let row = start; row < end; row++)
    if (column.defined?.[row] !== 0) numbers[count++] = column.numbers[row] as number;
  return numbers.subarray(0, count);
}

/** @throws what `reject` throws, at the first number that is not whole or not within the bounds */
function surveyWhole(
  slice: NumberSlice,
  numbers: Float64Array,
  [low, high]: readonly [number, number],
): Survey | undefined {
  if (numbers.length === 0) return undefined;
  let min = high;
  let max = low;
  let runs = 0;
  let last = Number.NaN;
  let isWhole = true;
  for (let at = 0; at < numbers.length; at++) {
    const value = numbers[at] as number;
    if (value === last) continue;
    last = value;
    runs++;
    if (value < min) min = value;
    if (value > max) max = value;
    if (Math.floor(value) !== value || value < low || value > high) isWhole = false;
  }
  if (isWhole) return { min, max, runs };
  return slice.reject(rowOf(slice, (value) => !(Number.isInteger(value) && value >= low && value <= high)));
}

/** Surveys decimal numbers. Undefined if they have no order, because there is a NaN or an infinity among them. */
function surveyDecimal(slice: NumberSlice, numbers: Float64Array): Survey | undefined {
  const isFloat = slice.field.type === 'float';
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let runs = 0;
  let last = Number.NaN;
  let isOrdered = numbers.length > 0;
  for (let at = 0; at < numbers.length; at++) {
    const given = numbers[at] as number;
    const value = isFloat ? Math.fround(given) : given;
    // The difference is 0 for every number except NaN and the infinities.
    if (value - value !== 0) {
      if (Number.isFinite(given)) slice.reject(rowOf(slice, isBeyondFloat));
      isOrdered = false;
    }
    if (!Object.is(value, last)) runs++;
    last = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return isOrdered ? { min, max, runs } : undefined;
}

const isBeyondFloat = (value: number): boolean =>
  Number.isFinite(value) && !Number.isFinite(Math.fround(value));

/** The first row whose number fits the condition. */
function rowOf({ values: column, start, end }: NumberSlice, isWanted: (value: number) => boolean): number {
  for (let row = start; row < end; row++) {
    const value = column.at(row);
    if (value !== null && isWanted(value)) return row;
  }
  return start;
}

/** How many bytes a number takes in PLAIN encoding. */
const plainWidth = (type: DataType): number =>
  type === 'long' || type === 'timestamp' || type === 'double' ? 8 : 4;

/** The numbers in PLAIN encoding. It is little-endian, as is the memory of every processor that this project supports. */
function encodePlain(type: DataType, numbers: Float64Array): Buffer {
  switch (type) {
    case 'long':
    case 'timestamp':
      return encodeInt64(numbers);
    case 'double':
      return asBytes(numbers);
    case 'float':
      return asBytes(new Float32Array(numbers));
    default:
      return asBytes(new Int32Array(numbers));
  }
}

function encodeInt64(numbers: Float64Array): Buffer {
  const halves = new Int32Array(numbers.length * 2);
  for (let at = 0; at < numbers.length; at++) {
    const value = numbers[at] as number;
    const upper = Math.floor(value / 4_294_967_296);
    halves[at * 2] = value - upper * 4_294_967_296;
    halves[at * 2 + 1] = upper;
  }
  return asBytes(halves);
}

const asBytes = ({ buffer, byteOffset, byteLength }: Float64Array | Float32Array | Int32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
