import { TributaryError } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { fullName, neverLoaded, type Position, type Warehouse } from './warehouse';

/** Where a table stands. Throws `warehouse.refused` when the ledger does not know it. */
export async function positionOf(warehouse: Warehouse, table: WarehouseTable): Promise<Position> {
  const position = (await warehouse.ledger()).get(fullName(table));
  if (position) return position.deltaId === '' ? neverLoaded : position;
  throw new TributaryError(
    'warehouse.refused',
    `${warehouse.name}: ops.load_ledger has no row for ${fullName(table)}: run "npm run warehouse -- init" once.`,
  );
}
