import type { TableLocation } from '../delta/log';
import { TributaryError } from '../errors';
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
  /** The place of a table, which need not exist yet. */
  at(table: string): TableLocation;
  /** Where the files of a large load are put for a SQL pool to copy. */
  readonly staging: Staging;
}

type LakePlace = Pick<LakeSettings, 'lake' | 'lakeContainer'>;

/** Opens the app's lake. Sends no request: the first call of the store sends the first one. The first write makes the container. */
export const openLake = async (place: LakePlace): Promise<Lake> =>
  describeLake(place, await openAzureBlobStore(place.lake, place.lakeContainer));

/**
 * Opens a lake that must exist already. All work but the app's uses this, because a mistyped name must not look like an empty lake, and
 * must not make a container. Every call of the store throws `settings.invalid` if there is no such container.
 */
export const openExistingLake = async (place: LakePlace): Promise<Lake> => {
  const { lake, lakeContainer } = place;
  const refuseMissing = (account: string) => noContainer(account, lakeContainer);
  return describeLake(place, await openAzureBlobStore(lake, lakeContainer, refuseMissing));
};

const noContainer = (account: string, container: string) =>
  new TributaryError(
    'settings.invalid',
    `${account} has no container ${container}, which LAKE_CONTAINER names: correct LAKE_CONTAINER or LakeStorage, or start the app, which makes the container of a new lake with its first event.`,
  );

async function describeLake({ lake, lakeContainer }: LakePlace, store: ObjectStore): Promise<Lake> {
  const streams = await loadStreams();
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
