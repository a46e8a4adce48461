import { ColumnBuilder } from '../../../src/lib/delta/columnBuilder';
import { type ColumnValues, valueAt } from '../../../src/lib/delta/columnValues';
import type { RowRange } from '../../../src/lib/ingest/decodeEvents';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { Row, Value } from '../../../src/lib/streams/stream';

const types = [...clickstream.columns.map(({ type }) => type), 'string' as const];

/** Clicks as decoding leaves them. A row may have one more value: its rescued fields. */
export function rangeOf(rows: readonly Row[]): RowRange {
  const columns = types.map((type) => new ColumnBuilder(type));
  for (const row of rows) for (const [index, column] of columns.entries()) column.push(row[index] ?? null);
  return { columns, start: 0, end: rows.length, positions: undefined };
}

export const listOf = (column: ColumnValues): (Value | undefined)[] =>
  Array.from({ length: column.length }, (_, row) => valueAt(column, row));

/** The rows of an event, with their rescued fields where they have any. */
export const rowsOf = ({ columns, start, end }: RowRange): (Value | undefined)[][] =>
  Array.from({ length: end - start }, (_, row) => {
    const values = columns.map((column) => valueAt(column.finish(), start + row));
    return values.at(-1) === null ? values.slice(0, -1) : values;
  });
