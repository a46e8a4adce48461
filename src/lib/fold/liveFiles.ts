import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import type { Snapshot } from '../delta/state';
import { isDamage } from '../errors';

/**
 * Folds the live files of the newest version. Undefined if there is no table.
 * @throws what opening the table throws, and what `fold` throws, like `parquet.invalid` for a file that is gone or damaged
 */
export async function foldLiveFiles<Folded>(
  at: TableLocation,
  fold: (snapshot: Snapshot) => Promise<Folded>,
): Promise<Folded | undefined> {
  const snapshot = await openSnapshot(at);
  if (!snapshot) return undefined;
  try {
    return await fold(snapshot);
  } catch (error) {
    if (!isDamage(error)) throw error;
    // If there is a newer version, the file may have been removed on purpose. Then its absence is no damage.
    const newer = await openSnapshot(at);
    if (newer?.version === snapshot.version && newer.mark === snapshot.mark) throw error;
    return newer && (await fold(newer));
  }
}
