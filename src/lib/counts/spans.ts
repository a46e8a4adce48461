import { dayMs, hourMs, minuteMs } from '../duration';

/** How long counts by time are kept, and how finely. */
export interface BucketSpan {
  /** Length of one bucket in milliseconds; buckets begin at multiples of it since 1970. */
  readonly bucketMs: number;
  /** How many buckets are kept, including the current one. */
  readonly kept: number;
}

/**
 * How far back the API can ask:
 * - minutes: two windows of an hour, and the current minute
 * - hours: eight days, or a window of a day and the one a week earlier, and the current hour
 * - days: 31 days, and the current day
 * - totals by minute: 31 days, the rest of the bucket of up to a day that begins before them, and the current minute
 */
export const keptSpans = {
  minutes: { bucketMs: minuteMs, kept: 121 },
  hours: { bucketMs: hourMs, kept: 8 * 24 + 1 },
  days: { bucketMs: dayMs, kept: 31 + 1 },
  total: { bucketMs: minuteMs, kept: 32 * 24 * 60 + 1 },
} as const satisfies Record<string, BucketSpan>;

/** The spans for which counts are kept by key. */
export const spanNames = ['minutes', 'hours', 'days'] as const;
export type SpanName = (typeof spanNames)[number];

/** Something for each span. */
export type BySpan<T> = Readonly<Record<SpanName, T>>;

export const bySpan = <T>(make: (name: SpanName) => T): BySpan<T> => ({
  minutes: make('minutes'),
  hours: make('hours'),
  days: make('days'),
});

/** Another machine's clock may run ahead. Rows further in the future than this are not put into buckets. */
export const aheadMs = hourMs;

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
