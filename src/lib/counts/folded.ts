import { hashKey, type Key } from './keys';
import { Series, type SeriesParts } from './series';
import { type BySpan, bySpan, keptSpans, spanNames } from './spans';

/**
 * How many counters the folded keys share. With more counters, the upper bound for the rows of a single key is closer to the truth: with 10
 * million rows of as many keys, about 40 rows share a counter.
 */
const sharedCounters = 2 ** 18;

/** Folded counts in the form in which another object adds them. The total is the sum of the shared counters. */
export interface FoldedParts {
  /** The indexes of the shared counters that are not 0, and their values. */
  readonly shared: readonly [indexes: readonly number[], counts: readonly number[]];
  readonly times: BySpan<SeriesParts>;
}

/**
 * The rows of all keys that are not counted on their own. Every key adds its rows to one of the shared counters, which its hash
 * chooses. So no key has more rows than its counter says, and none has more than the largest counter. These numbers depend on
 * nothing but the rows and on which keys are folded, so every instance gets the same ones.
 */
export class Folded {
  total = 0;
  readonly times: BySpan<Series>;
  readonly #shared = new Float64Array(sharedCounters);
  #most = 0;

  constructor(nowMs: number) {
    this.times = bySpan((name) => new Series(keptSpans[name], nowMs));
  }

  /** An upper bound for the rows of any single folded key. */
  get most(): number {
    return this.#most;
  }

  /** An upper bound for the folded rows of this key; 0 if it certainly has none. */
  mostOf(key: Key): number {
    return this.#shared[counterOf(key)] ?? 0;
  }

  /** Drops the buckets that are too old at this time. */
  advance(nowMs: number): void {
    for (const name of spanNames) this.times[name].advance(nowMs);
  }

  /** Counts one row; `timeMs` is its time in milliseconds since 1970, or NaN if unknown. */
  add(key: Key, timeMs: number): void {
    this.addRows(key, 1);
    for (const name of spanNames) this.times[name].add(timeMs);
  }

  /** Counts rows of a key whose times are counted elsewhere, so they go into no bucket. */
  addRows(key: Key, rows: number): void {
    this.#addShared(counterOf(key), rows);
  }

  merge({ shared: [indexes, counts], times }: FoldedParts): void {
    indexes.forEach((index, at) => {
      this.#addShared(index, counts[at] ?? 0);
    });
    for (const name of spanNames) this.times[name].merge(times[name]);
  }

  parts(): FoldedParts {
    const indexes: number[] = [];
    const counts: number[] = [];
    this.#shared.forEach((count, index) => {
      if (count === 0) return;
      indexes.push(index);
      counts.push(count);
    });
    return { shared: [indexes, counts], times: bySpan((name) => this.times[name].parts()) };
  }

  #addShared(index: number, rows: number): void {
    const count = (this.#shared[index] ?? 0) + rows;
    this.#shared[index] = count;
    this.#most = Math.max(this.#most, count);
    this.total += rows;
  }
}

const counterOf = (key: Key): number => hashKey(key) % sharedCounters;

/** Whether an index is one of a shared counter. */
export const isSharedCounter = (index: number): boolean => index < sharedCounters;
