import { minuteMs } from '../duration';
import { aheadMs, type BucketSpan } from './spans';

/** Values by time bucket. It keeps those buckets of a span that are not too old. */
export class KeptBuckets<T> {
  readonly #span: BucketSpan;
  readonly #values = new Map<number, T>();
  #oldest = 0;
  #newest = 0;
  #endMs = 0;

  constructor(span: BucketSpan, nowMs: number) {
    this.#span = span;
    this.advance(nowMs);
  }

  /** Drops the buckets that are too old at this time. From now on, rows that are older, or more than an hour ahead, are ignored. */
  advance(nowMs: number): void {
    // The limit does not depend on the length of the buckets, so the same rows are too far ahead everywhere, and a day has as many rows as
    // its hours together.
    this.#endMs = (Math.floor((nowMs + aheadMs) / minuteMs) + 1) * minuteMs;
    const { bucketMs, kept } = this.#span;
    const before = this.#oldest;
    this.#oldest = Math.floor(nowMs / bucketMs) - kept + 1;
    this.#newest = Math.floor((nowMs + aheadMs) / bucketMs);
    if (this.#oldest === before) return;
    for (const bucket of this.#values.keys()) if (bucket < this.#oldest) this.#values.delete(bucket);
  }

  /** The number of the oldest bucket that is kept. Of this bucket and all later ones, every row is counted. */
  get oldest(): number {
    return this.#oldest;
  }

  keeps(bucket: number): boolean {
    return bucket >= this.#oldest && bucket <= this.#newest;
  }

  /** The number of the bucket of a time; undefined if that is not kept, or if the time is NaN, which means unknown. */
  bucketOf(timeMs: number): number | undefined {
    const bucket = Math.floor(timeMs / this.#span.bucketMs);
    return bucket >= this.#oldest && timeMs < this.#endMs ? bucket : undefined;
  }

  get(bucket: number): T | undefined {
    return this.#values.get(bucket);
  }

  set(bucket: number, value: T): void {
    this.#values.set(bucket, value);
  }

  /** Every bucket that has a value. */
  parts(): Iterable<readonly [bucket: number, value: T]> {
    return this.#values;
  }
}
