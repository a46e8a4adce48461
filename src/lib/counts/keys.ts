import type { ReadValue } from '../delta/schema';
import { hashText, mixed } from '../hash';

/** A key to count by: a text or an integer. */
export type Key = string | number;

/** The key of a row. A text becomes well-formed Unicode, so that it can be written to UTF-8 and read back unchanged. */
export function asKey(value: ReadValue | undefined): Key | null {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return null;
  return String(value).toWellFormed();
}

export const isKey = (value: unknown): value is Key => typeof value === 'string' || Number.isFinite(value);

/** Compares keys for ascending order: numbers by value, then texts by code unit. */
export function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === typeof b) return a < b ? -1 : Number(a > b);
  return typeof a === 'number' ? -1 : 1;
}

/** Sorts indexes of keys in place by count, highest first; equal counts by key. */
export const sortByCount = (indexes: number[], counts: ArrayLike<number>, keys: readonly Key[]): number[] =>
  indexes.sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || compareKeys(keys[a] ?? 0, keys[b] ?? 0));

/**
 * A whole number from 0 to 2^32 - 1, spread evenly over the keys. The same seed gives the same numbers, in every process. The
 * numbers of seed 0 are part of the cached state.
 */
export function hashKey(key: Key, seed = 0): number {
  if (typeof key === 'string') return hashText(key, seed);
  return mixed(mixed(key ^ seed) ^ Math.floor(key / 2 ** 32));
}
