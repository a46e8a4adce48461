import type { Commit } from '../delta/actions';
import { withoutLeftovers } from '../delta/hole';
import {
  type CheckpointFiles,
  completeCheckpoints,
  describeVersion,
  type LogFile,
  readCommit,
  readLastCheckpoint,
  type TableLocation,
} from '../delta/log';
import { readMark } from '../delta/position';
import { isDamage, TributaryError } from '../errors';
import { inspectCheckpoint, isOfLostCommit } from './lastCheckpoint';

const parallelReads = 8;

/** The end of an unbroken chain of entries. */
interface ChainEnd {
  readonly version: number;
  /** True if the next entry says that it was made on another entry than this one. That proves that storage went back in time. */
  readonly meetsStray: boolean;
}

/**
 * The end of the log's unbroken chain of entries: no version is missing, and each entry was made on the one before it, if it says so. The
 * result is -1 if not even version 0 is there. The chain begins where opening the table begins:
 *
 * 1. with the checkpoint that `_last_checkpoint` names;
 * 2. if there is none, or entries remain above that chain, with the newest readable checkpoint: the versions between may have been cleaned
 * away;
 * 3. otherwise with version 0.
 *
 * If an entry was made on another entry than the one below it, storage went back in time, and no checkpoint above it counts.
 * @param files all files of the log
 * @throws the damage of a checkpoint that may be the beginning of the entries above, or the damage of the entry at the end
 */
export async function findLogEnd(at: TableLocation, files: readonly LogFile[]): Promise<number> {
  const entries = new Set(
    files.flatMap(({ kind, version }) => (kind === 'commit' && version !== undefined ? [version] : [])),
  );
  const top = Math.max(-1, ...entries);
  const checkpoints = withoutLeftovers(checkpointsOf(files), (version) => entries.has(version));
  const pointer = (await readLastCheckpoint(at))?.version;
  const named = checkpoints.find(({ version }) => version === pointer);
  let end: ChainEnd = { version: -1, meetsStray: false };
  if (named && !(await damageOf(at, named))) {
    end = await followOn(at, entries, named.version);
    if (end.meetsStray || end.version >= top) return end.version;
  }
  let damage: { readonly version: number; readonly error: TributaryError } | undefined;
  for (const checkpoint of checkpoints.toReversed()) {
    const { version } = checkpoint;
    if (version <= end.version) break;
    const error = await damageOf(at, checkpoint);
    if (error === 'lost') continue;
    damage ??= error && { version, error };
    if (error) continue;
    end = { version, meetsStray: false };
    break;
  }
  end = await followOn(at, entries, end.version);
  // The entries above may be the live end of a cleaned log that starts at this damaged checkpoint. So its damage is reported, unless an
  // entry proves that storage went back.
  if (damage && damage.version > end.version && !end.meetsStray) throw damage.error;
  return end.version;
}

/** The complete checkpoints among the files of a log, ascending by version. */
export const checkpointsOf = (files: readonly LogFile[]): CheckpointFiles[] =>
  completeCheckpoints(files.filter(({ kind }) => kind === 'checkpoint'));

/** Reads the entries after a version. Throws the damage of the entry at which it must stop. */
async function followOn(at: TableLocation, entries: ReadonlySet<number>, from: number): Promise<ChainEnd> {
  let version = from;
  let mark = entries.has(from) ? await readMark(at, from) : undefined;
  for (;;) {
    const some: number[] = [];
    for (let next = version + 1; entries.has(next) && some.length < parallelReads; next++) some.push(next);
    if (some.length === 0) return { version, meetsStray: false };
    for (const read of await Promise.allSettled(some.map((each) => readCommit(at, each)))) {
      if (read.status === 'rejected') throw read.reason;
      const commit: Commit | undefined = read.value;
      if (!commit) throw changedLog(at, version + 1);
      const madeOn = commit.commitInfo?.readMark;
      if (madeOn !== undefined && mark !== undefined && madeOn !== mark) return { version, meetsStray: true };
      ({ version, mark } = commit);
    }
  }
}

/** What is wrong with a checkpoint: `lost` if it was made of a commit that storage has lost; undefined if it can be used. */
async function damageOf(
  at: TableLocation,
  checkpoint: CheckpointFiles,
): Promise<TributaryError | 'lost' | undefined> {
  try {
    await inspectCheckpoint(at, checkpoint);
    return undefined;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return (await isOfLostCommit(at, checkpoint)) ? 'lost' : error;
  }
}

/** The error for a log that others write to during the repair. */
export const changedLog = (at: TableLocation, version: number): TributaryError =>
  new TributaryError(
    'delta.contention',
    `${describeVersion(at, version)}: the log changes during the repair. Stop the app and all other writers of the table, and try again.`,
  );
