import type { Table } from 'mssql';
import { dayMs } from '../../duration';
import { nextTurn, rowsPerTurn } from '../../nextTurn';
import type { WarehouseTable, WarehouseType } from '../../streams/stream';
import type { Cell, PreparedRows } from '../warehouse';
import { quoteTable } from './tables';

/*
 * Rows in the binary form of the protocol (INSERT BULK), for SQL Server and Azure SQL. Each value must become the same as through the
 * text of an INSERT.
 */

type Sql = typeof import('mssql');

/** As an INSERT: constraints and triggers count, and a null stays null where the column has a default. */
export const bulkOptions = { checkConstraints: true, fireTriggers: true, keepNulls: true };

/** The rows as the client takes them. Other work goes on between two pieces of them. */
export async function toBulkTable(sql: Sql, table: WarehouseTable, rows: PreparedRows): Promise<Table> {
  const bulk = new sql.Table(quoteTable(table));
  for (const { name, type } of table.columns)
    bulk.columns.add(name, toClientType(sql, type), { nullable: true });
  const converters = table.columns.map(({ type }) => converterOf(type));
  for (let start = 0; start < rows.count; start += rowsPerTurn) {
    if (start > 0) await nextTurn();
    const end = Math.min(start + rowsPerTurn, rows.count);
    const converted = converters.map((convert, index) =>
      (rows.columns[index] ?? []).slice(start, end).map((cell) => (cell === null ? null : convert(cell))),
    );
    for (let row = 0; row < end - start; row++)
      bulk.rows.push(converted.map((column) => column[row] ?? null) as never);
  }
  return bulk;
}

function toClientType(sql: Sql, type: WarehouseType) {
  const text = /^(n?)varchar\((\d+)\)$/.exec(type);
  if (text) return text[1] === 'n' ? sql.NVarChar(Number(text[2])) : sql.VarChar(Number(text[2]));
  switch (type) {
    case 'bigint':
      return sql.BigInt();
    case 'int':
      return sql.Int();
    case 'smallint':
      return sql.SmallInt();
    case 'float':
      return sql.Float();
    case 'bit':
      return sql.Bit();
    case 'date':
      return sql.Date();
    case 'datetime':
      return sql.DateTime();
    default:
      return sql.DateTime2(6);
  }
}

type Convert = (cell: Exclude<Cell, null>) => unknown;

function converterOf(type: WarehouseType): Convert {
  if (type === 'datetime') return (cell) => new Date(split(cell as number | bigint)[0]);
  if (type === 'datetime2(6)') return (cell) => toDateTime2(cell as number | bigint);
  if (type === 'date') return (cell) => new Date(Number(cell) * dayMs);
  if (type === 'int' || type === 'smallint') return Number;
  return (cell) => cell;
}

/** The client takes what is below a millisecond in a property of its own, in seconds. */
function toDateTime2(micros: number | bigint): Date {
  const [millis, rest] = split(micros);
  return Object.assign(new Date(millis), { nanosecondDelta: rest / 1e6 });
}

/** Whole milliseconds, and the microseconds above them. */
function split(micros: number | bigint): readonly [millis: number, rest: number] {
  const whole = BigInt(micros);
  const rest = ((whole % 1000n) + 1000n) % 1000n;
  return [Number((whole - rest) / 1000n), Number(rest)];
}
