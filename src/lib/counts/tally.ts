import { type BucketParts, Buckets } from './buckets';
import { Folded, type FoldedParts } from './folded';
import { type Key, sortByCount } from './keys';
import { Series, type SeriesParts } from './series';
import { type BySpan, bySpan, keptSpans, spanNames } from './spans';

/** The counts of a tally, in the form in which another tally adds them. The first four lists have one entry for each key. */
export interface TallyParts {
  readonly keys: readonly Key[];
  readonly attributes: readonly (Key | null)[];
  readonly latest: readonly number[];
  readonly counts: readonly number[];
  readonly times: BySpan<BucketParts>;
  readonly totals: SeriesParts;
  /** Missing if every key is counted on its own. */
  readonly folded?: FoldedParts;
}

/** Which keys a tally counts on their own. There must be a limit, because senders choose the keys, and memory is limited. */
export type Room =
  /** All keys, but no more than this many. */
  | { readonly maxKeys: number }
  /** These keys; all others are folded into one count. */
  | { readonly kept: ReadonlySet<Key> };

/**
 * Rows per key, in total and by enqueued time. Each key gets the next free index when it is first seen. The result does not
 * depend on the order of the rows: the attribute that was enqueued last is kept. A row without an attribute does not change it.
 */
export class Tally {
  #keys: Key[] = [];
  #attributes: (Key | null)[] = [];
  #counts: number[] = [];
  /** Rows of all keys, the folded ones included. */
  total = 0;
  /** Rows of each key, by time. */
  readonly times: BySpan<Buckets>;
  /** Rows of all keys together, by minute. */
  readonly totals: Series;
  /** The rows of all keys that are folded; undefined if every key is kept. */
  readonly folded: Folded | undefined;
  readonly #room: Room;
  readonly #indexes = new Map<Key, number>();
  /** When each key's attribute was enqueued, in milliseconds since 1970; 0 if unknown. */
  #latest: number[] = [];
  #ranked: number[] = [];
  #isRanked = true;

  constructor(nowMs: number, room: Room = { maxKeys: Number.POSITIVE_INFINITY }) {
    this.#room = room;
    this.times = bySpan((name) => new Buckets(keptSpans[name], nowMs));
    this.totals = new Series(keptSpans.total, nowMs);
    this.folded = 'kept' in room ? new Folded(nowMs) : undefined;
  }

  get keys(): readonly Key[] {
    return this.#keys;
  }

  get attributes(): readonly (Key | null)[] {
    return this.#attributes;
  }

  get counts(): readonly number[] {
    return this.#counts;
  }

  indexOf(key: Key): number | undefined {
    return this.#indexes.get(key);
  }

  /** The count of a key; 0 for a key that is unknown or folded. */
  countOf(key: Key): number {
    const index = this.#indexes.get(key);
    return index === undefined ? 0 : (this.counts[index] ?? 0);
  }

  /** An upper bound for the folded rows of this key; 0 if it certainly has none. */
  mostFoldedOf(key: Key): number {
    const isKept = 'kept' in this.#room && this.#room.kept.has(key);
    return isKept ? 0 : (this.folded?.mostOf(key) ?? 0);
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
    for (const name of spanNames) this.times[name].advance(nowMs);
    this.totals.advance(nowMs);
    this.folded?.advance(nowMs);
  }

  /**
   * Counts one row. Returns false, and counts nothing, if there is no room for one more key.
   * @param timeMs when it was enqueued, in milliseconds since 1970; NaN if unknown
   */
  add(key: Key, attribute: Key | null, timeMs: number): boolean {
    const index = this.#place(key, attribute, Number.isNaN(timeMs) ? 0 : timeMs);
    if (index === undefined) {
      if (!this.folded) return false;
      this.folded.add(key, timeMs);
    } else {
      this.#isRanked = false;
      this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    }
    this.total++;
    this.totals.add(timeMs);
    if (index !== undefined) for (const name of spanNames) this.times[name].add(index, timeMs);
    return true;
  }

