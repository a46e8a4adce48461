import type { Table } from 'mssql';
import { dayMs } from '../../duration';
import { nextTurn, rowsPerTurn } from '../../nextTurn';
import type { WarehouseTable, WarehouseType } from '../../streams/stream';
import type { Cell, PreparedRows } from '../warehouse';
import { quoteTable } from './tables';

/*
 * Sends rows in the binary form of the protocol (INSERT BULK), to SQL Server and Azure SQL. Each value must be stored as if an INSERT
 * statement had sent it as text.
 */

type Sql = typeof import('mssql');

/**
 * Options that make a bulk load behave like an INSERT: constraints are checked, triggers run, and a null stays null even if the column has
 * a default.
 */
export const bulkOptions = { checkConstraints: true, fireTriggers: true, keepNulls: true };

/** The rows in the form that the client takes. Other work goes on between two pieces of them. */
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

/** A Date for a datetime2 column. The client takes the part below a millisecond from a property of its own, in seconds. */
function toDateTime2(micros: number | bigint): Date {
  const [millis, rest] = split(micros);
  return Object.assign(new Date(millis), { nanosecondDelta: rest / 1e6 });
}

/** Splits microseconds into whole milliseconds, and the remaining 0 to 999 microseconds. */
function split(micros: number | bigint): readonly [millis: number, rest: number] {
  const whole = BigInt(micros);
  const rest = ((whole % 1000n) + 1000n) % 1000n;
  return [Number((whole - rest) / 1000n), Number(rest)];
}
