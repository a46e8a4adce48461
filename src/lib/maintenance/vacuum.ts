import { dataFilePath, describeVersion } from '../delta/log';
import { retentionMs } from '../delta/tableProperties';
import type { ObjectInfo } from '../storage/objectStore';
import { isExpired } from './checkpoint';
import { deleteAll } from './deleteAll';
import { type MaintenanceTask, type NoTable, openForMaintenance, storeTime } from './task';

/**
 * The least age of a file that is deleted. A data file is written before the commit that makes it part of the table, and
 * until then nothing tells it from one that was left behind; a commit may be tried again for as long as its process lives.
 */
const leastAgeMs = 86_400_000;

export interface VacuumTask extends MaintenanceTask {
  /** Says what would be deleted, and deletes nothing. */
  readonly dryRun?: boolean;
}

export type VacuumOutcome =
  | {
      readonly outcome: 'done';
      /** Paths in the store that were deleted, or would be in a dry run. */
      readonly deleted: readonly string[];
      readonly bytes: number;
    }
  | NoTable;

/**
 * Deletes data files that no version within the table's retention needs: neither live nor behind a tombstone younger than
 * `delta.deletedFileRetentionDuration`, and themselves older than it and than a day. Files and folders whose names begin
 * with `_` or `.` are not the table's data and stay (PROTOCOL.md, "Vacuum Protocol Check", is met by opening the table).
 * A file that cannot be deleted keeps no other from being so; its error is thrown at the end.
 * @throws `delta.invalid` when the log names a file outside the table
 */
export async function vacuum(task: VacuumTask): Promise<VacuumOutcome> {
  const { at, signal, dryRun = false, now: clock = Date.now() } = task;
  // Listed before the log is read: a file that is committed in between is then known to be live.
  const found: ObjectInfo[] = [];
  let newest = 0;
  for await (const object of at.store.list(`${at.table}/`)) {
    signal?.throwIfAborted();
    const names = object.path.slice(at.table.length + 1).split('/');
    const isHidden = names.some((name) => /^[_.]/.test(name));
    const modified = object.lastModified.getTime();
    newest = Math.max(newest, modified);
    if (!isHidden && modified < clock - leastAgeMs) found.push(object);
  }
  const snapshot = await openForMaintenance(task);
  if (!snapshot) return { outcome: 'no-table' };
  const { version, metaData, files, tombstones } = snapshot;
  const where = describeVersion(at, version);
  const now = storeTime(clock, newest);
  const keptSince = now - retentionMs(metaData.configuration, 'delta.deletedFileRetentionDuration', where);
  const needed = new Set<string>();
  for (const { path } of files.values()) needed.add(dataFilePath(at, path, version));
  for (const remove of tombstones.values())
    if (!isExpired(remove, keptSince)) needed.add(dataFilePath(at, remove.path, version));
  const youngest = Math.min(keptSince, now - leastAgeMs);
  const garbage = found.filter(
    ({ path, lastModified }) => !needed.has(path) && lastModified.getTime() < youngest,
  );
  const deleted = garbage.map(({ path }) => path);
  if (!dryRun) await deleteAll(task, { paths: deleted, step: 'vacuum', onFailure: 'go-on' });
  return { outcome: 'done', deleted, bytes: garbage.reduce((sum, { size }) => sum + size, 0) };
}
