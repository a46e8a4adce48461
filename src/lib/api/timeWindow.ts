import type { Tally } from '../counts/tally';
import { minuteMs } from '../duration';
import { RequestProblem } from './answer';
import { ClicksIn, largestUnitIn, type Unit, units } from './keptUnits';
import { type Asked, sourceOf } from './lakeScan';
import type { Parameters } from './parameters';

export interface Window {
  readonly bucketMs: number;
  /** What asks for it. */
  readonly asked: Asked;
  /** @throws RequestProblem for a time that is not there yet */
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

/** The windows of `last` of which all is counted in advance. */
const countedLasts = '1m to 120m in whole minutes, 3h to 8d in whole hours, or 9d to 31d in whole days';

/** The window that the parameters ask for: that of `last`, or of `since` and `until`; undefined if they ask for none. */
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

/** The finest unit in which all of it is counted in advance; without one the largest. */
const unitOf = (ms: number): Unit | undefined =>
  units.find((unit) => ms % unit.ms === 0 && ms <= unit.most * unit.ms) ?? largestUnitIn(ms);

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

/** @throws RequestProblem for a time that is not there yet, and for one of before 1970 */
export function ensurePast(sinceMs: number, nowMs: number): void {
  if (sinceMs >= 0 && sinceMs <= nowMs) return;
  const accepts = `a time from ${isoTime(0)} up to ${isoTime(nowMs)}`;
  throw new RequestProblem(400, `since is ${isoTime(sinceMs)}: expected ${accepts}.`, {
    parameter: 'since',
    accepts,
  });
}

/**
 * Whole minutes if all of it was in the last two hours, whole hours if all of it was in the last eight days, otherwise whole days of UTC.
 * So it may begin earlier and end later.
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

/** That of which counts are kept for longest. */
export const longestUnit = units.at(-1) as Unit;

function windowOf(tally: Tally, unit: Unit, first: number, last: number): ReturnType<Window['at']> {
  const clicks = new ClicksIn(tally, unit, first, last);
  const [from, to] = [first, last + 1].map((bucket) => isoTime(bucket * unit.ms)) as [string, string];
  return { clicks, times: { from, to, source: sourceOf(clicks.missing) } };
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
