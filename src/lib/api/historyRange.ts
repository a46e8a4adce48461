import { dayMs, hourMs, minuteMs } from '../counts/spans';
import { RequestProblem } from './answer';
import { type Unit, units } from './keptUnits';
import { type Parameters, type Span, shown } from './parameters';
import { readTimes, unknownSince } from './timeWindow';

/** For how long all rows together are known by the minute. */
const mostOfAllMs = 31 * dayMs;

/** Buckets of a history, by their numbers since 1970; both are included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** The buckets that a history was asked for. */
export interface HistoryRange {
  readonly bucket: Span;
  /** The unit of which the buckets are made, if the rows are those of some keys; otherwise they are made of minutes. */
  readonly unit: Unit;
  /** @throws RequestProblem for a time that is not known any more */
  at(nowMs: number): Range;
}

export const rangeParameters = ['bucket', 'last', 'since', 'until'];

/** @param ofKeys names the parameters that choose some keys; undefined if all rows are wanted */
export function readRange(parameters: Parameters, ofKeys: string | undefined): HistoryRange {
  const bucket = parameters.span('bucket', '1m', '1m to 1d in whole minutes', (ms) => ms <= dayMs);
  const unit = units.findLast(({ ms }) => bucket.ms % ms === 0) as Unit;
  const mostMs = ofKeys === undefined ? mostOfAllMs : unit.most * unit.ms;
  const who = ofKeys === undefined ? '' : `, ${ofKeys}`;
  if (bucket.ms > mostMs) {
    const accepts = `1m to 2h, or up to 1d in whole hours${who}`;
    throw new RequestProblem(400, `bucket is ${shown(bucket.text)}: expected ${accepts}.`, {
      parameter: 'bucket',
      accepts,
    });
  }
  const accepts = `${bucket.text} (one bucket) to ${ofKeys === undefined ? '31d' : mostOfKeys[unit.name]}${who}`;
  const isAccepted = (ms: number) =>
    ms >= bucket.ms && (ofKeys === undefined ? ms : Math.ceil(ms / bucket.ms) * bucket.ms) <= mostMs;
  const times = readTimes(parameters, parameters.optionalSpan('last', accepts, isAccepted) !== undefined);
  if (!times) {
    const last = parameters.span('last', bucket.ms > hourMs ? bucket.text : '1h', accepts, isAccepted);
    const length = Math.ceil(last.ms / bucket.ms);
    const at = (nowMs: number) => {
      const current = Math.floor(nowMs / bucket.ms);
      return { first: current - length + 1, last: current };
    };
    return { bucket, unit, at };
  }
  const { sinceMs, untilMs } = times;
  const stepMs = ofKeys === undefined ? minuteMs : unit.ms;
  return {
    bucket,
    unit,
    at(nowMs) {
      // Of all rows, a day more is known than can be asked for, so that the first bucket is whole.
      const round = ofKeys === undefined ? Math.floor : Math.ceil;
      const oldestMs = round((Math.floor(nowMs / stepMs) * stepMs - mostMs) / bucket.ms) * bucket.ms;
      if (sinceMs < oldestMs || sinceMs > nowMs) throw unknownSince(sinceMs, oldestMs, knownOf(ofKeys, unit));
      const endMs = Math.min(untilMs ?? nowMs + 1, nowMs + 1);
      return { first: Math.floor(sinceMs / bucket.ms), last: Math.ceil(endMs / bucket.ms) - 1 };
    },
  };
}

/** How far back single keys can be followed, in buckets of each unit. */
const mostOfKeys = {
  minutes: '2h, or to 8d with a bucket of whole hours, or to 31d with bucket=1d',
  hours: '8d, or to 31d with bucket=1d',
  days: '31d',
};

const knownOf = (ofKeys: string | undefined, { name }: Unit): string =>
  ofKeys === undefined
    ? 'the last 31 days'
    : { minutes: 'the last 2 hours', hours: 'the last 8 days', days: 'the last 31 days' }[name] +
      ` with this bucket, ${ofKeys}`;
