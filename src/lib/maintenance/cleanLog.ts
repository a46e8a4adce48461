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
  /** True to say what would be deleted, and delete nothing. */
  readonly dryRun?: boolean;
}

export type CleanLogOutcome =
  | {
      /**
       * `disabled`: the table property delta.enableExpiredLogCleanup is false. `damage-passed-over`: the log was cleaned, but the
       * checkpoint with which it should begin is damaged. So it begins with an older one, or nothing was deleted because there is no other.
       */
      readonly outcome: 'done' | 'disabled' | 'damage-passed-over';
      /** The oldest version that can still be opened; undefined when nothing has expired. */
      readonly oldest: number | undefined;
      /** How many files were deleted, or would be in a dry run. */
      readonly deleted: number;
      /** What is wrong with the newest of the damaged checkpoints. */
      readonly damage?: string;
    }
  | NoTable;

/**
 * Deletes log entries and checkpoints that nobody needs to open a version of the last `delta.logRetentionDuration` (PROTOCOL.md, "Metadata
 * Cleanup"). The cutoff is the last midnight in UTC, minus that duration. The newest checkpoint of a version committed before the cutoff
 * stays, with its own commit and all later ones. That checkpoint is read first, and if it is damaged, an older one is taken. The oldest
 * entries are deleted first, so that the rest of the log can be opened at any time. If a part of the log may only be cleaned as a whole,
 * none of it is deleted before all of it has expired.
 *
 * The shortest duration is a day. Writers rely for an hour on what they know of the log, and a writer that pauses for longer than the log
 * is kept would commit below its beginning.
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
  // The state is read after the listing, to be sure that the log is unbroken up to its end.
  const state = await openStateForMaintenance(task, highestVersion(files));
  if (!state) return { outcome: 'no-table' };
  const { version, metaData, protocol } = state;
  const { configuration } = metaData;
  const kept = retentionMs(configuration, 'delta.logRetentionDuration', describeVersion(at, version));
  if (!isOn(configuration, 'delta.enableExpiredLogCleanup', true))
    return { outcome: 'disabled', oldest: undefined, deleted: 0 };
  const cutoff = Math.floor(storeTime(now, newest) / dayMs) * dayMs - Math.max(kept, dayMs);
  // The entries below this version are deleted all together or not at all.
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
  /** The checkpoint with which the log is to begin; undefined if there is none. It has a description if there is anything below it. */
  readonly keep: { readonly version: number; readonly description?: CheckpointDescription } | undefined;
  /** The files below it, in the order in which they must be deleted. */
  readonly expired: readonly LogFile[];
  /** What is wrong with the newest checkpoint that could have been the beginning; undefined if the log begins with that one. */
  readonly damage: string | undefined;
}

/** The first of the checkpoints that is undamaged. A checkpoint below which there is nothing to delete is not read. */
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

/** The complete checkpoints of versions up to the one that was the newest at the cutoff; the newest first. */
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
