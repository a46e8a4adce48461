/** How long counts by time are kept, and how finely. */
export interface BucketSpan {
  /** Length of one bucket in milliseconds; buckets begin at multiples of it since 1970. */
  readonly bucketMs: number;
  /** How many are kept, the current one included. */
  readonly kept: number;
}

/** A bucket in the form that is stored: its number since 1970, and the keys with their counts. */
export type StoredBucket = readonly [bucket: number, indexes: readonly number[], counts: readonly number[]];

/** A clock elsewhere may run ahead; whatever is further ahead than this is kept out of the buckets. */
const aheadMs = 3_600_000;

/**
 * Counts per key in buckets of time. Keys are the small integers that a Tally gives out, so a bucket is an array of counters:
 * 100,000 keys in 121 buckets take 48 MB however the counts are spread.
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

  /** Drops what is too old by now. Rows that are older, or further ahead than an hour, will not be kept either. */
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

  /** Counts of every key, by index, in buckets `first` to `last`, both included. */
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

  /** Every bucket that holds something, without the keys that have nothing in it. */
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
