import { loadStreams } from '../streams/loadStreams';
import type { WarehouseTable } from '../streams/stream';
import { fullName } from '../warehouse/warehouse';

/** A table of the warehouse, and the Delta table that it is loaded from. */
export interface LoadedTable {
  readonly table: WarehouseTable;
  readonly deltaTable: string;
}

export const loadedTables = async (): Promise<LoadedTable[]> =>
  (await loadStreams()).flatMap(({ table, warehouse }) =>
    warehouse ? [{ table: warehouse, deltaTable: table }] : [],
  );

/** A table of the warehouse, by its own name or by the name of its Delta table. */
export const findLoadedTable = async (name: string): Promise<LoadedTable | undefined> =>
  (await loadedTables()).find(({ table, deltaTable }) => name === fullName(table) || name === deltaTable);
