import type { Stretch } from '../counts/scanTimes';
import type { Tally } from '../counts/tally';
import { minuteMs } from '../duration';
import type { HistoryRange, Range } from './historyRange';
import { type OtherClicks, otherClicks } from './otherClicks';

/** The rows that a history is about. */
export interface Wanted {
  /** The indexes of the wanted keys; undefined for all rows. */
  readonly indexes: ((tally: Tally) => readonly number[]) | undefined;
  /**
   * True if keys that are not counted on their own may be among the wanted ones. Then the answer tells their rows beside the wanted ones.
   */
  readonly hasOther: boolean;
}

/**
 * The wanted rows in each bucket of a history. At first it has the rows of which counts are kept; those of the `missing` time are added
 * later.
 */
export class RowsOverTime {
  readonly counts: Float64Array;
  /** The time of which no counts are kept. */
  readonly missing: readonly Stretch[];
  readonly #range: Range;
  readonly #bucketMs: number;
  /** For each index, 1 if the key is wanted; undefined if all rows are wanted. */
  readonly #isWanted: Uint8Array | undefined;
  /** The keys that are not counted on their own, if they are told beside the wanted rows. */
  readonly #others: { readonly total: number; readonly most: number } | undefined;
  #folded = 0;

  constructor(tally: Tally, { indexes, hasOther }: Wanted, history: HistoryRange, range: Range) {
    const { bucket, unit } = history;
    const { first, last } = range;
    this.#range = range;
    this.#bucketMs = bucket.ms;
    this.counts = new Float64Array(last - first + 1);
    const wanted = indexes?.(tally);
    if (wanted) this.#isWanted = flags(wanted, tally.keys.length);
    const kept = Math.min(last + 1, Math.max(first, firstKept(tally, history, wanted !== undefined)));
    this.missing = first < kept ? [{ fromMs: first * bucket.ms, endMs: kept * bucket.ms }] : [];
    const countIn = counterOf(tally, wanted, history);
    for (let at = kept; at <= last; at++) this.counts[at - first] = countIn(at);
    if (!hasOther || !tally.folded) return;
    this.#others = { total: tally.folded.total, most: tally.folded.most };
    const each = bucket.ms / unit.ms;
    this.#folded = tally.folded.times[unit.name].sum(kept * each, (last + 1) * each - 1);
  }

  /** Adds a row, if it is wanted. @param index undefined for a key that is not counted on its own */
  readonly add = (index: number | undefined, timeMs: number): void => {
    if (index === undefined) this.#folded++;
    if (this.#isWanted && !(index !== undefined && this.#isWanted[index] === 1)) return;
    const at = Math.floor(timeMs / this.#bucketMs) - this.#range.first;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  };

  get other(): OtherClicks | undefined {
    return otherClicks({ folded: this.#others }, this.#folded);
  }
}

function flags(indexes: readonly number[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  for (const index of indexes) all[index] = 1;
  return all;
}

/** The first bucket for all of which counts are kept. */
function firstKept(tally: Tally, { bucket, unit }: HistoryRange, ofKeys: boolean): number {
  const oldestMs = ofKeys ? tally.times[unit.name].oldest * unit.ms : tally.totals.oldest * minuteMs;
  return Math.ceil(oldestMs / bucket.ms);
}

/** A function that gives the number of rows in a bucket for which counts are kept. */
function counterOf(
  tally: Tally,
  indexes: readonly number[] | undefined,
  { bucket, unit }: HistoryRange,
): (bucket: number) => number {
  if (!indexes) {
    const each = bucket.ms / minuteMs;
    return (at) => tally.totals.sum(at * each, (at + 1) * each - 1);
  }
  const each = bucket.ms / unit.ms;
  return (at) => tally.times[unit.name].sumOf(indexes, at * each, (at + 1) * each - 1);
}
