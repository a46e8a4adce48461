import { openState } from '../../../src/lib/delta/openTable';
import { beginning, type TablePosition } from '../../../src/lib/delta/position';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import {
  type Cell,
  fullName,
  type PreparedRows,
  type RejectedRow,
  type Warehouse,
} from '../../../src/lib/warehouse/warehouse';
import { createdOn } from './streamTables';

export const clicksTable = clickstream.warehouse as WarehouseTable;

/** A row of `StreamTables` by its address: partition, sequence number, and when its hub was made. */
export type Click = readonly [number, number, Date?];

/** Clicks as a loader would put them into the warehouse; `rejected` are those that a column could not hold. */
export function clicksToLoad(clicks: readonly Click[], rejected: readonly Click[] = []): PreparedRows {
  const rows = clicks.map(([partition, sequenceNumber, made = createdOn]): Cell[] => {
    const at = made.getTime() * 1000;
    return [1 + sequenceNumber, at, sequenceNumber, 1, at + sequenceNumber, at, partition, sequenceNumber, 0];
  });
  const columns = clicksTable.columns.map((_, column) => rows.map((row) => row[column] ?? null));
  return { columns, count: rows.length, rejected: rejected.map(toRejected) };
}

const toRejected = ([partition, sequenceNumber, made = createdOn]: Click): RejectedRow => ({
  hubCreatedAt: made.getTime() * 1000,
  partition,
  sequenceNumber,
  element: 0,
  reason: 'productid: is too large',
  row: '{}',
});

/** The position of the newest version of a Delta table. */
export async function headOf(store: ObjectStore, table = clickstream.table): Promise<TablePosition> {
  const state = await openState({ store, table });
  if (!state) throw new Error(`There is no table ${table}.`);
  return { tableId: state.metaData.id, version: state.version, mark: undefined };
}

/** Loads the given rows, right or wrong, and sets the ledger to `to`. */
export async function loadRows(
  warehouse: Warehouse,
  to: TablePosition,
  rows: PreparedRows,
  table = clicksTable,
): Promise<void> {
  const from = (await warehouse.ledger()).get(fullName(table)) ?? beginning;
  const outcome = await warehouse.load({ table, from, to, rows });
  if (outcome !== 'loaded') throw new Error(`The load of ${fullName(table)} is ${outcome}.`);
}
