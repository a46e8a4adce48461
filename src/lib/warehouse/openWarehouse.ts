import { TributaryError } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { openDuckDb, openDuckDbToRead } from './duckdb/sharedFile';
import { SqlReader } from './synapse/sqlReader';
import type { Staging } from './synapse/stagedFile';
import { openSynapse } from './synapse/synapseWarehouse';
import type { Warehouse } from './warehouse';
import type { ReaderSetting, WarehouseSetting } from './warehouseSetting';

export interface OpenOptions {
  readonly setting: WarehouseSetting;
  /** The tables of all streams. In a DuckDB file they are created at once; in a database, `warehouse -- init` creates them. */
  readonly tables: readonly WarehouseTable[];
  readonly staging?: Staging;
  readonly warn?: (message: string) => void;
}

/**
 * Opens the warehouse of the setting; undefined if there is none. The client library is loaded only now, to save memory and time.
 */
export async function openWarehouse(options: OpenOptions): Promise<Warehouse | undefined> {
  const { setting, tables, staging, warn } = options;
  if (setting.kind === 'none') return undefined;
  if (setting.kind === 'duckdb') {
    const warehouse = await openDuckDb(setting.path);
    await warehouse.init(tables);
    return warehouse;
  }
  return openSynapse({
    address: setting.address,
    ...(staging ? { staging } : {}),
    ...(warn ? { warn } : {}),
  });
}

export interface ReaderOptions extends Pick<OpenOptions, 'setting' | 'tables'> {
  readonly reader: ReaderSetting;
}

/**
 * Opens the warehouse for queries that people write. A DuckDB file takes only a SELECT and is opened for reading. A database is asked only
 * with the login of the reader. Undefined if there is no warehouse.
 * @throws `settings.invalid` if a database has no reader; `warehouse.refused` if there is no such file
 */
export async function openReader(
  options: ReaderOptions,
): Promise<Pick<Warehouse, 'query' | 'close'> | undefined> {
  const { setting, tables, reader } = options;
  if (setting.kind === 'none') return undefined;
  if (setting.kind === 'duckdb') return openDuckDbToRead(setting.path);
  if (reader) return new SqlReader(reader, tables);
  throw new TributaryError(
    'settings.invalid',
    'WAREHOUSE_READER is missing: queries need a login of their own that may only read, because that of WAREHOUSE may write. Set it to a connection string of the same database.',
  );
}
