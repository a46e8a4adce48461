import type { TableState } from '../delta/state';
import { describeFailure, type ErrorCode } from '../errors';
import type { ObjectStore } from '../storage/objectStore';
import type { WarehouseTable } from '../streams/stream';
import { type LoadStatus, readLoadStatus } from '../warehouse/loadStatus';
import { fullName } from '../warehouse/warehouse';
import { lagOf, type TableLag } from '../warehouse/warehouseLag';
import type { WarehouseSetting } from '../warehouse/warehouseSetting';
import { columnsRemedy, type Remedy, rebuildRemedy } from './remedies';

/** A table that is further behind than this is late. Loads follow a commit within seconds, and a timer tries every minute. */
const lateAfterSeconds = 120;

/** The warehouse in GET /api/health: states and numbers, no names of servers, no messages. */
export interface WarehouseHealth {
  readonly kind: WarehouseSetting['kind'] | 'unknown';
  readonly status: 'ok' | 'degraded';
  /** The code of an error that keeps the state of some tables unknown. These tables are not listed. */
  readonly error?: string;
  /**
   * False if the ledger has no columns for marks and the app may not add them. Then rows are still loaded, but nobody notices if the lake
   * went back in time.
   */
  readonly keepsMarks?: boolean;
  readonly remedy?: Remedy;
  readonly tables: readonly LoadedTable[];
}

interface LoadedTable extends TableLag {
  /** The outcome of the last attempt to load the table, whichever process made it. */
  readonly loader: string;
  /** The code of the error if that attempt failed. */
  readonly error?: string;
  readonly remedy?: Remedy;
}

export interface WarehouseSources {
  readonly kind: WarehouseSetting['kind'];
  /** The store in which the loaders record what they do. */
  readonly store: () => Promise<ObjectStore>;
  /** The tables that are loaded, each with the newest version of its Delta table. */
  readonly tables: readonly {
    readonly table: WarehouseTable;
    readonly state: () => Promise<TableState | undefined>;
  }[];
}

/** How far the warehouse is behind, according to the records of the loaders. The database is not asked. Never rejects. */
export async function readWarehouseHealth({
  kind,
  store,
  tables,
}: WarehouseSources): Promise<WarehouseHealth> {
  if (kind === 'none') return { kind, status: 'ok', tables: [] };
  const read = await Promise.allSettled(
    tables.map(async ({ table, state }) => {
      const name = fullName(table);
      const status = await readLoadStatus(await store(), name);
      return { status, table: await readTable(name, await state(), status) };
    }),
  );
  const found = read.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const unknown = read.find((each) => each.status === 'rejected');
  const keepsMarks = found.every(({ status }) => status?.keepsMarks !== false);
  const isOk = !unknown && keepsMarks && found.every(({ table }) => isOnTime(table));
  return {
    kind,
    status: isOk ? 'ok' : 'degraded',
    ...(unknown && { error: describeFailure(unknown.reason).code }),
    ...(found.length > 0 && { keepsMarks }),
    ...(!keepsMarks && { remedy: columnsRemedy }),
    tables: found.map(({ table }) => table),
  };
}

/**
 * How far a table is behind, and the outcome of its loads. The lag comes from the log. Only the loader knows whether data files are gone.
 */
async function readTable(
  name: string,
  state: TableState | undefined,
  status: LoadStatus = { state: 'idle' },
): Promise<LoadedTable> {
  const lag = await lagOf(name, state, status.position);
  const needsRebuild = lag.needsRebuild || status.state === 'needs-rebuild';
  const reason = status.reason ?? lag.reason;
  return {
    ...lag,
    needsRebuild,
    ...(needsRebuild && reason !== undefined && { reason }),
    loader: status.state,
    ...(status.error !== undefined && { error: status.error }),
    ...remedyOf(name, needsRebuild, status),
  };
}

function remedyOf(name: string, needsRebuild: boolean, { error }: LoadStatus): { remedy?: Remedy } {
  if (needsRebuild) return { remedy: rebuildRemedy(name) };
  return error === ('warehouse.schema' satisfies ErrorCode) ? { remedy: columnsRemedy } : {};
}

/** Whether a table is not late. If its next commit has left the log, `secondsBehind` is null, and it is late, because that takes days. */
const isOnTime = ({ needsRebuild, loader, secondsBehind }: LoadedTable): boolean =>
  !needsRebuild && loader !== 'failed' && secondsBehind !== null && secondsBehind <= lateAfterSeconds;
