import type { DuckDBConnection, DuckDBMaterializedResult } from '@duckdb/node-api';
import { TributaryError } from '../../errors';
import { quoteText } from './tables';

/*
 * Runs statements that people write. They come from any process on this machine, and run inside the process that loads the file, so they
 * must only be able to read. Each must be one SELECT, in a transaction that cannot write, on an instance that opens no other files, and
 * without table functions that change the process. For DuckDB, `SELECT * FROM enable_logging(…)`, for example, is a SELECT, although it can
 * end the process.
 */

/** The settings of the instance. They are locked, so that no statement can change them. */
export const lockedSettings = {
  /** Statements can use only the database, its log and its folder for temporary files. They cannot read, write or attach other files. */
  enable_external_access: 'false',
  // Otherwise DuckDB would look for extensions on the network.
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  lock_configuration: 'true',
};

/**
 * Table functions that are allowed: those that make rows from their arguments, or describe the tables. `query` is not one, because it runs
 * any text.
 */
const allowedTableFunctions: ReadonlySet<string> = new Set([
  'range',
  'generate_series',
  'repeat',
  'unnest',
  'duckdb_columns',
  'duckdb_constraints',
  'duckdb_functions',
  'duckdb_indexes',
  'duckdb_schemas',
  'duckdb_settings',
  'duckdb_tables',
  'duckdb_types',
  'duckdb_views',
  'pragma_table_info',
]);

/**
 * The rows of one SELECT statement. All of them are in memory when this returns, because the client library silently drops the rest of a
 * streamed result after an error.
 * @param connection used for this statement only; the caller closes it
 * @throws `warehouse.refused` for any other text; what DuckDB throws
 */
export async function runSelect(
  connection: DuckDBConnection,
  selectType: number,
  sql: string,
): Promise<DuckDBMaterializedResult> {
  return select(connection, selectType, sql).catch(rethrowShortened);
}

async function select(connection: DuckDBConnection, selectType: number, sql: string) {
  await connection.run('BEGIN TRANSACTION READ ONLY');
  await readSyntax(connection, sql);
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw notOneSelect();
  const statement = await statements.prepare(0);
  if (statement.statementType !== selectType) throw notOneSelect();
  return statement.run();
}

/**
 * Checks a text by the syntax tree of DuckDB's own parser, before anything of it is prepared. Returns the tree.
 * @throws `warehouse.refused` if it is not one SELECT, or calls a function that is not allowed; an error that says what is no SQL
 */
export async function readSyntax(connection: DuckDBConnection, sql: string): Promise<readonly unknown[]> {
  return parse(connection, sql).catch(rethrowShortened);
}

async function parse(connection: DuckDBConnection, sql: string): Promise<readonly unknown[]> {
  // DuckDB would take a NUL character for the end of the text.
  if (sql.includes('\0'))
    throw new Error('It has a NUL character, which SQL cannot have. A file must be in UTF-8, not in UTF-16.');
  const [row] = (await connection.runAndReadAll(`SELECT json_serialize_sql(${quoteText(sql)})`)).getRows();
  const tree = JSON.parse(String(row?.[0])) as {
    readonly error: boolean;
    readonly error_type?: string;
    readonly error_message?: string;
    readonly statements?: readonly unknown[];
  };
  // Statements other than SELECT have no tree.
  if (tree.error && tree.error_type !== 'not implemented') throw new Error(tree.error_message);
  const { statements = [] } = tree;
  if (statements.length !== 1) throw notOneSelect();
  const refused = tableFunctionsIn(statements).find((name) => !allowedTableFunctions.has(name));
  if (refused !== undefined)
    throw new TributaryError(
      'warehouse.refused',
      `A query may not call ${refused} in its FROM: it could reach more than the tables.`,
    );
  return statements;
}

/** The names of the table functions that are called anywhere in a syntax tree, in lower case. */
function tableFunctionsIn(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { type, function: called } = node as { type?: unknown; function?: { function_name?: unknown } };
  const own = type === 'TABLE_FUNCTION' ? [String(called?.function_name).toLowerCase()] : [];
  return [...own, ...Object.values(node).flatMap(tableFunctionsIn)];
}

const notOneSelect = () =>
  new TributaryError('warehouse.refused', 'A query is one SELECT statement and nothing else.');

const longestLine = 400;
const keptEnd = 100;

/** DuckDB repeats a name or a text of the statement whole, which may have megabytes. Each line keeps its beginning and its end. */
function rethrowShortened(error: unknown): never {
  if (error instanceof Error) error.message = error.message.split('\n').map(shortenLine).join('\n');
  throw error;
}

function shortenLine(line: string): string {
  if (line.length <= longestLine) return line;
  return `${line.slice(0, longestLine - keptEnd)}…${line.slice(-keptEnd)}`.toWellFormed();
}
