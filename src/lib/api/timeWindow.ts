import { minuteMs } from '../counts/spans';
import type { Tally } from '../counts/tally';
import { RequestProblem } from './answer';
import { type ClicksIn, clicksIn, type Unit, units } from './keptUnits';
import type { Parameters } from './parameters';

export interface Window {
  readonly bucketMs: number;
  /** @throws RequestProblem for a time that is not known any more */
  at(tally: Tally, nowMs: number): ClicksIn & { readonly times: { from: string; to: string } };
}

/** The parameters of a window. */
export const windowParameters = ['last', 'since', 'until'];

const lastAccepts = '1m to 120m in whole minutes, 3h to 8d in whole hours, or 9d to 31d in whole days';

/** The window that the parameters ask for: that of `last`, or of `since` and `until`; undefined if they ask for none. */
export function readWindow(parameters: Parameters): Window | undefined {
  const unitOf = (ms: number) => units.find((unit) => ms % unit.ms === 0 && ms <= unit.most * unit.ms);
  const last = parameters.optionalSpan('last', lastAccepts, (ms) => unitOf(ms) !== undefined);
  const times = readTimes(parameters, last !== undefined);
  if (times) return windowOfTimes(times);
  const unit = last && unitOf(last.ms);
  if (!unit) return undefined;
  return {
    bucketMs: unit.ms,
    at(tally, nowMs) {
      // The current bucket, which is not over yet, and the buckets before it.
      const current = Math.floor(nowMs / unit.ms);
      return windowOf(tally, unit, current - last.ms / unit.ms + 1, current);
    },
  };
}

export interface Times {
  readonly sinceMs: number;
  /** Undefined for now. */
  readonly untilMs: number | undefined;
}

/** @throws RequestProblem if they do not go together */
export function readTimes(parameters: Parameters, hasLast: boolean): Times | undefined {
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

/** The problem with a time of which nothing is known. @param oldestMs of which something is known */
export const unknownSince = (sinceMs: number, oldestMs: number, known: string): RequestProblem =>
  new RequestProblem(400, `since is ${isoTime(sinceMs)}: rows by time are known of ${known}.`, {
    parameter: 'since',
    accepts: `a time from ${isoTime(oldestMs)} to now`,
  });

/**
 * Whole minutes if all of it was in the last two hours, whole hours if all of it was in the last eight days, otherwise whole days of UTC.
 * So it may begin earlier and end later.
 */
const windowOfTimes = ({ sinceMs, untilMs }: Times): Window => ({
  bucketMs: minuteMs,
  at(tally, nowMs) {
    const oldestMs = ({ ms, most }: Unit) => (Math.floor(nowMs / ms) - most + 1) * ms;
    const unit = units.find((each) => sinceMs >= oldestMs(each));
    if (!unit || sinceMs > nowMs)
      throw unknownSince(sinceMs, Math.min(...units.map(oldestMs)), 'the last 31 days');
    const endMs = Math.min(untilMs ?? nowMs + 1, nowMs + 1);
    return windowOf(tally, unit, Math.floor(sinceMs / unit.ms), Math.ceil(endMs / unit.ms) - 1);
  },
});

function windowOf(tally: Tally, unit: Unit, first: number, last: number): ReturnType<Window['at']> {
  const times = { from: isoTime(first * unit.ms), to: isoTime((last + 1) * unit.ms) };
  return { ...clicksIn(tally, unit, first, last), times };
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
