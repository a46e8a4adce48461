import type { DataType, Field } from '../delta/schema';
import { quoteName, quoteText } from '../warehouse/duckdb/tables';
import { isEverything, type Parts } from './fileParts';

/*
 * Makes a Delta table a view in DuckDB, over copies of its files.
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
  // The type has no time zone, as in the warehouse, because all times are in UTC.
  timestamp: 'TIMESTAMP',
  timestamp_ntz: 'TIMESTAMP',
};

/** The type of a column in DuckDB; undefined for nested types and void, whose values are not converted. */
const duckDbType = (type: DataType): string | undefined =>
  typeof type === 'string' && type.startsWith('decimal') ? type : types[String(type)];

/** The rows of Parquet files, as a part of a statement. A file may lack columns that later files have. */
const rowsOf = (paths: readonly string[]): string =>
  `read_parquet([${paths.map(quoteText).join(', ')}], union_by_name = true)`;

/** The statement that gives the name and the type of each column that any of the files has. */
export const describeFiles = (paths: readonly string[]): string => `DESCRIBE SELECT * FROM ${rowsOf(paths)}`;

export interface TableView {
  readonly name: string;
  readonly fields: readonly Field[];
  /** The paths of the copied files. */
  readonly paths: readonly string[];
  /** The names, in lower case, of the columns that any of the files has. All other columns are null. */
  readonly found: ReadonlySet<string>;
  /** The columns that were copied. */
  readonly copied: Parts;
}

/** The error of a statement that reads a column which was not copied. */
export const notCopied = 'A column was not copied.';

/** The statement that creates or replaces the view of a table. */
export function createTableView({ name, fields, paths, found, copied }: TableView): string {
  const columns = fields.map((field) => {
    const key = field.name.toLowerCase();
    if (!found.has(key)) return columnOf(field, 'NULL');
    const isCopied = isEverything(copied) || copied.has(key);
    return columnOf(field, isCopied ? storedValue(field) : `error(${quoteText(notCopied)})`);
  });
  const rows = paths.length === 0 ? '(SELECT 1) WHERE false' : rowsOf(paths);
  return `CREATE OR REPLACE VIEW ${quoteName(name)} AS SELECT ${columns.join(', ')} FROM ${rows}`;
}

const storedValue = ({ name, type }: Field): string =>
  type === 'timestamp' ? `timezone('UTC', ${quoteName(name)})` : quoteName(name);

function columnOf({ name, type }: Field, value: string): string {
  const target = duckDbType(type);
  return `${target ? `CAST(${value} AS ${target})` : value} AS ${quoteName(name)}`;
}
