/** A key to count by: a text or an integer. */
export type Key = string | number;

/** Ascending: numbers by value, then texts by code unit. */
export function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === typeof b) return a < b ? -1 : Number(a > b);
  return typeof a === 'number' ? -1 : 1;
}

/** Sorts indexes of keys in place by count, highest first; equal counts by key. */
export const sortByCount = (indexes: number[], counts: ArrayLike<number>, keys: readonly Key[]): number[] =>
  indexes.sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || compareKeys(keys[a] ?? 0, keys[b] ?? 0));
