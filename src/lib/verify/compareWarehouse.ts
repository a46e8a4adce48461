import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { TableLocation } from '../delta/log';
import { openSnapshot, openState } from '../delta/openTable';
import { type TablePosition, whyUnfollowable } from '../delta/position';
import { isDamage, TributaryError } from '../errors';
import type { FileProgress } from '../lake/scanRows';
import type { WarehouseTable } from '../streams/stream';
import { noLedgerRow } from '../warehouse/ledgerPosition';
import { describeUnfollowable } from '../warehouse/needsRebuild';
import { parseReplacing } from '../warehouse/shadow';
import { fullName, type Warehouse } from '../warehouse/warehouse';
import { differencesOf, type PartitionDifference, type RowSums, sumDeltaRows } from './rowSums';
import { addressColumnsOf, sumWarehouseRows, type WarehouseSums } from './warehouseSums';

/** How many times the table is compared at most: again if loads changed it meanwhile, or if a difference must be confirmed. */
const maxTries = 6;

export interface CompareWarehouseOptions {
  readonly at: TableLocation;
  readonly table: WarehouseTable;
  readonly warehouse: Pick<Warehouse, 'ledger' | 'query'>;
  /** Milliseconds between two tries; by default two seconds. */
  readonly pauseMs?: number;
  readonly onFile?: FileProgress;
}

/** The rows of both sides at the version of the ledger. */
interface Compared {
  readonly version: number;
  /** The number of rows in the warehouse's table. */
  readonly rows: number;
  readonly rejected: number;
  readonly deltaRows: number;
}

export type WarehouseComparison =
  | (Compared & { readonly state: 'equal' })
  /** `partitions` are those that differ. It is empty if the table does not have the columns of the row's address. */
  | (Compared & { readonly state: 'different'; readonly partitions: readonly PartitionDifference[] })
  /** There was nothing to compare yet, or it could not be compared now. `isMoving`: loads changed it all the time. */
  | { readonly state: 'not-compared'; readonly reason: string; readonly isMoving?: true }
  /** The table was not loaded from the present Delta log. */
  | { readonly state: 'needs-rebuild'; readonly reason: string };

type Different = WarehouseComparison & { state: 'different' };
/** The result of one try. */
type Try = WarehouseComparison | { readonly state: 'moved'; readonly reason: string };

/**
 * Compares a table of the warehouse with its Delta table at the version that the ledger names. Rows and rejected rows together must be the
 * rows of that version. If the table has the columns of the row's address, this is checked for each hub partition, by the number of rows
 * and the sum of sequence numbers. Loads may go on meanwhile. A SQL pool also shows uncommitted rows, so a difference counts only if two
 * attempts find the same one. Loads add the same rows to both sides, so a real difference stays the same.
 * @throws `warehouse.*`, `storage.*`, `delta.*`, `parquet.*`
 */
export async function compareWarehouse(options: CompareWarehouseOptions): Promise<WarehouseComparison> {
  const { pauseMs = 2000 } = options;
  let read: { readonly position: TablePosition; readonly sums: Promise<RowSums | undefined> } | undefined;
  const deltaSums = (position: TablePosition) => {
    // Compare the marks too: after storage went back in time, another version may have the same number.
    if (!read || !isDeepStrictEqual(read.position, position))
      read = { position, sums: sumVersion(options, position.version) };
    return read.sums;
  };
  let seen: Different | undefined;
  let reason = '';
  for (let tries = 0; tries < maxTries; tries++) {
    if (tries > 0) await sleep(pauseMs);
    const found = await compareOnce(options, deltaSums);
    if (found.state === 'moved') reason = found.reason;
    else if (found.state !== 'different') return found;
    else if (seen && isSameDifference(seen, found)) return found;
    else {
      seen = found;
      reason = `${fullName(options.table)} is being changed all the time`;
    }
  }
  return { state: 'not-compared', reason, isMoving: true };
}

async function compareOnce(
  options: CompareWarehouseOptions,
  deltaSums: (position: TablePosition) => Promise<RowSums | undefined>,
): Promise<Try> {
  const { warehouse, table } = options;
  const name = fullName(table);
  const position = (await warehouse.ledger()).get(name);
  if (!position) return { state: 'not-compared', reason: noLedgerRow(table) };
  const obstacle = await findObstacle(options, position);
  if (obstacle) return obstacle;
  const found = await sumUnmoved(options, position);
  if (!found) return { state: 'moved', reason: `loads keep moving ${name}` };
  // A version of the lake never changes, so it can be read after the warehouse.
  const { version } = position;
  const delta = await deltaSums(position);
  if (!delta) {
    const reason = `version ${version} of ${options.at.table}, up to which ${name} is loaded, cannot be opened any more`;
    return { state: 'needs-rebuild', reason };
  }
  const { sums, rejected } = found;
  const compared = { version, rows: sums.rows - rejected, rejected, deltaRows: delta.rows };
  const partitions = differencesOf(sums, delta);
  return partitions.length === 0 && sums.rows === delta.rows
    ? { state: 'equal', ...compared }
    : { state: 'different', ...compared, partitions };
}

/** Why the table cannot be compared from this position; undefined if it can. */
async function findObstacle(
  { at, table }: CompareWarehouseOptions,
  position: TablePosition,
): Promise<Try | undefined> {
  const name = fullName(table);
  if (parseReplacing(position) !== undefined)
    return { state: 'moved', reason: `a rebuilt table is taking the place of ${name}` };
  if (position.tableId === '') return { state: 'not-compared', reason: `${name} has not been loaded yet` };
  const rebuild = (reason: string): Try => ({ state: 'needs-rebuild', reason });
  const head = await openState(at);
  if (!head) return rebuild(`${name} was loaded, but there is no Delta table ${at.table} any more`);
  const because = await whyUnfollowable(head, position);
  return because && rebuild(`${name}: ${describeUnfollowable(because, position.version)}`);
}

/** Adds up the warehouse's rows. Undefined if the ledger moved meanwhile. */
async function sumUnmoved(
  { warehouse, table }: CompareWarehouseOptions,
  position: TablePosition,
): Promise<WarehouseSums | undefined> {
  const isThere = async () => isDeepStrictEqual((await warehouse.ledger()).get(fullName(table)), position);
  try {
    const found = await sumWarehouseRows(warehouse, table);
    return (await isThere()) ? found : undefined;
  } catch (error) {
    // While a table is being replaced, it may not exist for a moment.
    const isRefused = error instanceof TributaryError && error.code === 'warehouse.refused';
    if (isRefused && !(await isThere())) return undefined;
    throw error;
  }
}

/** Adds up the rows of a version. Undefined if the log does not hold it any more, or if vacuum has deleted one of its files. */
async function sumVersion(
  { at, table, onFile }: CompareWarehouseOptions,
  version: number,
): Promise<RowSums | undefined> {
  try {
    const snapshot = await openSnapshot(at, { version });
    return snapshot && (await sumDeltaRows(snapshot, addressColumnsOf(table) !== undefined, onFile));
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** Whether two differences are the same, even if they were found at different versions. */
function isSameDifference(one: Different, other: Different): boolean {
  const excess = ({ rows, rejected, deltaRows, partitions }: Different) => [
    rows + rejected - deltaRows,
    ...partitions.map(({ found, expected, source }) => [
      source,
      found.rows - expected.rows,
      found.sequenceNumberSum - expected.sequenceNumberSum,
    ]),
  ];
  return isDeepStrictEqual(excess(one), excess(other));
}
