import { Counters } from './counters';
import { KeptBuckets } from './keptBuckets';
import { aheadMs, type BucketSpan } from './spans';

/** A series in its stored form: the number of its first bucket since 1970, and from there on the counts as base64 of their bytes. */
export type StoredSeries = readonly [first: number, counts: string];

export type SeriesParts = Iterable<readonly [bucket: number, count: number]>;

/** Counts per time bucket of rows of all keys together. */
export class Series extends KeptBuckets<number> {
  add(timeMs: number): void {
    const bucket = this.bucketOf(timeMs);
    if (bucket !== undefined) this.addTo(bucket, 1);
  }

  addTo(bucket: number, count: number): void {
    if (this.keeps(bucket)) this.set(bucket, (this.get(bucket) ?? 0) + count);
  }

  merge(parts: SeriesParts): void {
    for (const [bucket, count] of parts) this.addTo(bucket, count);
  }

  /** The count in the buckets `first` to `last`, both included. */
  sum(first: number, last: number): number {
    let sum = 0;
    for (let bucket = first; bucket <= last; bucket++) sum += this.get(bucket) ?? 0;
    return sum;
  }
}

export function storedSeries(parts: SeriesParts): StoredSeries {
  const counts = [...parts];
  const first = counts.reduce((least, [bucket]) => Math.min(least, bucket), counts[0]?.[0] ?? 0);
  const counters = new Counters();
  for (const [bucket, count] of counts) counters.add(bucket - first, count);
  return [first, Buffer.from(counters.encoded()).toString('base64')];
}

/** The counts of a series in its stored form; undefined if it is no series of this span. */
export function partsOfSeries(stored: unknown, { kept, bucketMs }: BucketSpan): SeriesParts | undefined {
  if (!Array.isArray(stored) || stored.length !== 2) return undefined;
  const [first, text]: unknown[] = stored;
  if (typeof first !== 'number' || !Number.isSafeInteger(first) || typeof text !== 'string') return undefined;
  const counters = Counters.decode(Buffer.from(text, 'base64'), kept + Math.ceil(aheadMs / bucketMs) + 1);
  const parts: [number, number][] = [];
  counters?.forEach((index, count) => void parts.push([first + index, count]));
  return counters && parts;
}
