import type { Tally } from '../counts/tally';
import { minuteMs } from '../duration';
import { RequestProblem } from './answer';
import { ClicksIn, largestUnitIn, type Unit, units } from './keptUnits';
import { type Asked, sourceOf } from './lakeScan';
import type { Parameters } from './parameters';

export interface Window {
  readonly bucketMs: number;
  /** The parameter that asks for the window, for messages. */
  readonly asked: Asked;
  /** @throws RequestProblem for a time that has not come yet */
  at(tally: Tally, nowMs: number): { readonly clicks: ClicksIn; readonly times: WindowTimes };
}

export interface WindowTimes {
  readonly from: string;
  readonly to: string;
  readonly source: 'counts' | 'lake';
}

/** The parameters of a window. */
export const windowParameters = ['last', 'since', 'until'];

const lastAccepts = 'a time in whole minutes, hours or days, like 15m, 3h or 9d';

/** The values of `last` for which all counts are kept. */
const countedLasts = '1m to 120m in whole minutes, 3h to 8d in whole hours, or 9d to 31d in whole days';

/** The window that the parameters `last`, or `since` and `until`, ask for; undefined if there is none of them. */
export function readWindow(parameters: Parameters): Window | undefined {
  const last = parameters.optionalSpan('last', lastAccepts, () => true);
  const times = readTimes(parameters, last !== undefined);
  if (times) return windowOfTimes(times);
  const unit = last && unitOf(last.ms);
  if (!unit) return undefined;
  return {
    bucketMs: unit.ms,
    asked: { parameter: 'last', counted: countedLasts },
    at(tally, nowMs) {
      // The current bucket, which is not over yet, and the buckets before it.
      const current = Math.floor(nowMs / unit.ms);
      return windowOf(tally, unit, current - last.ms / unit.ms + 1, current);
    },
  };
}

/**
 * The finest unit in which counts are kept for a whole window of this length. If there is none, the largest unit that divides the length.
 */
const unitOf = (ms: number): Unit | undefined =>
  units.find((unit) => ms % unit.ms === 0 && ms <= unit.most * unit.ms) ?? largestUnitIn(ms);

export interface Times {
  readonly sinceMs: number;
  /** In milliseconds since 1970; undefined for now. */
  readonly untilMs: number | undefined;
}

/** @throws RequestProblem if the parameters contradict each other */
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

/** @throws RequestProblem for a time that has not come yet, and for one before 1970 */
export function ensurePast(sinceMs: number, nowMs: number): void {
  if (sinceMs >= 0 && sinceMs <= nowMs) return;
  const accepts = `a time from ${isoTime(0)} up to ${isoTime(nowMs)}`;
  throw new RequestProblem(400, `since is ${isoTime(sinceMs)}: expected ${accepts}.`, {
    parameter: 'since',
    accepts,
  });
}

/**
 * A window in whole minutes if it lies within the last two hours, in whole hours if within the last eight days, otherwise in whole days of
 * UTC. So it may begin earlier and end later than it was asked for.
 */
const windowOfTimes = ({ sinceMs, untilMs }: Times): Window => ({
  bucketMs: minuteMs,
  asked: { parameter: 'since', counted: 'the last 31 days' },
  at(tally, nowMs) {
    ensurePast(sinceMs, nowMs);
    const isKnown = ({ ms, most }: Unit) => sinceMs >= (Math.floor(nowMs / ms) - most + 1) * ms;
    const unit = units.find(isKnown) ?? longestUnit;
    const endMs = Math.min(untilMs ?? nowMs + 1, nowMs + 1);
    return windowOf(tally, unit, Math.floor(sinceMs / unit.ms), Math.ceil(endMs / unit.ms) - 1);
  },
});

/** The unit whose counts are kept for the longest time. */
export const longestUnit = units.at(-1) as Unit;

function windowOf(tally: Tally, unit: Unit, first: number, last: number): ReturnType<Window['at']> {
  const clicks = new ClicksIn(tally, unit, first, last);
  const [from, to] = [first, last + 1].map((bucket) => isoTime(bucket * unit.ms)) as [string, string];
  return { clicks, times: { from, to, source: sourceOf(clicks.missing) } };
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
