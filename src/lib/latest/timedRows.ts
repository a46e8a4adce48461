import { isKey, type Key } from '../counts/keys';
import type { BucketSpan } from '../counts/spans';
import { dayMs, hourMs } from '../duration';
import { type NewestParts, NewestRows } from './newestRows';
import type { LatestValue } from './values';

/** How far back a history goes, in whole days: in buckets of hours, and in buckets of days. */
export const historyDays = { hours: 8, days: 31 };

/**
 * The spans of the two kinds of buckets. One day more is kept, because an answer's first bucket may be up to a day long and begin before
 * the time that was asked for.
 */
export const timedSpans = {
  hours: { bucketMs: hourMs, kept: (historyDays.hours + 1) * 24 },
  days: { bucketMs: dayMs, kept: historyDays.days + 1 },
} as const satisfies Record<string, BucketSpan>;

/** The most keys of a bucket. */
export const mostInBucket = 2000;

/** One bucket in its stored form: its number since 1970, and its rows, with the indexes of keys instead of keys. */
type StoredBucket = readonly [
  bucket: number,
  keys: readonly number[],
  times: readonly number[],
  columns: readonly (readonly LatestValue[])[],
  isCut: boolean,
];

export interface StoredTimes {
  readonly keys: readonly Key[];
  readonly buckets: readonly StoredBucket[];
}

type BucketParts = readonly [bucket: number, parts: NewestParts];

/** The newest row of each key in each bucket of time. Each bucket has its own limit for memory (`NewestRows`). */
export class TimedRows {
  readonly #span: BucketSpan;
  readonly #columns: number;
  readonly #buckets = new Map<number, NewestRows>();
  #oldest = 0;

  constructor(span: BucketSpan, columns: number, nowMs: number) {
    this.#span = span;
    this.#columns = columns;
    this.advance(nowMs);
  }

  /** Drops the buckets that are too old at this time. From now on, older rows are ignored. */
  advance(nowMs: number): void {
    this.#oldest = Math.floor(nowMs / this.#span.bucketMs) - this.#span.kept + 1;
    for (const bucket of this.#buckets.keys()) if (bucket < this.#oldest) this.#buckets.delete(bucket);
  }

  /** The rows of a bucket; undefined if it has none. Buckets are numbered from 1970 on. */
  at(bucket: number): NewestRows | undefined {
    return this.#buckets.get(bucket);
  }

  /** @param time microseconds since 1970 */
  add(key: Key, time: number, valueAt: (column: number) => LatestValue): void {
    this.#rowsOf(Math.floor(time / (this.#span.bucketMs * 1000)))?.add(key, time, valueAt);
  }

  *parts(): Iterable<BucketParts> {
    yield* this.#buckets;
  }

  /** @param same returns the key that is in memory already, if there is an equal one */
  merge(parts: Iterable<BucketParts>, same: (key: Key) => Key): void {
    for (const [bucket, { keys, times, columns, isCut }] of parts)
      this.#rowsOf(bucket)?.merge({ keys: keys.map(same), times, columns, isCut });
  }

  cut(): void {
    for (const rows of this.#buckets.values()) rows.cut();
  }

  stored(): StoredTimes {
    const indexes = new Map<Key, number>();
    const indexOf = (key: Key) => {
      const index = indexes.get(key) ?? indexes.size;
      if (index === indexes.size) indexes.set(key, index);
      return index;
    };
    const buckets = [...this.#buckets].map(
      ([bucket, { keys, times, columns, isCut }]): StoredBucket => [
        bucket,
        keys.map(indexOf),
        times,
        columns,
        isCut,
      ],
    );
    return { keys: [...indexes.keys()], buckets };
  }

  #rowsOf(bucket: number): NewestRows | undefined {
    if (bucket < this.#oldest) return undefined;
    const known = this.#buckets.get(bucket);
    if (known) return known;
    const rows = new NewestRows(mostInBucket, this.#columns);
    this.#buckets.set(bucket, rows);
    return rows;
  }
}

/** Stored buckets in the form in which they are merged. */
export const partsOfTimes = ({ keys, buckets }: StoredTimes): BucketParts[] =>
  buckets.map(([bucket, indexes, times, columns, isCut]) => [
    bucket,
    { keys: indexes.map((index) => keys[index] ?? 0), times, columns, isCut },
  ]);

/** Whether a value is a list of buckets in their stored form. @param areRows tells whether lists are rows of one length */
export function areStoredTimes(
  value: unknown,
  areRows: (keys: readonly unknown[], times: unknown, columns: unknown) => boolean,
): value is StoredTimes {
  const { keys, buckets } = (value ?? {}) as { keys?: unknown; buckets?: unknown };
  if (!Array.isArray(keys) || !keys.every(isKey) || !Array.isArray(buckets)) return false;
  const isIndex = (index: unknown) =>
    Number.isSafeInteger(index) && (index as number) >= 0 && (index as number) < keys.length;
  return buckets.every((entry: unknown) => {
    if (!Array.isArray(entry) || entry.length !== 5) return false;
    const [bucket, indexes, times, columns, isCut]: unknown[] = entry;
    if (!Number.isSafeInteger(bucket) || typeof isCut !== 'boolean') return false;
    return Array.isArray(indexes) && indexes.every(isIndex) && areRows(indexes, times, columns);
  });
}
