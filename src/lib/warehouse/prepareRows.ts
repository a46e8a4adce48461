import type { ReadValue } from '../delta/schema';
import { rowKeyColumns } from '../lake/rowAddress';
import { nextTurn, rowsPerTurn } from '../nextTurn';
import type { WarehouseTable } from '../streams/stream';
import { clampInteger, type Fitting, fittingOf, isMisfit } from './fitValue';
import type { Cell, PreparedRows, RejectedRow } from './warehouse';

/** The columns of the Delta table that a load reads, including those that are only needed for rejected rows. */
export function neededColumns(table: WarehouseTable): string[] {
  return [...new Set([...table.columns.map(({ from }) => from), ...rowKeyColumns])];
}

type ReadColumns = ReadonlyMap<string, readonly ReadValue[]>;

/** Sorts the rows of data files into rows for the table and rejected rows. */
export class RowCollector {
  readonly #table: WarehouseTable;
  readonly #fittings: readonly Fitting[];
  readonly #columns: Cell[][];
  readonly #rejected: RejectedRow[] = [];

  constructor(table: WarehouseTable) {
    this.#table = table;
    this.#fittings = table.columns.map(({ type }) => fittingOf(type));
    this.#columns = table.columns.map(() => []);
  }

  /** Takes the rows of one file. Other work goes on between two pieces of them. */
  async add(columns: ReadColumns, count: number): Promise<void> {
    for (let start = 0; start < count; start += rowsPerTurn) {
      this.#addPiece(columns, start, Math.min(start + rowsPerTurn, count));
      await nextTurn();
    }
  }

  #addPiece(columns: ReadColumns, start: number, end: number): void {
    // Go column by column, because rows are read and appended by column, and misfits are rare.
    const misfits = new Map<number, string>();
    const before = this.#columns[0]?.length ?? 0;
    for (const [index, { name, from }] of this.#table.columns.entries()) {
      const values = columns.get(from) ?? [];
      const fitting = this.#fittings[index] ?? (() => null);
      const column = this.#columns[index] ?? [];
      for (let row = start; row < end; row++) {
        const cell = fitting(values[row] ?? null);
        if (isMisfit(cell)) {
          if (!misfits.has(row)) misfits.set(row, `${name}: ${cell.misfit}`);
          column.push(null);
        } else column.push(cell);
      }
    }
    if (misfits.size === 0) return;
    const isFit = (_: Cell, at: number) => !misfits.has(start + at);
    for (const column of this.#columns)
      for (const cell of column.splice(before).filter(isFit)) column.push(cell);
    for (const [row, reason] of misfits) this.#rejected.push(rejectedRow(columns, row, reason));
  }

  rows(): PreparedRows {
    return { columns: this.#columns, count: this.#columns[0]?.length ?? 0, rejected: this.#rejected };
  }
}

/** The address of a rejected row, cut to what its columns can hold. The row's JSON has the true values. */
function rejectedRow(columns: ReadColumns, row: number, reason: string): RejectedRow {
  const addressOf = (name: string) => columns.get(name)?.[row] ?? null;
  const entries = [...columns].map(([name, values]) => [name, values[row] ?? null]);
  return {
    hubCreatedAt: clampInteger('datetime2(6)', addressOf('hub_created_at')),
    partition: Number(clampInteger('int', addressOf('hub_partition'))),
    sequenceNumber: clampInteger('bigint', addressOf('sequence_number')),
    element: Number(clampInteger('int', addressOf('element'))),
    reason,
    row: JSON.stringify(Object.fromEntries(entries), (_key, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  };
}
