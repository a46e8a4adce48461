import { dataFilePath, describeVersion, highestVersion, logFileOf, logPrefix } from '../delta/log';
import type { Snapshot } from '../delta/state';
import { retentionMs } from '../delta/tableProperties';
import { dayMs } from '../duration';
import type { ObjectInfo } from '../storage/objectStore';
import { isExpired } from './checkpoint';
import { deleteAll } from './deleteAll';
import { type MaintenanceTask, type NoTable, openForMaintenance, storeTime } from './task';
import { vectorFileName } from './vectorFile';

/**
 * A file is only deleted if it is older than this, in milliseconds. A data file is written before its commit, and until then it looks like
 * a leftover. A commit may be retried for as long as its process lives.
 */
const leastAgeMs = dayMs;

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
 * Deletes data files that no version within the table's retention needs. A file is deleted if all of this is true:
 *
 * - it is not live
 * - it has no tombstone younger than `delta.deletedFileRetentionDuration`, and no such tombstone names it as its deletion vector
 * - it is itself older than that duration and than a day
 *
 * Files and folders whose names begin with `_` or `.` are not the table's data and stay (PROTOCOL.md, "Vacuum Protocol Check", is
 * met by opening the table). So do the files of another table in a folder of this one. If a file cannot be deleted, the others are,
 * and its error is thrown at the end.
 * @throws `delta.invalid` when the log names a file outside the table, or a deletion vector in a way that is not known
 */
export async function vacuum(task: VacuumTask): Promise<VacuumOutcome> {
  const { at, signal, dryRun = false, now: clock = Date.now() } = task;
  // List the files before reading the log, so that a file that is committed in between is known to be live.
  const found: ObjectInfo[] = [];
  const inner = new Set<string>();
  let newest = 0;
  let top = -1;
  for await (const object of at.store.list(`${at.table}/`)) {
    signal?.throwIfAborted();
    const names = object.path.slice(at.table.length + 1).split('/');
    const isHidden = names.some((name) => /^[_.]/.test(name));
    const modified = object.lastModified.getTime();
    newest = Math.max(newest, modified);
    if (object.path.startsWith(logPrefix(at.table)))
      top = Math.max(top, highestVersion([logFileOf(at.table, object)]));
    const log = names.indexOf('_delta_log');
    if (log > 0) inner.add([at.table, ...names.slice(0, log), ''].join('/'));
    if (!isHidden && modified < clock - leastAgeMs) found.push(object);
  }
  const snapshot = await openForMaintenance(task, top);
  if (!snapshot) return { outcome: 'no-table' };
  const { version, metaData } = snapshot;
  const where = describeVersion(at, version);
  const now = storeTime(clock, newest);
  const keptSince = now - retentionMs(metaData.configuration, 'delta.deletedFileRetentionDuration', where);
  const isNeeded = neededFiles(snapshot, keptSince);
  const youngest = Math.min(keptSince, now - leastAgeMs);
  const isOfInner = (path: string) => [...inner].some((folder) => path.startsWith(folder));
  const garbage = found.filter(
    ({ path, lastModified }) => !isNeeded(path) && lastModified.getTime() < youngest && !isOfInner(path),
  );
  const deleted = garbage.map(({ path }) => path);
  if (!dryRun) await deleteAll(task, { paths: deleted, step: 'vacuum', onFailure: 'go-on' });
  return { outcome: 'done', deleted, bytes: garbage.reduce((sum, { size }) => sum + size, 0) };
}

/** Returns a function that tells whether a path in the store is needed: by a live file, or by a tombstone younger than `keptSince`. */
function neededFiles(
  { at, version, files, tombstones }: Snapshot,
  keptSince: number,
): (path: string) => boolean {
  const needed = new Set<string>();
  const vectors = new Set<string>();
  for (const { path } of files.values()) needed.add(dataFilePath(at, path, version));
  for (const remove of tombstones.values()) {
    if (isExpired(remove, keptSince)) continue;
    needed.add(dataFilePath(at, remove.path, version));
    const vector = vectorFileName(remove, describeVersion(at, version));
    if (vector !== undefined) vectors.add(vector);
  }
  return (path) => needed.has(path) || vectors.has(path.slice(path.lastIndexOf('/') + 1));
}
