import type { TableLocation } from '../../delta/log';
import type { ReadValue } from '../../delta/schema';
import type { Snapshot } from '../../delta/state';
import { minuteMs } from '../../duration';
import { enqueuedAtColumn } from '../../lake/rowAddress';
import { type FileProgress, scanRows } from '../../lake/scanRows';
import type { WarehouseTable } from '../../streams/stream';
import { fittingOf, isMisfit } from '../fitValue';
import type { Warehouse } from '../warehouse';
import { type FormRow, formOfCell, minuteOfForm } from './forms';

/*
 * A table is compared slice by slice, so that only one slice is in memory. A slice is a day, or less than a day if the day has many rows.
 * Together the slices have every row that a table can have, including rows without a time and rows of days that the lake does not have.
 */

/** The two sides of a comparison: a table of the warehouse, and its table in the lake. */
export interface Sides {
  readonly warehouse: Warehouse;
  readonly at: TableLocation;
  readonly table: WarehouseTable;
  readonly signal: AbortSignal;
  /** Called while the lake is read. */
  readonly onFile?: FileProgress;
}

/** The most rows of a slice, except if a single minute has more. */
const mostRows = 50_000;
const dayMinutes = 1440;
/** The first minute that no column can hold, which is that of the year 10000. */
const endOfTime = Date.UTC(10_000, 0) / minuteMs;

/** A range of minutes since 1970, up to before `to`; an end that is undefined is open. `none` is the slice of rows without a time. */
export type Slice = { readonly from: number | undefined; readonly to: number | undefined } | 'none';

/** The index of the column whose time decides about a row's slice; undefined if a table has no such column. */
export function timeColumnOf({ columns }: WarehouseTable): number | undefined {
  const isTime = (type: string) => type.startsWith('datetime');
  const enqueued = columns.findIndex(({ from, type }) => from === enqueuedAtColumn && isTime(type));
  const found = enqueued >= 0 ? enqueued : columns.findIndex(({ type }) => isTime(type));
  return found < 0 ? undefined : found;
}

export class Slices {
  readonly all: readonly Slice[];
  readonly #starts: readonly number[];
  readonly #sides: Pick<Sides, 'table' | 'warehouse'>;

  /** @param starts the minutes at which one slice ends and the next begins, ascending */
  constructor(sides: Pick<Sides, 'table' | 'warehouse'>, starts: readonly number[]) {
    this.#sides = sides;
    this.#starts = starts;
    const stretches = [undefined, ...starts].map((from, index) => ({ from, to: starts[index] }));
    this.all = timeColumnOf(sides.table) === undefined ? stretches : ['none', ...stretches];
  }

  /** The index of a row's slice in `all`. */
  indexOf(row: FormRow): number {
    const { table, warehouse } = this.#sides;
    const column = timeColumnOf(table) ?? -1;
    const [form, type] = [row[column], table.columns[column]?.type];
    // The slice of rows without a time comes first. A table without such a column has a single slice.
    if (!form || !type) return 0;
    const minute = minuteOfForm(form, type, warehouse.kind);
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= minute) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  }
}

/** Divides the rows of a version into slices, by the number of rows that the lake has in each minute. */
export async function sliceVersion(sides: Sides, snapshot: Snapshot): Promise<Slices> {
  const { table, warehouse } = sides;
  const column = table.columns[timeColumnOf(table) ?? -1];
  if (!column) return new Slices(sides, []);
  const fitting = fittingOf(column.type);
  const minutes = new Map<number, number>();
  const count = ([value = null]: readonly ReadValue[]) => {
    const cell = fitting(value);
    const form = isMisfit(cell) ? null : formOfCell(cell, column.type, warehouse.kind);
    if (form === null) return;
    const minute = minuteOfForm(form, column.type, warehouse.kind);
    minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
  };
  await scanRows({ state: snapshot, files: snapshot.files.values(), columns: [column.from] }, count);
  return new Slices(sides, startsOf(minutes));
}

/** The minutes at which slices begin. Each slice is within one day, and days without rows are in slices of their own. */
export function startsOf(rowsOfMinutes: ReadonlyMap<number, number>, most = mostRows): number[] {
  const starts = new Set<number>();
  let rows = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const [minute, count] of [...rowsOfMinutes].sort(([a], [b]) => a - b)) {
    if (minute >= end) {
      const day = Math.floor(minute / dayMinutes) * dayMinutes;
      end = day + dayMinutes;
      starts.add(day);
      if (end < endOfTime) starts.add(end);
      rows = 0;
    } else if (rows + count > most) {
      starts.add(minute);
      rows = 0;
    }
    rows += count;
  }
  return [...starts].sort((a, b) => a - b);
}
