import { beginning, type TablePosition } from '../delta/position';
import { TributaryError } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { fullName, type Warehouse } from './warehouse';

/** A row of the ledger as the database returns it: marks as text, versions in any form of an integer. */
export interface LedgerRow {
  /** The column `delta_id`. */
  readonly tableId: unknown;
  readonly version: unknown;
  readonly mark?: unknown;
  readonly markVersion?: unknown;
}

/**
 * The position in a row of the ledger. Loaders from before there were marks update the version, but not the mark. So a mark is only used if
 * `mark_version` equals the version.
 */
export function parseLedgerRow({ tableId, version, mark, markVersion }: LedgerRow): TablePosition {
  const isOfVersion = typeof mark === 'string' && String(markVersion) === String(version);
  return { tableId: String(tableId), version: Number(version), mark: isOfVersion ? mark : undefined };
}

/** The position of a table in the ledger. Throws `warehouse.refused` when the ledger does not know the table. */
export async function readLedgerPosition(
  warehouse: Warehouse,
  table: WarehouseTable,
): Promise<TablePosition> {
  const position = (await warehouse.ledger()).get(fullName(table));
  if (position) return position.tableId === '' ? beginning : position;
  throw new TributaryError('warehouse.refused', `${warehouse.name}: ${noLedgerRow(table)}.`);
}

/** A sentence that says that the ledger does not know a table, and what to do. */
export const noLedgerRow = (table: WarehouseTable): string =>
  `ops.load_ledger has no row for ${fullName(table)}: run "npm run warehouse -- init" once`;
