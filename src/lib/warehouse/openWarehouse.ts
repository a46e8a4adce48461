import type { WarehouseTable } from '../streams/stream';
import { openDuckDb } from './duckdb/sharedFile';
import type { Staging } from './synapse/stagedFile';
import { openSynapse } from './synapse/synapseWarehouse';
import type { Warehouse } from './warehouse';
import type { WarehouseSetting } from './warehouseSetting';

export interface OpenOptions {
  readonly setting: WarehouseSetting;
  /** What the streams load. A DuckDB file gets them at once; in a database somebody with the right to makes them. */
  readonly tables: readonly WarehouseTable[];
  readonly staging?: Staging;
  readonly warn?: (message: string) => void;
}

/** The warehouse of the setting, or undefined when there is none. Its client is loaded only now. */
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
