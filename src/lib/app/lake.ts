import type { TableLocation } from '../delta/log';
import { type LakeTable, lakeTables } from '../lake/tables';
import { once } from '../once';
import { type Settings, settings } from '../settings';
import { openAzureBlobStore } from '../storage/azureBlobStore';
import type { ObjectStore } from '../storage/objectStore';
import { loadStreams } from '../streams/loadStreams';
import { containerUrl } from '../warehouse/synapse/lakeUrl';
import type { Staging } from '../warehouse/synapse/stagedFile';

/** The lake as functions and commands use it. */
export interface Lake {
  readonly store: ObjectStore;
  readonly tables: readonly LakeTable[];
  /** Where a table is, whether or not it is there yet. */
  at(table: string): TableLocation;
  /** Where files wait for a SQL pool that copies them. */
  readonly staging: Staging;
}

/** Nothing is asked of the network before the first call of the store. */
export async function openLake({
  lake,
  lakeContainer,
}: Pick<Settings, 'lake' | 'lakeContainer'>): Promise<Lake> {
  const [store, streams] = await Promise.all([openAzureBlobStore(lake, lakeContainer), loadStreams()]);
  return {
    store,
    tables: lakeTables(streams),
    at: (table) => ({ store, table }),
    // Only a SQL pool needs the address, and only some accounts have one that a pool can reach.
    staging: { store, urlOf: (path) => `${containerUrl(lake, lakeContainer)}/${path}` },
  };
}

/** The lake of the app's settings, as long as the process lives. */
export const appLake = once(async () => openLake(await settings()));
