import { dayMs, minuteMs } from '../duration';
import { RequestProblem } from './answer';
import { type Unit, units } from './keptUnits';
import type { Asked } from './lakeScan';
import type { Parameters } from './parameters';
import { ensurePast, isoTime, longestUnit, readTimes, type Times } from './timeWindow';

/** The windows that a window can be compared with: the one right before it, the same one a day earlier, or the same one a week earlier. */
const comparisons = ['before', 'yesterday', 'lastWeek'] as const;
type Comparison = (typeof comparisons)[number];

/**
 * How much earlier the other window begins, in milliseconds. Undefined if it ends where the first one begins, so that its length decides.
 */
const distances = { before: undefined, yesterday: dayMs, lastWeek: 7 * dayMs } as const;

/** Two windows of whole buckets. Neither has the current bucket, which is not over yet and would look like a fall. */
export interface Windows {
  readonly unit: Unit;
  /** The number of the first bucket since 1970. */
  readonly first: number;
  /** The number of the bucket after the last one. */
  readonly end: number;
  /** How many buckets the second window lies before the first. */
  readonly back: number;
}

export interface ComparedWindows {
  /** The length in milliseconds of the buckets with which they move. */
  readonly bucketMs: number;
  /** True if the request chose the second window. Then the answer tells its times. */
  readonly isChosen: boolean;
  /** The parameter that asks for the windows, for messages. */
  readonly asked: Asked;
  /** @throws RequestProblem for a time that is not over yet */
  at(nowMs: number): Windows;
}

interface LastTerms {
  readonly fallback: string;
  readonly accepts: string;
  /** The values of `last` for which all counts are kept. */
  readonly counted: string;
}

/** By comparison: what `last` accepts, and its default. */
const lasts: Readonly<Record<Comparison, LastTerms>> = {
  before: {
    fallback: '15m',
    accepts: 'a time in whole minutes, hours or days, like 15m, 3h or 9d',
    counted: '1m to 60m in whole minutes, 2h to 96h in whole hours, or 5d to 15d in whole days',
  },
  yesterday: {
    fallback: '1h',
    accepts: '1m to 1d with compare=yesterday',
    counted: '1h to 24h in whole hours with compare=yesterday',
  },
  lastWeek: {
    fallback: '1h',
    accepts: '1m to 7d with compare=lastWeek',
    counted: '1h to 24h in whole hours, or 2d to 7d in whole days, with compare=lastWeek',
  },
};

export const comparedParameters = ['last', 'since', 'until', 'compare'];

export function readComparedWindows(parameters: Parameters): ComparedWindows {
  const chosen = parameters.oneOf('compare', comparisons);
  const comparison = chosen ?? 'before';
  const { fallback, accepts, counted } = lasts[comparison];
  const unitOf = (ms: number) =>
    units.find((unit) => isKnown(ms, unit, comparison)) ??
    units.findLast((unit) => areApart(ms, unit, comparison));
  const isAccepted = (ms: number) => unitOf(ms) !== undefined;
  const times = readTimes(parameters, parameters.optionalSpan('last', accepts, isAccepted) !== undefined);
  const isChosen = chosen !== undefined;
  const asked = times ? { parameter: 'since', counted: countedTimes } : { parameter: 'last', counted };
  if (times)
    return { bucketMs: minuteMs, isChosen, asked, at: (nowMs) => windowsOf(times, comparison, nowMs) };
  const { ms } = parameters.span('last', fallback, accepts, isAccepted);
  const unit = unitOf(ms) as Unit;
  const length = ms / unit.ms;
  return {
    bucketMs: unit.ms,
    isChosen,
    asked,
    at(nowMs) {
      const end = Math.floor(nowMs / unit.ms);
      return { unit, first: end - length, end, back: backOf(length, unit, comparison) };
    },
  };
}

const backOf = (length: number, unit: Unit, comparison: Comparison): number =>
  (distances[comparison] ?? length * unit.ms) / unit.ms;

const countedTimes = 'the last 31 days, in which the compared window must be, too';

/** Whether a length is a whole number of units, and the two windows do not overlap. */
function areApart(ms: number, unit: Unit, comparison: Comparison): boolean {
  const length = ms / unit.ms;
  return Number.isInteger(length) && length <= backOf(length, unit, comparison);
}

/** Whether counts are kept in this unit for both windows of a length that end now. */
const isKnown = (ms: number, unit: Unit, comparison: Comparison): boolean =>
  areApart(ms, unit, comparison) && ms / unit.ms + backOf(ms / unit.ms, unit, comparison) <= unit.most;

/** The windows in the finest unit in which counts are kept for both. If there is no such unit, they are in the longest one. */
function windowsOf({ sinceMs, untilMs }: Times, comparison: Comparison, nowMs: number): Windows {
  const windowsIn = (unit: Unit): Windows => {
    const first = Math.floor(sinceMs / unit.ms);
    const end = Math.min(Math.floor(nowMs / unit.ms), Math.ceil((untilMs ?? nowMs) / unit.ms));
    return { unit, first, end, back: backOf(end - first, unit, comparison) };
  };
  const isKnownNow = ({ unit, first, back }: Windows) =>
    first - back >= Math.floor(nowMs / unit.ms) - unit.most;
  ensurePast(sinceMs, nowMs);
  const found = units.map(windowsIn).find(isKnownNow) ?? windowsIn(longestUnit);
  const { unit, first, end, back } = found;
  const refuse = (detail: string, accepts: string) =>
    new RequestProblem(400, `since is ${isoTime(sinceMs)}: ${detail}.`, { parameter: 'since', accepts });
  if (end <= first)
    throw refuse(
      `no whole ${unit.name.slice(0, -1)} of the window is over`,
      `a time that is ${unit.name} before now`,
    );
  if (end - first > back)
    throw refuse(
      `with compare=${comparison} the window must not reach into the other one`,
      `a time at most ${(back * unit.ms) / dayMs}d before until`,
    );
  return found;
}
