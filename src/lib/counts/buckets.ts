import { Counters } from './counters';
import { KeptBuckets } from './keptBuckets';
import type { Series } from './series';

export type BucketParts = Iterable<readonly [bucket: number, counters: Counters]>;

/** Counts per key and time bucket. A Tally numbers the keys from 0, so that a bucket is a list of counters. */
export class Buckets extends KeptBuckets<Counters> {
  add(index: number, timeMs: number): void {
    const bucket = this.bucketOf(timeMs);
    if (bucket !== undefined) this.#in(bucket).add(index, 1);
  }

  /**
   * Adds the counts of other buckets.
   * @param indexes for each index there, the index here, or undefined if its counts belong to `others`. 'the same' if all are equal
   */
  merge(parts: BucketParts, indexes: readonly (number | undefined)[] | 'the same', others?: Series): void {
    for (const [bucket, counters] of parts) {
      if (!this.keeps(bucket)) continue;
      const known = this.get(bucket);
      if (indexes === 'the same' && !known) this.set(bucket, counters.copy());
      else
        counters.forEach((there, count) => {
          const index = indexes === 'the same' ? there : indexes[there];
          if (index === undefined) others?.addTo(bucket, count);
          else this.#in(bucket).add(index, count);
        });
    }
  }

  /** The count of some keys, by their indexes, in the buckets `first` to `last`, both included. */
  sumOf(indexes: readonly number[], first: number, last: number): number {
    let sum = 0;
    for (let bucket = first; bucket <= last; bucket++) {
      const counters = this.get(bucket);
      if (counters) for (const index of indexes) sum += counters.get(index);
    }
    return sum;
  }

  /** Adds the count of each key, by its index, in the buckets `first` to `last`, both included. */
  addTo(sums: Float64Array, first: number, last: number): void {
    for (let bucket = first; bucket <= last; bucket++) this.get(bucket)?.addTo(sums);
  }

  #in(bucket: number): Counters {
    const known = this.get(bucket);
    if (known) return known;
    const counters = new Counters();
    this.set(bucket, counters);
    return counters;
  }
}
