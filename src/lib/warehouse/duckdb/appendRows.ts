import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import type { WarehouseTable } from '../../streams/stream';
import type { Cell, PreparedRows } from '../warehouse';
import { duckDbType, quoteName, quoteTable } from './tables';

/** DuckDB's own vector size, with which appending is fastest. */
const chunkRows = 2048;

type Api = typeof import('@duckdb/node-api');

/** Appends rows on a connection, inside its transaction. An identity column continues after its highest number. */
export async function appendRows(
  api: Api,
  connection: DuckDBConnection,
  table: WarehouseTable,
  rows: PreparedRows,
): Promise<void> {
  if (rows.count === 0) return;
  const firstId = table.identity === undefined ? undefined : await nextId(connection, table);
  const writers = table.columns.map(({ type }) => columnWriter(api, duckDbType(type)));
  const types: DuckDBType[] = writers.map((writer) => writer.type);
  if (firstId !== undefined) types.unshift(api.BIGINT);
  const appender = await connection.createAppender(table.name, table.schema);
  try {
    for (let start = 0; start < rows.count; start += chunkRows) {
      const end = Math.min(start + chunkRows, rows.count);
      const chunk = api.DuckDBDataChunk.create(types, end - start);
      let column = 0;
      if (firstId !== undefined) {
        const from = firstId + BigInt(start);
        chunk.setColumnValues(
          column++,
          Array.from({ length: end - start }, (_, index) => from + BigInt(index)),
        );
      }
      for (const [index, { convert }] of writers.entries()) {
        const cells = (rows.columns[index] ?? []).slice(start, end);
        chunk.setColumnValues(
          column++,
          convert ? cells.map((cell) => (cell === null ? null : convert(cell))) : cells,
        );
      }
      appender.appendDataChunk(chunk);
    }
  } finally {
    // Close it even after a failure. Otherwise garbage collection would flush it later, outside the transaction that was rolled
    // back.
    appender.closeSync();
  }
}

async function nextId(connection: DuckDBConnection, table: WarehouseTable): Promise<bigint> {
  const reader = await connection.runAndReadAll(
    `SELECT coalesce(max(${quoteName(table.identity ?? '')}), 0) + 1 FROM ${quoteTable(table)}`,
  );
  return BigInt(String(reader.getRows()[0]?.[0] ?? 1));
}

interface ColumnWriter {
  readonly type: DuckDBType;
  /** Absent where DuckDB takes our values as they are. */
  readonly convert?: (cell: Exclude<Cell, null>) => DuckDBValue;
}

function columnWriter(api: Api, type: ReturnType<typeof duckDbType>): ColumnWriter {
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
