import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance, DuckDBMaterializedResult, Json } from '@duckdb/node-api';
import { orAborted } from '../deadline';
import { readCommit, type TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { findGone } from '../delta/readDataFile';
import type { Snapshot } from '../delta/state';
import { TributaryError } from '../errors';
import { type DuckDb, loadDuckDb } from '../warehouse/duckdb/loadDuckDb';
import { lockedSettings, readSyntax, runSelect } from '../warehouse/duckdb/readOnly';
import { quoteName, quoteText } from '../warehouse/duckdb/tables';
import type { Parts } from './fileParts';
import { type Copied, LocalFiles } from './localFiles';
import type { SavedQuery } from './savedQueries';
import { columnsIn, tablesIn } from './statementNames';
import { createTableView, describeFiles, notCopied } from './tableView';

export interface LakeDatabaseOptions {
  readonly tables: readonly TableLocation[];
  readonly saved: readonly SavedQuery[];
}

/** The version and the copied files of one table. */
export interface TableRead extends Copied {
  readonly snapshot: Snapshot;
}

/** The error for a statement that reads columns which were not copied for it. */
export class ColumnsMissing extends Error {}

export interface LoadOptions {
  /** Aborted to stop the query. Its reason is then thrown. */
  readonly signal: AbortSignal;
  /** The version of the one table that the statement reads; the newest if missing. */
  readonly version?: number | undefined;
  /** True to copy all columns of the tables, even those that the statement does not name. */
  readonly isWhole?: boolean;
  readonly onBytes?: ((table: string, done: number, total: number) => void) | undefined;
}

export interface QueryColumn {
  readonly name: string;
  readonly isNumber: boolean;
}

/** The rows of a query. Decimals, and whole numbers of types that may be large, are texts of digits. */
export interface QueryResult {
  readonly columns: readonly QueryColumn[];
  readonly count: number;
  /** The rows, some at a time. */
  rows(): AsyncIterable<readonly (readonly Json[])[]>;
}

/** The error for a statement that names a table which the lake does not have yet. */
export class NoTable extends Error {
  constructor(readonly at: TableLocation) {
    super(`There is no table ${at.table}.`);
  }
}

/** How often an interrupt is repeated, in milliseconds. DuckDB forgets one that comes just before the statement begins. */
const interruptEveryMs = 50;

/**
 * The Delta tables of a lake in DuckDB, for reading. DuckDB could read storage in Azure only with an extension that it would have to
 * download. So the files that a table's log names are first copied into a temporary folder. DuckDB may read only this folder.
 */
export class LakeDatabase {
  readonly #api: DuckDb;
  readonly #instance: DuckDBInstance;
  readonly #folder: string;
  readonly #files: LocalFiles;
  readonly #tables: ReadonlyMap<string, TableLocation>;
  readonly #saved: readonly SavedQuery[];
  readonly #removeFolder = () => rmSync(this.#folder, { recursive: true, force: true });

  private constructor(api: DuckDb, instance: DuckDBInstance, folder: string, options: LakeDatabaseOptions) {
    this.#api = api;
    this.#instance = instance;
    this.#folder = folder;
    this.#files = new LocalFiles(folder);
    this.#tables = new Map(options.tables.map((at) => [at.table.toLowerCase(), at]));
    this.#saved = options.saved;
    process.once('exit', this.#removeFolder);
  }

  /** Makes the temporary folder. `close` and the end of the process remove it. */
  static async open(options: LakeDatabaseOptions): Promise<LakeDatabase> {
    const api = await loadDuckDb('A query');
    // Times with a time zone, like that of now(), are shown in UTC too.
    api.DuckDBTimestampTZValue.timezoneOffsetInMinutes = 0;
    const folder = mkdtempSync(join(tmpdir(), 'tributary-query-'));
    const instance = await api.DuckDBInstance.create(':memory:');
    const database = new LakeDatabase(api, instance, folder, options);
    const settings = {
      temp_directory: join(folder, 'spilled'),
      TimeZone: 'UTC',
      ...lockedSettings,
    };
    await database.#connected(async (connection) => {
      await connection.run(`SET allowed_directories = [${quoteText(`${folder}/`)}]`);
      for (const [name, value] of Object.entries(settings))
        await connection.run(`SET ${name} = ${quoteText(value)}`);
    });
    return database;
  }

  /**
   * Copies the newest version of each table that a SELECT statement names; of large files, only the columns that it names. Returns which
   * tables these are.
   * @throws what is wrong with the statement, NoTable, what opening and copying a table throws, and the signal's reason
   */
  async load(sql: string, options: LoadOptions): Promise<TableRead[]> {
    if (/^\s*show\s+(all\s+)?tables\s*;?\s*$/i.test(sql)) throw new Error(this.#whatThereIs());
    const statement = await this.#syntaxOf(sql).catch(withoutCode);
    const named = tablesIn(statement);
    const saved = this.#saved.filter(({ name }) => named.has(name.toLowerCase()));
    const views = await Promise.all(saved.map(({ select }) => this.#syntaxOf(select)));
    const all = tablesIn([statement, views]);
    const places = [...this.#tables].flatMap(([name, at]) => (all.has(name) ? [at] : []));
    if (options.version !== undefined && places.length !== 1)
      throw new Error(
        `--version is for a statement that reads one table, and this one reads ${namesOf(places)}: leave out --version.`,
      );
    // A statement that reads a table only through a view needs only the columns that the view names.
    const isDirect = places.some(({ table }) => named.has(table.toLowerCase()));
    const columns = options.isWhole ? 'all' : columnsIn(isDirect ? [statement, views] : views);
    const reads: TableRead[] = [];
    for (const at of places) reads.push(await this.#loadTable(at, columns, options));
    for (const { name, select } of saved)
      await this.#connected((connection) =>
        connection.run(`CREATE OR REPLACE VIEW ${quoteName(name)} AS ${select}`),
      );
    return reads;
  }

  /**
   * Runs a statement on the copies that `load` has made for it.
   * @throws ColumnsMissing if it reads columns that it does not name: then `load` must copy all columns. Otherwise what is wrong with the
   * statement, and the signal's reason
   */
  async select(sql: string, signal: AbortSignal): Promise<QueryResult> {
    return this.#connected(async (connection) => {
      const select = () =>
        runSelect(connection, this.#api.StatementType.SELECT, sql)
          .catch(withoutCode)
          .catch((error) => this.#withTables(error));
      return describeResult(this.#api, await untilAborted(signal, connection, select));
    });
  }

  async close(): Promise<void> {
    this.#instance.closeSync();
    this.#removeFolder();
    process.off('exit', this.#removeFolder);
  }

  /**
   * If a statement names a table that does not exist, throws an error that lists those that do. DuckDB would suggest one of its own tables.
   */
  #withTables(error: unknown): never {
    const [, name] = /Table with name (.+?) does not exist/.exec(String(error)) ?? [];
    if (name === undefined) throw error;
    throw new Error(`There is no table ${name}. ${this.#whatThereIs()}`, { cause: error });
  }

  #whatThereIs(): string {
    const names = [...this.#tables.values()].map(({ table }) => table);
    return `Tables: ${names.join(', ')}. Their columns, and saved queries: npm run query -- --list`;
  }

  #syntaxOf(sql: string): Promise<readonly unknown[]> {
    return this.#connected((connection) => readSyntax(connection, sql));
  }

  async #loadTable(
    at: TableLocation,
    columns: Parts,
    { version, signal, onBytes }: LoadOptions,
  ): Promise<TableRead> {
    const opening = version === undefined ? openSnapshot(at) : openVersion(at, version);
    const snapshot = await orAborted(opening, signal);
    if (!snapshot) throw new NoTable(at);
    const { fields, metaData } = snapshot;
    if (metaData.partitionColumns.length > 0)
      throw new Error(`${at.table} has partition columns, which a query here cannot read.`);
    const onBytesHere = (done: number, total: number) => onBytes?.(at.table, done, total);
    const copying = this.#files
      .copy(snapshot, { columns, signal, onBytes: onBytesHere })
      .catch((error) => rethrowCopyError(error, snapshot, version !== undefined));
    const copied = await orAborted(copying, signal);
    await this.#connected(async (connection) => {
      const found = await columnsOfFiles(connection, copied.paths);
      const view = { name: at.table, fields, paths: copied.paths, found, copied: columns };
      await connection.run(createTableView(view));
    });
    return { snapshot, ...copied };
  }

  async #connected<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.#instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  }
}

const namesOf = (places: readonly TableLocation[]): string =>
  places.map(({ table }) => table).join(', ') || 'none';

/** @throws what `openSnapshot` throws. If the log is undamaged and only lacks the version that was asked for, the error says so */
async function openVersion(at: TableLocation, version: number): Promise<Snapshot | undefined> {
  try {
    return await openSnapshot(at, { version });
  } catch (error) {
    if (!(error instanceof TributaryError) || error.code !== 'delta.invalid') throw error;
    const newest = (await openSnapshot(at))?.version ?? -1;
    // If the version's entry is there, it is damaged. If it is not, it was cleaned away, as old entries are.
    if (version <= newest && (await readCommit(at, version).catch(() => 'damaged'))) throw error;
    const missing =
      version > newest
        ? `There is no version ${version} of ${at.table} yet: the newest is ${newest}.`
        : `Version ${version} of ${at.table} is no longer in its log.`;
    throw new Error(`${missing} Those in its log: npm run table -- history ${at.table}`, {
      cause: error,
    });
  }
}

/**
 * Explains an error of copying. If an older version was asked for and a file is gone that no newer version has, a vacuum has deleted it.
 */
async function rethrowCopyError(error: unknown, asked: Snapshot, isAskedFor: boolean): Promise<never> {
  const { at, version, files } = asked;
  const newest = isAskedFor ? await openSnapshot(at) : undefined;
  const older = [...files].flatMap(([path, add]) => (newest && !newest.files.has(path) ? [add] : []));
  const gone = await findGone(error, asked, older);
  if (!gone) throw error;
  throw new Error(
    `Version ${version} of ${at.table} cannot be read any more: a vacuum has deleted files that newer versions do not need, such as ${gone.path}. The newest version: leave out --version.`,
    { cause: error },
  );
}

/** Throws ColumnsMissing if columns are missing. It leaves out the code of errors about warehouses, because there is no warehouse here. */
function withoutCode(error: unknown): never {
  if (error instanceof Error && error.message.endsWith(notCopied)) throw new ColumnsMissing();
  if (error instanceof TributaryError && error.code === 'warehouse.refused')
    throw new Error(error.message, { cause: error });
  throw error;
}

/** The names of the columns that some of the files have, in lower case. */
async function columnsOfFiles(connection: DuckDBConnection, paths: readonly string[]): Promise<Set<string>> {
  if (paths.length === 0) return new Set();
  const described = await connection.runAndReadAll(describeFiles(paths));
  return new Set(described.getRows().map(([name]) => String(name).toLowerCase()));
}

async function untilAborted<T>(
  signal: AbortSignal,
  connection: DuckDBConnection,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const interrupt = setInterval(() => signal.aborted && connection.interrupt(), interruptEveryMs);
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(interrupt);
  }
}

function describeResult(api: DuckDb, result: DuckDBMaterializedResult): QueryResult {
  const { BIGINT, DECIMAL, DOUBLE, FLOAT, HUGEINT, INTEGER, SMALLINT, TINYINT, ...others } = api.DuckDBTypeId;
  const { UBIGINT, UHUGEINT, UINTEGER, USMALLINT, UTINYINT } = others;
  const signed = [BIGINT, HUGEINT, INTEGER, SMALLINT, TINYINT];
  const numbers = [...signed, DECIMAL, DOUBLE, FLOAT, UBIGINT, UHUGEINT, UINTEGER, USMALLINT, UTINYINT];
  return {
    columns: result.deduplicatedColumnNames().map((name, index) => ({
      name,
      isNumber: numbers.includes(result.columnTypeId(index)),
    })),
    count: result.rowCount,
    rows: () => result.yieldRowsJson(),
  };
}
