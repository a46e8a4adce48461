import { compareKeys, type Key } from '../counts/keys';
import type { ReadValue } from '../delta/schema';

/** A value of a row, in the form in which it is kept and answered. */
export type LatestValue = string | number | boolean | null;

/** The latest time that a `Date` can hold, in milliseconds since 1970. */
const mostMs = 8.64e15;

/** A time in microseconds since 1970. Null if there is none, or if no calendar has it: other writers may put anything there. */
export function asMicros(value: ReadValue | undefined): number | null {
  if (typeof value !== 'number' && typeof value !== 'bigint') return null;
  const micros = Number(value);
  return Math.abs(micros) <= mostMs * 1000 ? micros : null;
}

/**
 * A value in a form that JSON can hold. A whole number with more digits than a double has becomes a text. Null for values that JSON cannot
 * hold, like infinity, bytes and nested values.
 */
export function asValue(value: ReadValue | undefined): LatestValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'string') return value.toWellFormed();
  return typeof value === 'boolean' ? value : null;
}

export const isValue = (value: unknown): value is LatestValue =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isFinite(value));

/** Compares values for ascending order: null, then false and true, then numbers, then texts by code unit. */
export function compareValues(a: LatestValue, b: LatestValue): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  const [isA, isB] = [typeof a === 'boolean', typeof b === 'boolean'];
  if (isA !== isB) return isA ? -1 : 1;
  return isA ? Number(a) - Number(b) : compareKeys(a as Key, b as Key);
}
