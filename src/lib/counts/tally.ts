import { TributaryError } from '../errors';
import { Buckets, type StoredBucket } from './buckets';
import { type Key, sortByCount } from './keys';

const minuteMs = 60_000;
const hourMs = 3_600_000;

/**
 * How far back the API can ask:
 * - minutes: two windows of an hour, and the current minute
 * - hours: two windows of a day, and the current hour
 * - totals by minute: a week, the rest of the bucket of up to a day that begins before the week, and the current minute
 */
export const keptSpans = {
  minutes: { bucketMs: minuteMs, kept: 121 },
  hours: { bucketMs: hourMs, kept: 49 },
  total: { bucketMs: minuteMs, kept: 8 * 24 * 60 + 1 },
} as const;

/** How many distinct keys are counted by default. Senders choose the keys, so memory needs a limit. */
export const defaultMaxKeys = 250_000;

/** A tally in its stored form: columns by key, then the buckets. */
export interface StoredTally {
  readonly keys: readonly Key[];
  readonly attributes: readonly (Key | null)[];
  readonly latest: readonly number[];
  readonly counts: readonly number[];
  readonly minutes: readonly StoredBucket[];
  readonly hours: readonly StoredBucket[];
  readonly totals: readonly StoredBucket[];
}

/**
 * Rows per key, in total and by enqueued time. Each key gets the next free index when it is first seen. The result does not
 * depend on the order of the rows: the attribute that was enqueued last is kept. A row without an attribute does not change it.
 */
export class Tally {
  readonly keys: Key[] = [];
  readonly attributes: (Key | null)[] = [];
  readonly counts: number[] = [];
  total = 0;
  readonly minutes: Buckets;
  readonly hours: Buckets;
  /** Counts by minute of all keys together, under index 0. */
  readonly totals: Buckets;
  readonly #maxKeys: number;
  readonly #indexes = new Map<Key, number>();
  /** When each key's attribute was enqueued, in milliseconds since 1970; 0 if unknown. */
  readonly #latest: number[] = [];
  #ranked: number[] = [];
  #isRanked = true;

  constructor(nowMs: number, maxKeys = defaultMaxKeys) {
    this.#maxKeys = maxKeys;
    this.minutes = new Buckets(keptSpans.minutes, nowMs);
    this.hours = new Buckets(keptSpans.hours, nowMs);
    this.totals = new Buckets(keptSpans.total, nowMs);
  }

  indexOf(key: Key): number | undefined {
    return this.#indexes.get(key);
  }

  /** The count of a key; 0 for an unknown key. */
  countOf(key: Key): number {
    const index = this.#indexes.get(key);
    return index === undefined ? 0 : (this.counts[index] ?? 0);
  }

  /** Indexes of all keys, highest count first, equal counts by key. Sorting again after a few more rows is cheap. */
  ranked(): readonly number[] {
    if (this.#isRanked) return this.#ranked;
    for (let index = this.#ranked.length; index < this.keys.length; index++) this.#ranked.push(index);
    this.#isRanked = true;
    return sortByCount(this.#ranked, this.counts, this.keys);
  }

  /** Drops the buckets that are too old at this time. */
  advance(nowMs: number): void {
    for (const buckets of [this.minutes, this.hours, this.totals]) buckets.advance(nowMs);
  }

  /**
   * Counts one row.
   * @param timeMs when it was enqueued, in milliseconds since 1970; NaN if unknown
   * @throws `counts.keys` if there are too many distinct keys
   */
  add(key: Key, attribute: Key | null, timeMs: number): void {
    const index = this.#place(key, attribute, Number.isNaN(timeMs) ? 0 : timeMs);
    this.#isRanked = false;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.total++;
    if (Number.isNaN(timeMs)) return;
    this.minutes.add(index, timeMs);
    this.hours.add(index, timeMs);
    this.totals.add(0, timeMs);
  }

  /** Adds the counts of another tally. Throws `counts.keys` before it changes anything. */
  merge(other: StoredTally): void {
    const added = other.keys.reduce((sum: number, key) => sum + (this.#indexes.has(key) ? 0 : 1), 0);
    if (this.keys.length + added > this.#maxKeys) throw tooManyKeys(this.#maxKeys);
    this.#isRanked = false;
    const indexes = other.keys.map((key, from) => {
      const index = this.#place(key, other.attributes[from] ?? null, other.latest[from] ?? 0);
      const count = other.counts[from] ?? 0;
      this.counts[index] = (this.counts[index] ?? 0) + count;
      this.total += count;
      return index;
    });
    const mergeBuckets = (into: Buckets, from: Iterable<StoredBucket>, place: (index: number) => number) => {
      for (const [bucket, at, counts] of from)
        at.forEach((index, i) => {
          into.addTo(bucket, place(index), counts[i] ?? 0);
        });
    };
    mergeBuckets(this.minutes, other.minutes, (index) => indexes[index] ?? 0);
    mergeBuckets(this.hours, other.hours, (index) => indexes[index] ?? 0);
    mergeBuckets(this.totals, other.totals, () => 0);
  }

  stored(): StoredTally {
    return {
      keys: this.keys,
      attributes: this.attributes,
      latest: this.#latest,
      counts: this.counts,
      minutes: [...this.minutes.stored()],
      hours: [...this.hours.stored()],
      totals: [...this.totals.stored()],
    };
  }

  #place(key: Key, attribute: Key | null, time: number): number {
    const known = this.#indexes.get(key);
    if (known !== undefined) {
      if (attribute !== null && this.#takesPlace(known, attribute, time)) {
        this.attributes[known] = attribute;
        this.#latest[known] = time;
      }
      return known;
    }
    if (this.keys.length >= this.#maxKeys) throw tooManyKeys(this.#maxKeys);
    const index = this.keys.length;
    this.#indexes.set(key, index);
    this.keys.push(key);
    this.attributes.push(attribute);
    this.counts.push(0);
    this.#latest.push(attribute === null ? 0 : time);
    return index;
  }

  /** Whether an attribute replaces the known one. At equal times the larger one wins, so that the reading order is irrelevant. */
  #takesPlace(index: number, attribute: Key, time: number): boolean {
    const known = this.attributes[index] ?? null;
    const latest = this.#latest[index] ?? 0;
    return known === null || time > latest || (time === latest && attribute > known);
  }
}

const tooManyKeys = (most: number) =>
  new TributaryError(
    'counts.keys',
    `There are more than ${most} distinct keys to count, which is the limit of what is kept in memory.`,
  );
