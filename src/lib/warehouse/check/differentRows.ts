import { minuteMs } from '../../duration';
import { rowKeyColumns } from '../../lake/rowAddress';
import type { WarehouseTable } from '../../streams/stream';
import type { Warehouse } from '../warehouse';
import { type FormRow, minuteOfForm } from './forms';
import { type Sides, timeColumnOf } from './slices';

/** A row that is not the same on both sides. */
export interface DifferentRow {
  readonly what: 'missing' | 'doubled' | 'changed' | 'not in the lake';
  /** Undefined if the table does not have the columns of the address; null if one of them is null in this row. */
  readonly address: RowAddress | undefined | null;
  /** A day like 2026-11-26; undefined for a row without a time. */
  readonly day: string | undefined;
  /** The columns that differ, if the row was changed. */
  readonly columns: readonly string[];
}

export interface RowAddress {
  /** Microseconds since 1970. */
  readonly hubCreatedAt: bigint;
  readonly partition: number;
  readonly sequenceNumber: bigint;
  readonly element: number;
}

interface Counted {
  readonly row: FormRow;
  lake: number;
  warehouse: number;
}

/** Collects the rows of both sides, and finds those whose number is not the same on both. */
export class DifferentRows {
  readonly #table: WarehouseTable;
  readonly #kind: Warehouse['kind'];
  /** The indexes of the address columns; undefined if the table does not have all of them. */
  readonly #address: readonly number[] | undefined;
  readonly #rows = new Map<string, Counted>();

  constructor({ table, warehouse }: Pick<Sides, 'table' | 'warehouse'>) {
    this.#table = table;
    this.#kind = warehouse.kind;
    const places = rowKeyColumns.map((from) => table.columns.findIndex((column) => column.from === from));
    this.#address = places.includes(-1) ? undefined : places;
  }

  add(row: FormRow, side: 'lake' | 'warehouse'): void {
    const key = JSON.stringify(row);
    const counted = this.#rows.get(key) ?? { row, lake: 0, warehouse: 0 };
    counted[side]++;
    this.#rows.set(key, counted);
  }

  /** The different rows, by a key that is the same whenever the same rows are compared again. */
  all(): Map<string, DifferentRow> {
    const found = new Map<string, DifferentRow & { readonly row: FormRow }>();
    for (const [key, { row, lake, warehouse }] of this.#rows) {
      if (lake === warehouse) continue;
      const what = lake > warehouse ? 'missing' : lake > 0 ? 'doubled' : 'not in the lake';
      const [address, day] = [this.#addressOf(row), this.#dayOf(row)];
      const place = !address ? key : Object.values(address).join('/');
      const other = found.get(place);
      const columns = other ? this.#differences(row, other.row) : [];
      found.set(place, { what: other ? 'changed' : what, address, day, columns, row });
    }
    return new Map([...found].map(([place, { row: _, ...different }]) => [place, different]));
  }

  #addressOf(row: FormRow): RowAddress | undefined | null {
    const forms = this.#address?.map((index) => row[index] ?? null);
    if (!forms) return undefined;
    const numbers = forms.flatMap((form) => (form === null ? [] : BigInt(form)));
    if (numbers.length < forms.length) return null;
    const [hubCreatedAt, partition, sequenceNumber, element] = numbers as [bigint, bigint, bigint, bigint];
    return { hubCreatedAt, partition: Number(partition), sequenceNumber, element: Number(element) };
  }

  #dayOf(row: FormRow): string | undefined {
    const column = timeColumnOf(this.#table) ?? -1;
    const [form, type] = [row[column], this.#table.columns[column]?.type];
    if (!form || !type) return undefined;
    return new Date(minuteOfForm(form, type, this.#kind) * minuteMs).toISOString().slice(0, 10);
  }

  #differences(row: FormRow, other: FormRow): string[] {
    return this.#table.columns.filter((_, index) => row[index] !== other[index]).map(({ name }) => name);
  }
}
