import { readCommit } from '../delta/log';
import type { TableHead } from '../delta/tableHead';
import type { WarehouseTable } from '../streams/stream';
import { cannotFollow } from './deltaVersions';
import { fullName, shadowOfSwap, type Warehouse } from './warehouse';

/** How far a table is behind its Delta table. */
export interface TableLag {
  readonly table: string;
  /** Newest version of the Delta table, -1 before there is one. */
  readonly deltaVersion: number;
  /** Version that is loaded, -1 before the first load. */
  readonly loadedVersion: number;
  readonly versionsBehind: number;
  /** Since the oldest version that is not loaded was committed; null where its commit is not in the log. */
  readonly secondsBehind: number | null;
  readonly needsRebuild: boolean;
}

export interface LagOptions {
  readonly warehouse: Warehouse;
  readonly tables: readonly { readonly head: TableHead; readonly table: WarehouseTable }[];
}

/** Asks the ledger and the logs. Throws what they throw. */
export async function readLag({ warehouse, tables }: LagOptions): Promise<TableLag[]> {
  const ledger = await warehouse.ledger();
  return Promise.all(
    tables.map(async ({ head, table }) => {
      const state = await head.read();
      const position = ledger.get(fullName(table)) ?? { deltaId: '', version: -1 };
      const deltaVersion = state?.version ?? -1;
      const known = position.deltaId === '' || position.deltaId === state?.metaData.id;
      const versionsBehind = known ? Math.max(0, deltaVersion - position.version) : deltaVersion + 1;
      const next = versionsBehind > 0 ? await readCommit(head.at, position.version + 1) : undefined;
      const since = next?.commitInfo?.timestamp;
      return {
        table: fullName(table),
        deltaVersion,
        loadedVersion: position.version,
        versionsBehind,
        secondsBehind:
          versionsBehind === 0 ? 0 : since === undefined ? null : Math.max(0, (Date.now() - since) / 1000),
        // The first load of a log without its beginning rebuilds by itself, and so does a swap that was cut short.
        needsRebuild:
          state !== undefined &&
          shadowOfSwap(position) === undefined &&
          ((next !== undefined && cannotFollow(next, state) !== undefined) ||
            (position.deltaId !== '' && (!known || (versionsBehind > 0 && next === undefined)))),
      };
    }),
  );
}
