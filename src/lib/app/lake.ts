import type { TableLocation } from '../delta/log';
import { type LakeTable, lakeTables } from '../lake/tables';
import { once } from '../once';
import { type LakeSettings, settings } from '../settings';
import { openAzureBlobStore } from '../storage/azureBlobStore';
import type { ObjectStore } from '../storage/objectStore';
import { loadStreams } from '../streams/loadStreams';
import { containerUrl } from '../warehouse/synapse/lakeUrl';
import type { Staging } from '../warehouse/synapse/stagedFile';

/** The lake, as functions and commands use it. */
export interface Lake {
  readonly store: ObjectStore;
  readonly tables: readonly LakeTable[];
  /** Where a table is or will be. */
  at(table: string): TableLocation;
  /** Where the files of a large load are put, for a SQL pool to copy. */
  readonly staging: Staging;
}

/** Opens the lake without any request: the first call of the store sends the first one. */
export async function openLake({
  lake,
  lakeContainer,
}: Pick<LakeSettings, 'lake' | 'lakeContainer'>): Promise<Lake> {
  const [store, streams] = await Promise.all([openAzureBlobStore(lake, lakeContainer), loadStreams()]);
  return {
    store,
    tables: lakeTables(streams),
    at: (table) => ({ store, table }),
    // The address is computed when a SQL pool asks for it, because not every account has one that a pool can reach.
    staging: { store, urlOf: (path) => `${containerUrl(lake, lakeContainer)}/${path}` },
  };
}

/** The lake of the app's settings, as long as the process lives. */
export const appLake = once(async () => openLake(await settings()));
