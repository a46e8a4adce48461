import type { WarehouseTable } from '../streams/stream';
import { readLedgerPosition } from '../warehouse/ledgerPosition';
import { type LoaderStatus, type LoadStatus, warehouseMark, writeLoadStatus } from '../warehouse/loadStatus';
import { fullName, type Warehouse } from '../warehouse/warehouse';
import type { Lake } from './lake';

/** Records where a table of the warehouse stands now, for GET /api/health. */
export async function recordLoad(
  warehouse: Warehouse,
  { store }: Pick<Lake, 'store'>,
  table: WarehouseTable,
  { state, reason, head }: LoaderStatus & Pick<LoadStatus, 'head'>,
): Promise<void> {
  const position = await readLedgerPosition(warehouse, table);
  const keepsMarks = warehouse.keepsMarks();
  await writeLoadStatus(store, fullName(table), {
    state,
    ...(reason !== undefined && { reason }),
    position,
    warehouse: warehouseMark(warehouse.name),
    ...(head && { head }),
    ...(keepsMarks !== undefined && { keepsMarks }),
  });
}
