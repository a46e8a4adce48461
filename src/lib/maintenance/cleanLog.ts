import {
  type CheckpointFiles,
  completeCheckpoints,
  describeVersion,
  highestVersion,
  type LogFile,
  lastCheckpointPath,
  listLogFiles,
} from '../delta/log';
import { checkpointsProtectedBefore } from '../delta/protocol';
import { isOn, retentionMs } from '../delta/tableProperties';
import { dayMs } from '../duration';
import { isDamage, TributaryError } from '../errors';
import { deleteAll } from './deleteAll';
import { type CheckpointDescription, inspectCheckpoint, moveLastCheckpoint } from './lastCheckpoint';
import { type MaintenanceTask, type NoTable, openStateForMaintenance, storeTime } from './task';

export interface CleanLogTask extends MaintenanceTask {
  /** Says what would be deleted, and deletes nothing. */
  readonly dryRun?: boolean;
}

export type CleanLogOutcome =
  | {
      /**
       * `disabled`: the table property delta.enableExpiredLogCleanup is false. `damage-passed-over`: done, but a checkpoint that would
       * have been kept is damaged, so that an older one is kept, with all after it, or nothing is deleted where there is no other.
       */
      readonly outcome: 'done' | 'disabled' | 'damage-passed-over';
      /** The oldest version that can still be opened; undefined when nothing has expired. */
      readonly oldest: number | undefined;
      /** Files deleted, or to be deleted in a dry run. */
      readonly deleted: number;
      /** What is wrong with the newest checkpoint that was passed over. */
      readonly damage?: string;
    }
  | NoTable;

/**
 * Deletes log entries and checkpoints that nobody needs to open a version of the last `delta.logRetentionDuration`
 * (PROTOCOL.md, "Metadata Cleanup"). The cutoff is the last midnight in UTC, less that duration; the newest checkpoint of a
 * version committed before the cutoff stays, with its own commit and all later ones. That checkpoint is read through first, and a
 * damaged one passed over for an older one. The oldest entries are deleted first, so that the rest of the log can be opened at any time.
 * Where a part of the log may only be cleaned as a whole, nothing is deleted before it has expired as a whole.
 *
 * The shortest duration is a day: writers rely for an hour on what they know of the log, and a writer that sleeps longer than the
 * log is kept would commit below its beginning.
 */
export async function cleanLog(task: CleanLogTask): Promise<CleanLogOutcome> {
  const { at, signal, dryRun = false, now = Date.now() } = task;
  const files: LogFile[] = [];
  let newest = 0;
  for await (const file of listLogFiles(at)) {
    signal?.throwIfAborted();
    files.push(file);
    newest = Math.max(newest, file.lastModified.getTime());
  }
  // After the listing, so that the log is known to be whole up to its end.
  const state = await openStateForMaintenance(task, highestVersion(files));
  if (!state) return { outcome: 'no-table' };
  const { version, metaData, protocol } = state;
  const { configuration } = metaData;
  const kept = retentionMs(configuration, 'delta.logRetentionDuration', describeVersion(at, version));
  if (!isOn(configuration, 'delta.enableExpiredLogCleanup', true))
    return { outcome: 'disabled', oldest: undefined, deleted: 0 };
  const cutoff = Math.floor(storeTime(now, newest) / dayMs) * dayMs - Math.max(kept, dayMs);
  // Below this version nothing may be deleted unless all of it is.
  const least = checkpointsProtectedBefore(protocol, metaData);
  const candidates = checkpointsBefore(files, cutoff).filter((each) => each.version >= least);
  const { keep, expired, damage } = await findBeginning(task, files, candidates);
  const end =
    damage === undefined ? { outcome: 'done' as const } : { outcome: 'damage-passed-over' as const, damage };
  if (!keep) return { ...end, oldest: undefined, deleted: 0 };
  if (keep.description && !dryRun) {
    if (!(await moveLastCheckpoint(at, keep.description, signal)))
      throw new TributaryError(
        'delta.contention',
        `${at.store.name}/${at.table}: the log is not cleaned while others move ${lastCheckpointPath(at.table)}.`,
      );
    const paths = expired.map(({ path }) => path);
    await deleteAll(task, { paths, step: 'clean', onFailure: 'stop' });
  }
  return { ...end, oldest: keep.version, deleted: expired.length };
}

interface LogBeginning {
  /** The checkpoint with which the log is to begin, and its description if anything is below it; undefined if there is none. */
  readonly keep: { readonly version: number; readonly description?: CheckpointDescription } | undefined;
  /** The files below it, in the order in which they are to be deleted. */
  readonly expired: readonly LogFile[];
  /** What is wrong with the newest one with which it might have begun; undefined if it begins with that one. */
  readonly damage: string | undefined;
}

/** The first of the checkpoints that can be read. One below which nothing is to be deleted is not read. */
async function findBeginning(
  { at, signal }: CleanLogTask,
  files: readonly LogFile[],
  checkpoints: readonly CheckpointFiles[],
): Promise<LogBeginning> {
  let damage: string | undefined;
  for (const checkpoint of checkpoints) {
    const { version } = checkpoint;
    const expired = files
      .filter((file) => file.version !== undefined && file.version < version)
      .sort((a, b) => (a.version ?? 0) - (b.version ?? 0));
    if (expired.length === 0) return { keep: { version }, expired, damage };
    try {
      const description = await inspectCheckpoint(at, checkpoint);
      return { keep: { version, description }, expired, damage };
    } catch (error) {
      if (!isDamage(error)) throw error;
      damage ??= error.message;
    }
    signal?.throwIfAborted();
  }
  return { keep: undefined, expired: [], damage };
}

/** The complete checkpoints of versions that were the newest, or older, at the cutoff; the newest first. */
function checkpointsBefore(files: readonly LogFile[], cutoff: number) {
  const young = files.filter(
    ({ kind, lastModified }) => kind === 'commit' && lastModified.getTime() > cutoff,
  );
  // The clock of a store may go back a little, so all commits after a young commit count as young.
  const end = young.reduce((least, file) => Math.min(least, file.version ?? least), Number.POSITIVE_INFINITY);
  const commits = new Map(files.flatMap((file) => (file.kind === 'commit' ? [[file.version, file]] : [])));
  const checkpoints = files.filter(({ kind }) => kind === 'checkpoint');
  const isBefore = (version: number) => {
    const committed = commits.get(version);
    return version < end && committed !== undefined && committed.lastModified.getTime() <= cutoff;
  };
  return completeCheckpoints(checkpoints)
    .filter(({ version }) => isBefore(version))
    .reverse();
}
