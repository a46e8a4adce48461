import { keptSpans } from '../counts/buckets';
import type { Tally } from '../counts/tally';
import type { Parameters } from './parameters';

export const minuteMs = keptSpans.minutes.bucketMs;
export const hourMs = keptSpans.hours.bucketMs;

/** Clicks in some buckets. */
export interface ClicksIn {
  /** By the index of the product. */
  readonly counts: Float64Array;
  /** Of the products that are not counted on their own; undefined if every product is. */
  readonly folded: number | undefined;
}

/** Clicks in the buckets `first` to `last`, both included, of a minute or an hour each. */
export function clicksIn(tally: Tally, bucketMs: number, first: number, last: number): ClicksIn {
  const name = bucketMs === minuteMs ? 'minutes' : 'hours';
  return {
    counts: tally[name].sum(first, last, tally.keys.length),
    folded: tally.folded?.[name].sum(first, last, 1)[0],
  };
}

export interface Window {
  readonly bucketMs: number;
  at(tally: Tally, nowMs: number): ClicksIn & { readonly times: { from: string; to: string } };
}

/** The window of the parameter `last`: the current bucket, which is not over yet, and the buckets before it. */
export function readWindow(parameters: Parameters): Window | undefined {
  const isMinutes = (ms: number) => ms <= 120 * minuteMs;
  const last = parameters.optionalSpan(
    'last',
    '1m to 120m in whole minutes, or 3h to 48h in whole hours',
    (ms) => isMinutes(ms) || (ms % hourMs === 0 && ms <= 48 * hourMs),
  );
  if (!last) return undefined;
  const bucketMs = isMinutes(last.ms) ? minuteMs : hourMs;
  return {
    bucketMs,
    at(tally, nowMs) {
      const current = Math.floor(nowMs / bucketMs);
      const first = current - last.ms / bucketMs + 1;
      const times = { from: isoTime(first * bucketMs), to: isoTime((current + 1) * bucketMs) };
      return { ...clicksIn(tally, bucketMs, first, current), times };
    },
  };
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
