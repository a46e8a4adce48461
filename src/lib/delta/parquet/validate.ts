import type { Field } from '../schema';

/** The smallest and the largest whole number of a column type, both included. */
export const integerRanges = {
  byte: [-128, 127],
  short: [-32_768, 32_767],
  integer: [-2_147_483_648, 2_147_483_647],
  /** Days since 1970, for the years 1 to 9999, on which SQL engines and Spark agree. */
  date: [-719_162, 2_932_896],
} as const satisfies Record<string, readonly [number, number]>;

export const longRanges = {
  long: [-(2n ** 63n), 2n ** 63n - 1n],
  /** Microseconds since 1970, for the years 1 to 9999. */
  timestamp: [-62_135_596_800_000_000n, 253_402_300_799_999_999n],
} as const satisfies Record<string, readonly [bigint, bigint]>;

/**
 * Why a column cannot hold a value, or undefined if it can. Nothing is converted: a fraction never becomes an integer, an integer never
 * text. NaN and infinities are accepted as doubles and floats. A float takes the nearest single-precision number, but no number that would
 * become infinite. A lone surrogate is refused, because it has no UTF-8 form. Undefined is not null. Numbers above 2^53 must be bigints,
 * because as numbers they have already lost their last digits.
 */
export function valueProblem(field: Field, value: unknown): string | undefined {
  if (value === undefined) return 'there is no value; a missing value is null';
  if (value === null) return field.nullable ? undefined : 'null in a column that takes no nulls';
  switch (field.type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'date':
      return integerProblem(field.type, integerRanges[field.type], value);
    case 'long':
    case 'timestamp':
      return longProblem(field.type, longRanges[field.type], value);
    case 'double':
      return typeof value === 'number' ? undefined : mismatch('a number', value);
    case 'float':
      if (typeof value !== 'number') return mismatch('a number', value);
      return Number.isFinite(value) && !Number.isFinite(Math.fround(value))
        ? `${value} is out of range for float`
        : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : mismatch('true or false', value);
    case 'string':
      if (typeof value !== 'string') return mismatch('text', value);
      return value.isWellFormed() ? undefined : 'the text holds a lone surrogate, which UTF-8 cannot express';
    case 'binary':
      return value instanceof Uint8Array ? undefined : mismatch('bytes', value);
    default:
      return `columns of type ${typeof field.type === 'string' ? field.type : field.type.type} cannot be written`;
  }
}

function integerProblem(type: string, [low, high]: readonly [number, number], value: unknown) {
  if (typeof value !== 'number' || !Number.isInteger(value)) return mismatch('a whole number', value);
  return value < low || value > high ? outOfRange(type, value, low, high) : undefined;
}

function longProblem(type: string, [low, high]: readonly [bigint, bigint], value: unknown) {
  const isWhole = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
  if (!isWhole) return mismatch('a whole number or a bigint', value);
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    return `${value} is beyond 2^53 and no longer exact; pass a bigint`;
  return value < low || value > high ? outOfRange(type, value, low, high) : undefined;
}

const outOfRange = (type: string, value: number | bigint, low: number | bigint, high: number | bigint) =>
  `${value} is out of range for ${type} (${low} to ${high})`;

const mismatch = (expected: string, value: unknown) => `expected ${expected}, got ${describe(value)}`;

/** A value as text that is short enough for a message. */
function describe(value: unknown): string {
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  return `the ${typeof value} ${String(value)}`;
}
