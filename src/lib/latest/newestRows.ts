import { compareKeys, type Key } from '../counts/keys';
import { compareValues, type LatestValue } from './values';

/** Rows in the form in which they are merged into others and stored. All lists have one entry for each key. */
export interface NewestParts {
  readonly keys: readonly Key[];
  /** Microseconds since 1970. */
  readonly times: readonly number[];
  /** One list for each column. */
  readonly columns: readonly (readonly LatestValue[])[];
  /** True if some keys were dropped because there was no room for them. */
  readonly isCut: boolean;
}

/** How many keys more than there is room for are kept before the oldest are dropped, so that the keys are not sorted for each new one. */
const slack = 1.25;

/**
 * The newest row of each key. If there is no room for all keys, those with the newest rows are kept: senders choose the keys, so memory
 * needs a limit. After `cut`, the result does not depend on the order in which rows were added or merged. A dropped key had older rows than
 * all keys that were kept, so it comes back only with a row that is newer than all its own.
 */
export class NewestRows {
  readonly keys: Key[] = [];
  readonly times: number[] = [];
  readonly columns: LatestValue[][];
  isCut = false;
  readonly #most: number;
  readonly #indexes = new Map<Key, number>();

  /** @param most the most keys that are kept */
  constructor(most: number, columns: number) {
    this.#most = most;
    this.columns = Array.from({ length: columns }, () => []);
  }

  indexOf(key: Key): number | undefined {
    return this.#indexes.get(key);
  }

  /** A key that is equal to this one and is in memory already, if there is one. So each text is in memory only once. */
  same(key: Key): Key {
    const index = this.#indexes.get(key);
    return index === undefined ? key : (this.keys[index] ?? key);
  }

  /** @param valueAt the row's value of each column, by the column's index */
  add(key: Key, time: number, valueAt: (column: number) => LatestValue): void {
    const known = this.#indexes.get(key);
    if (known === undefined) this.#indexes.set(key, this.keys.push(key) - 1);
    else if (!this.#isNewer(known, time, valueAt)) return;
    const index = known ?? this.keys.length - 1;
    this.times[index] = time;
    this.columns.forEach((values, column) => {
      values[index] = valueAt(column);
    });
    if (this.keys.length > this.#most * slack) this.cut();
  }

  merge(parts: NewestParts): void {
    const { keys, times, columns, isCut } = parts;
    if (this.keys.length === 0) this.#take(parts);
    else
      keys.forEach((key, index) => {
        this.add(key, times[index] ?? 0, (column) => columns[column]?.[index] ?? null);
      });
    this.isCut ||= isCut;
    this.cut();
  }

  /** Drops the keys for which there is no room: those with the oldest rows, and among equally old ones the greater keys. */
  cut(): void {
    if (this.keys.length <= this.#most) return;
    const kept = [...this.keys.keys()]
      .sort(
        (a, b) =>
          (this.times[b] ?? 0) - (this.times[a] ?? 0) || compareKeys(this.keys[a] ?? 0, this.keys[b] ?? 0),
      )
      .slice(0, this.#most)
      .sort((a, b) => a - b);
    for (const list of [this.keys, this.times, ...this.columns]) keepOnly(list, kept);
    this.#indexes.clear();
    this.keys.forEach((key, index) => void this.#indexes.set(key, index));
    this.isCut = true;
  }

  /** Takes over rows. There must be none here yet. */
  #take({ keys, times, columns }: NewestParts): void {
    const copy = <T>(from: readonly T[], to: T[]) => {
      for (const value of from) to.push(value);
    };
    copy(keys, this.keys);
    copy(times, this.times);
    this.columns.forEach((values, column) => void copy(columns[column] ?? [], values));
    keys.forEach((key, index) => void this.#indexes.set(key, index));
  }

  #isNewer(known: number, time: number, valueAt: (column: number) => LatestValue): boolean {
    const knownTime = this.times[known] ?? 0;
    if (time !== knownTime) return time > knownTime;
    for (let column = 0; column < this.columns.length; column++) {
      const order = compareValues(valueAt(column), this.columns[column]?.[known] ?? null);
      if (order !== 0) return order > 0;
    }
    return false;
  }
}

/** Keeps the entries with these indexes, which must ascend. */
function keepOnly<T>(list: T[], kept: readonly number[]): void {
  kept.forEach((from, to) => {
    list[to] = list[from] as T;
  });
  list.length = kept.length;
}
