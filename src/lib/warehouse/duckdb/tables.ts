import type { WarehouseColumn, WarehouseTable, WarehouseType } from '../../streams/stream';
import { type ViewWords, viewText } from '../../streams/warehouseView';

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const quoteTable = ({ schema, name }: Pick<WarehouseTable, 'schema' | 'name'>): string =>
  `${quoteName(schema)}.${quoteName(name)}`;

/** The type of DuckDB for a type of T-SQL. It has no length, because lengths are checked before. */
export function duckDbType(
  type: WarehouseType,
): 'VARCHAR' | 'TIMESTAMP' | 'DATE' | 'DOUBLE' | 'BOOLEAN' | 'BIGINT' | 'INTEGER' | 'SMALLINT' {
  if (/^n?varchar/.test(type)) return 'VARCHAR';
  switch (type) {
    case 'bigint':
      return 'BIGINT';
    case 'int':
      return 'INTEGER';
    case 'smallint':
      return 'SMALLINT';
    case 'float':
      return 'DOUBLE';
    case 'bit':
      return 'BOOLEAN';
    case 'date':
      return 'DATE';
    default:
      return 'TIMESTAMP';
  }
}

export function createTable(table: WarehouseTable): string {
  const columns = [
    ...(table.identity === undefined ? [] : [`${quoteName(table.identity)} BIGINT`]),
    ...table.columns.map(({ name, type }) => `${quoteName(name)} ${duckDbType(type)}`),
  ];
  return `CREATE TABLE IF NOT EXISTS ${quoteTable(table)} (${columns.join(', ')})`;
}

export const addColumn = (table: WarehouseTable, { name, type }: WarehouseColumn): string =>
  `ALTER TABLE ${quoteTable(table)} ADD COLUMN IF NOT EXISTS ${quoteName(name)} ${duckDbType(type)}`;

/** The words of DuckDB for a view on a table, whose name is quoted. */
export const viewWords = (table: string): ViewWords => ({
  table,
  count: 'COUNT(*)',
  milliseconds: "date_diff('millisecond', ",
});

/** Makes the views on a table. A view that exists already is left as people made it. */
export const createViews = (table: WarehouseTable): string[] =>
  (table.views ?? []).map((view) => {
    const text = viewText(view, viewWords(quoteTable(table)));
    return `CREATE VIEW IF NOT EXISTS ${quoteTable({ ...table, name: view.name })} AS ${text}`;
  });

/** The names of a table's columns, in their order. */
export const listColumns = ({ schema, name }: WarehouseTable): string =>
  `SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = ${quoteText(schema)} AND table_name = ${quoteText(name)} ORDER BY column_index`;

/** Makes the ledger and the table of rejected rows. Ledgers in older files get the columns for marks. */
export const opsScript: readonly string[] = [
  'CREATE SCHEMA IF NOT EXISTS ops',
  'CREATE TABLE IF NOT EXISTS ops.load_ledger (table_name VARCHAR PRIMARY KEY, delta_id VARCHAR NOT NULL, last_version BIGINT NOT NULL, last_mark VARCHAR, mark_version BIGINT)',
  'ALTER TABLE ops.load_ledger ADD COLUMN IF NOT EXISTS last_mark VARCHAR',
  'ALTER TABLE ops.load_ledger ADD COLUMN IF NOT EXISTS mark_version BIGINT',
  'CREATE TABLE IF NOT EXISTS ops.rejected_rows (table_name VARCHAR NOT NULL, hub_created_at TIMESTAMP NOT NULL, hub_partition INTEGER NOT NULL, sequence_number BIGINT NOT NULL, element INTEGER NOT NULL, reason VARCHAR NOT NULL, row_json VARCHAR NOT NULL)',
];
