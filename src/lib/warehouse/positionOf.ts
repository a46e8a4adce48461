import type { TablePosition } from '../delta/position';
import { TributaryError } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { fullName, neverLoaded, type Position, type Warehouse } from './warehouse';

/** What a row of the ledger says, as the database gives it: marks as text, versions in any form of an integer. */
export interface LedgerRow {
  readonly deltaId: unknown;
  readonly version: unknown;
  readonly mark?: unknown;
  readonly markVersion?: unknown;
}

/**
 * The position in a row of the ledger. Loaders from before marks existed update the version but not the mark, so a mark is used
 * only if `mark_version` equals the version.
 */
export function positionInRow({ deltaId, version, mark, markVersion }: LedgerRow): Position {
  const position = { deltaId: String(deltaId), version: Number(version) };
  const isOfVersion = typeof mark === 'string' && String(markVersion) === String(version);
  return isOfVersion ? { ...position, mark } : position;
}

/** Where a table stands. Throws `warehouse.refused` when the ledger does not know it. */
export async function positionOf(warehouse: Warehouse, table: WarehouseTable): Promise<Position> {
  const position = (await warehouse.ledger()).get(fullName(table));
  if (position) return position.deltaId === '' ? neverLoaded : position;
  throw new TributaryError('warehouse.refused', `${warehouse.name}: ${noLedgerRow(table)}.`);
}

/** Says that the ledger does not know a table, and what to do. */
export const noLedgerRow = (table: WarehouseTable): string =>
  `ops.load_ledger has no row for ${fullName(table)}: run "npm run warehouse -- init" once`;

/** The position in the form the log follower takes. */
export const positionInLog = ({ deltaId, version, mark }: Position): TablePosition => ({
  tableId: deltaId,
  version,
  mark,
});
