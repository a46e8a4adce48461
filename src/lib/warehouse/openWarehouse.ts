import type { WarehouseTable } from '../streams/stream';
import { openDuckDb } from './duckdb/sharedFile';
import type { Staging } from './synapse/stagedFile';
import { openSynapse } from './synapse/synapseWarehouse';
import type { Warehouse } from './warehouse';
import type { WarehouseSetting } from './warehouseSetting';

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
