import { keptSpans } from '../counts/buckets';
import type { Tally } from '../counts/tally';
import { RequestProblem } from './answer';
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
  /** @throws RequestProblem for a time that is not known any more */
  at(tally: Tally, nowMs: number): ClicksIn & { readonly times: { from: string; to: string } };
}

/** The parameters of a window. */
export const windowParameters = ['last', 'since', 'until'];

/** How far back rows are known by the minute, and by the hour. */
const known = { minutes: 120, hours: 48 };

/** The window that the parameters ask for: that of `last`, or of `since` and `until`; undefined if they ask for none. */
export function readWindow(parameters: Parameters): Window | undefined {
  const isMinutes = (ms: number) => ms <= known.minutes * minuteMs;
  const last = parameters.optionalSpan(
    'last',
    '1m to 120m in whole minutes, or 3h to 48h in whole hours',
    (ms) => isMinutes(ms) || (ms % hourMs === 0 && ms <= known.hours * hourMs),
  );
  const times = readTimes(parameters, last !== undefined);
  if (times) return windowOfTimes(times);
  if (!last) return undefined;
  const bucketMs = isMinutes(last.ms) ? minuteMs : hourMs;
  return {
    bucketMs,
    at(tally, nowMs) {
      // The current bucket, which is not over yet, and the buckets before it.
      const current = Math.floor(nowMs / bucketMs);
      return windowOf(tally, bucketMs, current - last.ms / bucketMs + 1, current);
    },
  };
}

interface Times {
  readonly sinceMs: number;
  readonly untilMs: number | undefined;
}

function readTimes(parameters: Parameters, hasLast: boolean): Times | undefined {
  const sinceMs = parameters.time('since');
  const untilMs = parameters.time('until');
  if (sinceMs === undefined && untilMs === undefined) return undefined;
  const refuse = (parameter: string, detail: string, accepts: string) =>
    new RequestProblem(400, detail, { parameter, accepts });
  if (hasLast)
    throw refuse('last', 'last and since or until cannot be asked for together.', 'last, or since');
  if (sinceMs === undefined) throw refuse('until', 'until needs since.', 'since, and until if it is not now');
  if (untilMs !== undefined && untilMs <= sinceMs)
    throw refuse('until', 'until is not later than since.', 'a time later than since');
  return { sinceMs, untilMs };
}

/** Whole minutes if all of it was in the last two hours, otherwise whole hours, so that it may begin earlier and end later. */
const windowOfTimes = ({ sinceMs, untilMs }: Times): Window => ({
  bucketMs: minuteMs,
  at(tally, nowMs) {
    const oldest = (bucketMs: number, buckets: number) =>
      (Math.floor(nowMs / bucketMs) - buckets + 1) * bucketMs;
    const bucketMs = sinceMs >= oldest(minuteMs, known.minutes) ? minuteMs : hourMs;
    if (sinceMs < oldest(hourMs, known.hours) || sinceMs > nowMs)
      throw new RequestProblem(
        400,
        `since is ${isoTime(sinceMs)}: rows by time are known of the last 48 hours.`,
        {
          parameter: 'since',
          accepts: `a time from ${isoTime(oldest(hourMs, known.hours))} to now`,
        },
      );
    const endMs = Math.min(untilMs ?? nowMs + 1, nowMs + 1);
    return windowOf(tally, bucketMs, Math.floor(sinceMs / bucketMs), Math.ceil(endMs / bucketMs) - 1);
  },
});

function windowOf(tally: Tally, bucketMs: number, first: number, last: number): ReturnType<Window['at']> {
  const times = { from: isoTime(first * bucketMs), to: isoTime((last + 1) * bucketMs) };
  return { ...clicksIn(tally, bucketMs, first, last), times };
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
