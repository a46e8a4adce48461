import { dayMs, hourMs, minuteMs } from '../duration';

/** How long something is kept by time, and how finely. */
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
