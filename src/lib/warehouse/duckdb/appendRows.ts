import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { nextTurn } from '../../nextTurn';
import type { WarehouseTable } from '../../streams/stream';
import type { Cell, PreparedRows } from '../warehouse';
import type { DuckDb } from './loadDuckDb';
import { duckDbType, listColumns, quoteName, quoteTable } from './tables';

/** How many rows are appended at once. It is DuckDB's own vector size, with which appending is fastest. */
const chunkRows = 2048;

/** The names of a table's columns, in their order. */
export async function columnNames(connection: DuckDBConnection, table: WarehouseTable): Promise<string[]> {
  return (await connection.runAndReadAll(listColumns(table))).getRows().map(([name]) => String(name));
}

/**
 * Appends rows on a connection, inside its transaction, while no other call uses it. Other work of the process goes on between two chunks.
 * An identity column continues after its highest number. An appender takes the columns in the table's order, so columns that the rows do
 * not have are filled with nulls.
 */
export async function appendRows(
  api: DuckDb,
  connection: DuckDBConnection,
  table: WarehouseTable,
  rows: PreparedRows,
): Promise<void> {
  if (rows.count === 0) return;
  const firstId = table.identity === undefined ? undefined : await nextId(connection, table);
  const names = await columnNames(connection, table);
  const appender = await connection.createAppender(table.name, table.schema);
  try {
    const sources = names.map((name, index) => sourceOf(api, table, rows, name, appender.columnType(index)));
    const types = sources.map(({ type }) => type);
    for (let start = 0; start < rows.count; start += chunkRows) {
      const end = Math.min(start + chunkRows, rows.count);
      const chunk = api.DuckDBDataChunk.create(types, end - start);
      for (const [column, source] of sources.entries())
        chunk.setColumnValues(column, source.values(start, end, firstId));
      appender.appendDataChunk(chunk);
      await nextTurn();
    }
  } finally {
    // It must be closed even after a failure. Otherwise garbage collection would flush it later, outside the transaction that was rolled
    // back.
    appender.closeSync();
  }
}

/** The source of the values for a column of the database. */
interface Source {
  readonly type: DuckDBType;
  /** @param firstId the number of the first row in the identity column */
  values(start: number, end: number, firstId: bigint | undefined): readonly DuckDBValue[];
}

function sourceOf(
  api: DuckDb,
  table: WarehouseTable,
  rows: PreparedRows,
  name: string,
  foundType: DuckDBType,
): Source {
  const isNamed = (other: string | undefined) => other?.toLowerCase() === name.toLowerCase();
  if (isNamed(table.identity))
    return {
      type: api.BIGINT,
      values: (start, end, firstId = 1n) =>
        Array.from({ length: end - start }, (_, index) => firstId + BigInt(start + index)),
    };
  const index = table.columns.findIndex((column) => isNamed(column.name));
  const column = table.columns[index];
  if (!column) return { type: foundType, values: (start, end) => new Array(end - start).fill(null) };
  const cells = rows.columns[index] ?? [];
  const { type, convert } = columnWriter(api, duckDbType(column.type));
  return {
    type,
    values(start, end) {
      const part = cells.slice(start, end);
      return convert ? part.map((cell) => (cell === null ? null : convert(cell))) : part;
    },
  };
}

async function nextId(connection: DuckDBConnection, table: WarehouseTable): Promise<bigint> {
  const reader = await connection.runAndReadAll(
    `SELECT coalesce(max(${quoteName(table.identity ?? '')}), 0) + 1 FROM ${quoteTable(table)}`,
  );
  return BigInt(String(reader.getRows()[0]?.[0] ?? 1));
}

interface ColumnWriter {
  readonly type: DuckDBType;
  /** Missing if DuckDB takes our values as they are. */
  readonly convert?: (cell: Exclude<Cell, null>) => DuckDBValue;
}

function columnWriter(api: DuckDb, type: ReturnType<typeof duckDbType>): ColumnWriter {
  switch (type) {
    case 'BIGINT':
      return { type: api.BIGINT, convert: (cell) => BigInt(cell) };
    case 'TIMESTAMP':
      return { type: api.TIMESTAMP, convert: (cell) => new api.DuckDBTimestampValue(BigInt(cell)) };
    case 'DATE':
      return { type: api.DATE, convert: (cell) => new api.DuckDBDateValue(Number(cell)) };
    case 'VARCHAR':
      return { type: api.VARCHAR };
    case 'DOUBLE':
      return { type: api.DOUBLE };
    case 'BOOLEAN':
      return { type: api.BOOLEAN };
    case 'SMALLINT':
      return { type: api.SMALLINT, convert: Number };
    default:
      return { type: api.INTEGER, convert: Number };
  }
}
