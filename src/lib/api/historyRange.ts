import { dayMs, hourMs } from '../duration';
import { RequestProblem } from './answer';
import { largestUnitIn, type Unit } from './keptUnits';
import type { Asked } from './lakeScan';
import type { Parameters, Span } from './parameters';
import { ensurePast, isoTime, readTimes, type Times } from './timeWindow';

/** The most buckets of an answer. 31 days have fewer minutes. */
const mostBuckets = 50_000;

/** Buckets of a history, by their numbers since 1970; both are included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** The buckets that a history was asked for. */
export interface HistoryRange {
  readonly bucket: Span;
  /**
   * The unit in which counts are kept that the buckets are made of if the rows of certain keys are wanted. For all rows it is the minute.
   */
  readonly unit: Unit;
  /** The parameter that asks for the range, for messages. */
  readonly asked: Asked;
  /** @throws RequestProblem for a time that has not come yet, and for too many buckets */
  at(nowMs: number): Range;
}

export const rangeParameters = ['bucket', 'last', 'since', 'until'];

/** @param ofKeys true if the rows of certain keys are wanted */
export function readRange(parameters: Parameters, ofKeys: boolean): HistoryRange {
  const bucket = parameters.span('bucket', '1m', '1m to 1d in whole minutes', (ms) => ms <= dayMs);
  const unit = largestUnitIn(bucket.ms) as Unit;
  const accepts = `${bucket.text} (one bucket) to ${mostBuckets} of them`;
  const isAccepted = (ms: number) => ms >= bucket.ms && Math.ceil(ms / bucket.ms) <= mostBuckets;
  const given = parameters.optionalSpan('last', accepts, isAccepted);
  const times = readTimes(parameters, given !== undefined);
  const parameter = times ? 'since' : given ? 'last' : 'bucket';
  const asked = { parameter, counted: ofKeys ? countedOfKeys : countedOfAll };
  if (times) return { bucket, unit, asked, at: (nowMs) => rangeOf(times, bucket, nowMs) };
  const last = parameters.span('last', bucket.ms > hourMs ? bucket.text : '1h', accepts, isAccepted);
  const length = Math.ceil(last.ms / bucket.ms);
  const at = (nowMs: number) => {
    const current = Math.floor(nowMs / bucket.ms);
    return { first: current - length + 1, last: current };
  };
  return { bucket, unit, asked, at };
}

function rangeOf({ sinceMs, untilMs }: Times, bucket: Span, nowMs: number) {
  ensurePast(sinceMs, nowMs);
  const endMs = Math.min(untilMs ?? nowMs + 1, nowMs + 1);
  const [first, last] = [Math.floor(sinceMs / bucket.ms), Math.ceil(endMs / bucket.ms) - 1];
  if (last - first < mostBuckets) return { first, last };
  throw new RequestProblem(
    400,
    `since is ${isoTime(sinceMs)}: with bucket=${bucket.text} that is more than ${mostBuckets} buckets.`,
    { parameter: 'since', accepts: `at most ${mostBuckets} buckets` },
  );
}

/** The time for which the counts of all rows are kept. */
const countedOfAll = 'the last 31 days';
const countedOfKeys =
  'of one key or attribute the last 2 hours by the minute, the last 8 days in whole hours, or the last 31 days in whole days';
