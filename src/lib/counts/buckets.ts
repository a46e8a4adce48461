/** How long counts by time are kept, and how finely. */
export interface BucketSpan {
  /** Length of one bucket in milliseconds; buckets begin at multiples of it since 1970. */
  readonly bucketMs: number;
  /** How many buckets are kept, including the current one. */
  readonly kept: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;

/**
 * How far back the API can ask:
 * - minutes: two windows of an hour, and the current minute
 * - hours: two windows of a day, and the current hour
 * - totals by minute: a week, the rest of the bucket of up to a day that begins before the week, and the current minute
 */
export const keptSpans = {
  minutes: { bucketMs: minuteMs, kept: 121 },
  hours: { bucketMs: hourMs, kept: 49 },
  total: { bucketMs: minuteMs, kept: 8 * 24 * 60 + 1 },
} as const satisfies Record<string, BucketSpan>;

/** A bucket in its stored form: its number since 1970, the indexes of its keys, and their counts. */
export type StoredBucket = readonly [bucket: number, indexes: readonly number[], counts: readonly number[]];

/** Another machine's clock may run ahead. Rows further in the future than this are not put into buckets. */
const aheadMs = hourMs;

/**
 * Counts per key and time bucket. A Tally numbers the keys from 0, so that a bucket is an array of counters: 100,000 keys in 121
 * buckets take 48 MB, however the counts are spread.
 */
export class Buckets {
  readonly span: BucketSpan;
  readonly #counters = new Map<number, Uint32Array>();
  #oldest = 0;
  #newest = 0;

  constructor(span: BucketSpan, nowMs: number) {
    this.span = span;
    this.advance(nowMs);
  }

  /** Drops the buckets that are too old at this time. From now on, rows that are older, or more than an hour ahead, are ignored. */
  advance(nowMs: number): void {
    const oldest = this.bucketOf(nowMs) - this.span.kept + 1;
    if (oldest === this.#oldest) return;
    this.#oldest = oldest;
    this.#newest = this.bucketOf(nowMs + aheadMs);
    for (const bucket of this.#counters.keys()) if (bucket < this.#oldest) this.#counters.delete(bucket);
  }

  bucketOf(timeMs: number): number {
    return Math.floor(timeMs / this.span.bucketMs);
  }

  add(index: number, timeMs: number): void {
    this.addTo(this.bucketOf(timeMs), index, 1);
  }

  addTo(bucket: number, index: number, count: number): void {
    if (!(bucket >= this.#oldest && bucket <= this.#newest)) return;
    let counters = this.#counters.get(bucket);
    if (!counters || index >= counters.length) {
      const larger = new Uint32Array(Math.max(64, 2 ** Math.ceil(Math.log2(index + 1))));
      if (counters) larger.set(counters);
      this.#counters.set(bucket, larger);
      counters = larger;
    }
    counters[index] = (counters[index] ?? 0) + count;
  }

  count(bucket: number, index: number): number {
    return this.#counters.get(bucket)?.[index] ?? 0;
  }

  /** The count of each key, by its index, in the buckets `first` to `last`, both included. */
  sum(first: number, last: number, keys: number): Float64Array {
    const sums = new Float64Array(keys);
    for (let bucket = first; bucket <= last; bucket++) {
      const counters = this.#counters.get(bucket);
      const length = Math.min(keys, counters?.length ?? 0);
      for (let index = 0; index < length; index++)
        sums[index] = (sums[index] ?? 0) + (counters?.[index] ?? 0);
    }
    return sums;
  }

  /** Every bucket that is not empty, without the keys whose count is 0. */
  *stored(): Iterable<StoredBucket> {
    for (const [bucket, counters] of this.#counters) {
      const indexes: number[] = [];
      const counts: number[] = [];
      counters.forEach((count, index) => {
        if (count === 0) return;
        indexes.push(index);
        counts.push(count);
      });
      yield [bucket, indexes, counts];
    }
  }
}