  /** Whether the keys of another tally fit in beside the keys that are here. */
  hasRoomFor({ keys }: Pick<TallyParts, 'keys'>): boolean {
    if ('kept' in this.#room || this.keys.length + keys.length <= this.#room.maxKeys) return true;
    const added = keys.reduce((sum: number, key) => sum + (this.#indexes.has(key) ? 0 : 1), 0);
    return this.keys.length + added <= this.#room.maxKeys;
  }

  /**
   * Adds the counts of another tally. The caller must have asked `hasRoomFor`. If keys are folded in the other tally, this one must keep
   * the same keys.
   */
  merge(other: TallyParts): void {
    if (other.folded) {
      if (!this.folded) throw new Error('Folded counts cannot be told apart again.');
      this.folded.merge(other.folded);
      this.total += other.folded.shared[1].reduce((sum, count) => sum + count, 0);
    }
    this.#isRanked = false;
    const places = this.#areAllNew(other) ? this.#take(other) : this.#placeAll(other);
    for (const name of spanNames) this.times[name].merge(other.times[name], places, this.folded?.times[name]);
    this.totals.merge(other.totals);
  }

  /** Whether this tally has no keys yet, and can give each key of the other one its own count. */
  #areAllNew({ keys }: TallyParts): boolean {
    const room = this.#room;
    if (this.#keys.length > 0) return false;
    return 'kept' in room ? keys.every((key) => room.kept.has(key)) : keys.length <= room.maxKeys;
  }

  /** Takes all keys of a cached state over at once. There are many, and one by one would be slower. */
  #take({ keys, attributes, latest, counts }: TallyParts): 'the same' {
    this.#keys = keys.slice();
    this.#attributes = attributes.slice();
    this.#latest = latest.slice();
    this.#counts = counts.slice();
    for (let index = 0; index < keys.length; index++) {
      this.#indexes.set(keys[index] ?? 0, index);
      this.total += counts[index] ?? 0;
    }
    return 'the same';
  }

  /**
   * Adds the counts per key. Returns the index here of each key there, undefined for a folded key; or 'the same' if all indexes are equal.
   */
  #placeAll(other: TallyParts): readonly (number | undefined)[] | 'the same' {
    const indexes = other.keys.map((key, from) => {
      const count = other.counts[from] ?? 0;
      this.total += count;
      const index = this.#place(key, other.attributes[from] ?? null, other.latest[from] ?? 0);
      if (index !== undefined) this.#counts[index] = (this.#counts[index] ?? 0) + count;
      else if (this.folded) this.folded.addRows(key, count);
      else throw new Error('There is no room for one more key.');
      return index;
    });
    return indexes.every((index, there) => index === there) ? 'the same' : indexes;
  }

  /** The counts, for another tally to add. It must add them before this one changes. */
  parts(): TallyParts {
    return {
      keys: this.keys,
      attributes: this.attributes,
      latest: this.#latest,
      counts: this.counts,
      times: bySpan((name) => this.times[name].parts()),
      totals: this.totals.parts(),
      ...(this.folded ? { folded: this.folded.parts() } : {}),
    };
  }

  /** The index of a key, whose attribute is updated. Undefined if the key is folded, or if there is no room for one more key. */
  #place(key: Key, attribute: Key | null, time: number): number | undefined {
    const known = this.#indexes.get(key);
    if (known !== undefined) {
      if (attribute !== null && this.#takesPlace(known, attribute, time)) {
        this.#attributes[known] = attribute;
        this.#latest[known] = time;
      }
      return known;
    }
    const index = this.keys.length;
    const room = this.#room;
    if ('kept' in room ? !room.kept.has(key) : index >= room.maxKeys) return undefined;
    this.#indexes.set(key, index);
    this.#keys.push(key);
    this.#attributes.push(attribute);
    this.#counts.push(0);
    this.#latest.push(attribute === null ? 0 : time);
    return index;
  }

  /** Whether an attribute replaces the known one. At equal times the larger one wins, so that the order of reading does not matter. */
  #takesPlace(index: number, attribute: Key, time: number): boolean {
    const known = this.attributes[index] ?? null;
    const latest = this.#latest[index] ?? 0;
    return known === null || time > latest || (time === latest && attribute > known);
  }
}
