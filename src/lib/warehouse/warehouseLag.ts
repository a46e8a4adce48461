import type { Commit } from '../delta/actions';
import { readCommit } from '../delta/log';
import { beginning, type TablePosition, whyUnfollowable } from '../delta/position';
import { effectOnRows } from '../delta/rowEffect';
import type { TableState } from '../delta/state';
import { describeUnfollowable } from './needsRebuild';
import { parseReplacing } from './shadow';

/** How far a table is behind its Delta table. */
export interface TableLag {
  readonly table: string;
  /** The newest version of the Delta table; -1 if there is no table yet. */
  readonly deltaVersion: number;
  /** The loaded version; -1 before the first load. */
  readonly loadedVersion: number;
  readonly versionsBehind: number;
  /** Seconds since the oldest version that is not loaded was committed; null if its commit is not in the log. */
  readonly secondsBehind: number | null;
  readonly needsRebuild: boolean;
  /** Why it needs a rebuild. */
  readonly reason?: string;
}

/**
 * Compares a table's position with its log. Throws `storage.*`, `delta.*`.
 * @param state the newest version of the Delta table; undefined if there is no table yet
 * @param position the position of the table; by default nothing is loaded
 */
export const lagOf = async (
  table: string,
  state: TableState | undefined,
  position: TablePosition = beginning,
): Promise<TableLag> => ({
  table,
  loadedVersion: position.version,
  ...(await compareWithLog(state, position)),
});

async function compareWithLog(
  state: TableState | undefined,
  position: TablePosition,
): Promise<Omit<TableLag, 'table' | 'loadedVersion'>> {
  if (!state) return { deltaVersion: -1, versionsBehind: 0, secondsBehind: 0, needsRebuild: false };
  const { at, version: deltaVersion, metaData } = state;
  const isOfTable = position.tableId === '' || position.tableId === metaData.id;
  const versionsBehind = isOfTable ? Math.max(0, deltaVersion - position.version) : deltaVersion + 1;
  const next = versionsBehind > 0 ? await readCommit(at, position.version + 1) : undefined;
  const since = next?.commitInfo?.timestamp;
  const reason = await whyRebuild(state, position, next);
  return {
    deltaVersion,
    versionsBehind,
    secondsBehind:
      versionsBehind === 0 ? 0 : since === undefined ? null : Math.max(0, (Date.now() - since) / 1000),
    needsRebuild: reason !== undefined,
    ...(reason === undefined ? {} : { reason }),
  };
}

/**
 * Why a table needs a rebuild. None is reported in two cases that the loader handles itself: the first load of a log without its beginning,
 * and a replacement that was interrupted.
 */
async function whyRebuild(
  state: TableState,
  position: TablePosition,
  next: Commit | undefined,
): Promise<string | undefined> {
  if (position.tableId === '' || parseReplacing(position) !== undefined) return undefined;
  const because = await whyUnfollowable(state, position);
  if (because) return describeUnfollowable(because, position.version);
  const effect = next && effectOnRows(next, state.metaData.id);
  return effect?.effect === 'rewrite' ? `version ${next?.version} ${effect.reason}` : undefined;
}
