import { dayMs, minuteMs } from '../counts/spans';
import { RequestProblem } from './answer';
import { type Unit, units } from './keptUnits';
import type { Parameters } from './parameters';
import { isoTime, readTimes, type Times, unknownSince } from './timeWindow';

/** With which window a window can be compared: the one right before it, or the same one of the day or the week before. */
const comparisons = ['before', 'yesterday', 'lastWeek'] as const;
type Comparison = (typeof comparisons)[number];

/** How much earlier the other window begins; undefined where it ends where the first one begins. */
const distances = { before: undefined, yesterday: dayMs, lastWeek: 7 * dayMs } as const;

/** Two windows of whole buckets; the current bucket is in none, because it is not over yet and would look like a fall. */
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
  /** Whether the second one was asked for; then its times are told. */
  readonly isChosen: boolean;
  /** @throws RequestProblem for a time that is not known any more */
  at(nowMs: number): Windows;
}

/** What `last` accepts, and what it is by default. */
const lasts: Readonly<Record<Comparison, { readonly fallback: string; readonly accepts: string }>> = {
  before: {
    fallback: '15m',
    accepts: '1m to 60m in whole minutes, 2h to 96h in whole hours, or 5d to 15d in whole days',
  },
  yesterday: { fallback: '1h', accepts: '1h to 24h in whole hours with compare=yesterday' },
  lastWeek: {
    fallback: '1h',
    accepts: '1h to 24h in whole hours, or 2d to 7d in whole days, with compare=lastWeek',
  },
};

export const comparedParameters = ['last', 'since', 'until', 'compare'];

export function readComparedWindows(parameters: Parameters): ComparedWindows {
  const chosen = parameters.oneOf('compare', comparisons);
  const comparison = chosen ?? 'before';
  const { fallback, accepts } = lasts[comparison];
  const unitOf = (ms: number) => units.find((unit) => isKnown(ms, unit, comparison));
  const isAccepted = (ms: number) => unitOf(ms) !== undefined;
  const times = readTimes(parameters, parameters.optionalSpan('last', accepts, isAccepted) !== undefined);
  const isChosen = chosen !== undefined;
  if (times) return { bucketMs: minuteMs, isChosen, at: (nowMs) => windowsOf(times, comparison, nowMs) };
  const { ms } = parameters.span('last', fallback, accepts, isAccepted);
  const unit = unitOf(ms) as Unit;
  const length = ms / unit.ms;
  return {
    bucketMs: unit.ms,
    isChosen,
    at(nowMs) {
      const end = Math.floor(nowMs / unit.ms);
      return { unit, first: end - length, end, back: backOf(length, unit, comparison) };
    },
  };
}

const backOf = (length: number, unit: Unit, comparison: Comparison): number =>
  (distances[comparison] ?? length * unit.ms) / unit.ms;

/** Whether both windows of a length that end now are known in a unit, and none has a part of the other. */
function isKnown(ms: number, unit: Unit, comparison: Comparison): boolean {
  const length = ms / unit.ms;
  const back = backOf(length, unit, comparison);
  return Number.isInteger(length) && length <= back && length + back <= unit.most;
}

/** The windows in the finest unit in which both are known. */
function windowsOf({ sinceMs, untilMs }: Times, comparison: Comparison, nowMs: number): Windows {
  const windowsIn = (unit: Unit): Windows => {
    const first = Math.floor(sinceMs / unit.ms);
    const end = Math.min(Math.floor(nowMs / unit.ms), Math.ceil((untilMs ?? nowMs) / unit.ms));
    return { unit, first, end, back: backOf(end - first, unit, comparison) };
  };
  const isKnownNow = ({ unit, first, back }: Windows) =>
    first - back >= Math.floor(nowMs / unit.ms) - unit.most;
  const found = units.map(windowsIn).find(isKnownNow);
  if (!found || sinceMs > nowMs) throw unknownWindow({ sinceMs, untilMs }, comparison, nowMs);
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

function unknownWindow({ sinceMs, untilMs }: Times, comparison: Comparison, nowMs: number): RequestProblem {
  const longest = units.at(-1) as Unit;
  const toUnit = (ms: number) => Math.ceil(ms / longest.ms) * longest.ms;
  const oldestMs = (Math.floor(nowMs / longest.ms) - longest.most) * longest.ms;
  const endMs = Math.min(toUnit(untilMs ?? nowMs), Math.floor(nowMs / longest.ms) * longest.ms);
  const leastMs = oldestMs + (distances[comparison] ?? toUnit((endMs - oldestMs) / 2));
  return unknownSince(sinceMs, leastMs, 'the last 31 days, in which the compared window must be, too');
}
