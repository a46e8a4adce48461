import type { DataType, Field } from '../delta/schema';
import { quoteName, quoteText } from '../warehouse/duckdb/tables';

/*
 * A Delta table as a view in DuckDB, over copies of its files.
 */

const types: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  // Without a time zone, as in the warehouse: all times are in UTC.
  timestamp: 'TIMESTAMP',
  timestamp_ntz: 'TIMESTAMP',
};

/** The type in DuckDB; undefined for nested types and void, whose values are left as they are. */
const duckDbType = (type: DataType): string | undefined =>
  typeof type === 'string' && type.startsWith('decimal') ? type : types[String(type)];

/** The rows of Parquet files; a file may lack columns that a later one has. */
const rowsOf = (paths: readonly string[]): string =>
  `read_parquet([${paths.map(quoteText).join(', ')}], union_by_name = true)`;

/** The columns that some of the files have, as rows of name and type. */
export const describeFiles = (paths: readonly string[]): string => `DESCRIBE SELECT * FROM ${rowsOf(paths)}`;

/**
 * The statement that makes the view of a table, or replaces it.
 * @param found the names of the columns that some of the files have, in lower case; all others are null
 */
export function createTableView(
  name: string,
  fields: readonly Field[],
  paths: readonly string[],
  found: ReadonlySet<string>,
): string {
  const columns = fields.map((field) => columnOf(field, found.has(field.name.toLowerCase())));
  const rows = paths.length === 0 ? '(SELECT 1) WHERE false' : rowsOf(paths);
  return `CREATE OR REPLACE VIEW ${quoteName(name)} AS SELECT ${columns.join(', ')} FROM ${rows}`;
}

function columnOf({ name, type }: Field, isFound: boolean): string {
  const column = quoteName(name);
  const target = duckDbType(type);
  const value = isFound ? (type === 'timestamp' ? `timezone('UTC', ${column})` : column) : 'NULL';
  return `${target ? `CAST(${value} AS ${target})` : value} AS ${column}`;
}
