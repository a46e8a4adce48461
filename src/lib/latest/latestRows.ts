import type { Key } from '../counts/keys';
import { hourMs } from '../duration';
import type { Latest } from '../streams/stream';
import { type NewestParts, NewestRows } from './newestRows';
import { partsOfTimes, type StoredTimes, TimedRows, timedSpans } from './timedRows';
import type { LatestValue } from './values';

/** The most keys that are kept. If there are more, those with the oldest rows are dropped. */
export const mostRows = 100_000;

/**
 * Senders decide about a row's time. If it is more than this, in microseconds, after the time of enqueueing, the row is not in the history.
 */
const aheadMicros = hourMs * 1000;

export interface StoredLatest {
  readonly rows: NewestParts;
  /** Missing if the stream declares no history. */
  readonly history?: { readonly hours: StoredTimes; readonly days: StoredTimes };
}

/** A row as it is read; times in microseconds since 1970. */
export interface ReadRow {
  readonly key: Key;
  readonly time: number;
  /** When the row was enqueued; null if that is not known. */
  readonly enqueuedAt: number | null;
  /** The values, in the order of `columnsToTell`. */
  readonly values: readonly LatestValue[];
}

/** All columns that the API tells, in the newest rows or in the history. */
export const columnsToTell = ({ columns, history = [] }: Latest): string[] => [
  ...new Set([...columns, ...history]),
];

/** The newest rows of each hour and of each day. */
export interface History {
  readonly hours: TimedRows;
  readonly days: TimedRows;
}

/** The newest row of each key: of all time, and of each hour and day. The result does not depend on the order in which rows are added. */
export class LatestRows {
  readonly newest: NewestRows;
  /** Undefined if the stream declares no history. */
  readonly history: History | undefined;
  /** The indexes of the history's values in a row. */
  readonly #places: readonly number[];

  constructor(latest: Latest, nowMs: number) {
    const { columns, history } = latest;
    const told = columnsToTell(latest);
    this.newest = new NewestRows(mostRows, columns.length);
    this.#places = (history ?? []).map((name) => told.indexOf(name));
    this.history = history && {
      hours: new TimedRows(timedSpans.hours, history.length, nowMs),
      days: new TimedRows(timedSpans.days, history.length, nowMs),
    };
  }

  advance(nowMs: number): void {
    for (const rows of this.#timed()) rows.advance(nowMs);
  }

  /** Adds a row. Before the rows are used, `cut` must be called, or they must be merged into others. */
  add({ key, time, enqueuedAt, values }: ReadRow): void {
    this.newest.add(key, time, (column) => values[column] ?? null);
    if (enqueuedAt === null || time > enqueuedAt + aheadMicros) return;
    for (const rows of this.#timed())
      rows.add(this.newest.same(key), time, (column) => values[this.#places[column] ?? 0] ?? null);
  }

  merge(other: LatestRows): void {
    this.newest.merge(other.newest);
    if (other.history) this.#mergeTimed(other.history.hours.parts(), other.history.days.parts());
  }

  mergeStored({ rows, history }: StoredLatest): void {
    this.newest.merge(rows);
    if (history) this.#mergeTimed(partsOfTimes(history.hours), partsOfTimes(history.days));
  }

  /** Drops the keys for which there is no room. */
  cut(): void {
    this.newest.cut();
    for (const rows of this.#timed()) rows.cut();
  }

  stored(): StoredLatest {
    const { keys, times, columns, isCut } = this.newest;
    const { hours, days } = this.history ?? {};
    return {
      rows: { keys, times, columns, isCut },
      ...(hours && days && { history: { hours: hours.stored(), days: days.stored() } }),
    };
  }

  #timed(): TimedRows[] {
    return this.history ? [this.history.hours, this.history.days] : [];
  }

  #mergeTimed(...[hours, days]: Parameters<TimedRows['merge']>[0][]): void {
    const same = (key: Key) => this.newest.same(key);
    if (hours) this.history?.hours.merge(hours, same);
    if (days) this.history?.days.merge(days, same);
  }
}
