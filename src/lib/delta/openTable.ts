import { TributaryError } from '../errors';
import type { Commit } from './actions';
import {
  type CheckpointFiles,
  describeVersion,
  listLog,
  readCommit,
  readLastCheckpoint,
  type TableLocation,
} from './log';
import { readCheckpoint } from './readCheckpoint';
import { LogReplay, type Snapshot, type TableState } from './state';

/** How many commits are asked for at once beyond the newest known one. */
const readAhead = 8;
/** More commits than this are not read one by one where a checkpoint may hold most of them. */
const maxCommitsBehind = 512;
/** How often a log is opened that is cleaned at the same time. */
const maxTries = 3;

/**
 * The newest version of a table, or the one asked for, with its files. Undefined when there is no table.
 * @throws `delta.invalid` for a damaged log, a version that the log does not hold (any more) and missing versions;
 * `delta.unsupported` for a table that needs reader features we do not have
 */
export async function openSnapshot(
  at: TableLocation,
  options: { version?: number } = {},
): Promise<Snapshot | undefined> {
  return (await openLog(at, 'files', options.version))?.snapshot();
}

/** The newest version of a table without its files: all that a writer needs. Undefined when there is no table. */
export async function openState(at: TableLocation): Promise<TableState | undefined> {
  return (await openLog(at, 'state'))?.state();
}

/** A table whose newest version is a checkpoint and what came after it. */
export interface LogTail {
  /** Undefined when the log is read from its first commit on. */
  readonly base: CheckpointFiles | undefined;
  /** The newest version; its files and tombstones are only those that came after `base` and took the place of its own. */
  readonly tail: Snapshot;
}

/** The newest version, leaving the files of its checkpoint unread: for whoever can go through them one by one. */
export async function openTail(at: TableLocation): Promise<LogTail | undefined> {
  const replay = await openLog(at, 'new-files');
  return replay && { base: replay.base, tail: replay.snapshot() };
}

/** Which files are kept: all, those after the checkpoint, or none. */
type Depth = 'files' | 'new-files' | 'state';

/**
 * The newest version, reading only the commits since `snapshot`. The same object when there are none. A process that slept
 * longer than the log is kept finds its next version cleaned away, which looks as if nothing had happened; a newer
 * checkpoint gives it away.
 */
export async function updateSnapshot(snapshot: Snapshot): Promise<Snapshot> {
  const { at, version } = snapshot;
  const commits = await readCommitsAfter(at, version);
  if (commits.length > 0) return replayOn(snapshot, commits).snapshot();
  const hint = await readLastCheckpoint(at);
  if (!hint || hint.version <= version) return snapshot;
  const reopened = await openSnapshot(at);
  return reopened && reopened.version > version ? reopened : snapshot;
}

/** A writer's state after `commits`, which must follow on it. */
export const advanceState = (state: TableState, commits: readonly Commit[]): TableState =>
  replayOn(state, commits).state();

/** The commits since a state; undefined where there are so many that opening the table anew is less to read. */
export async function readNewer({ at, version }: TableState): Promise<Commit[] | undefined> {
  const commits = await readCommitsAfter(at, version, version + maxCommitsBehind);
  return commits.length < maxCommitsBehind ? commits : undefined;
}

function replayOn(state: TableState | Snapshot, commits: readonly Commit[]): LogReplay {
  const replay = LogReplay.from(state);
  for (const commit of commits) replay.apply(commit);
  return replay;
}

/**
 * The commits after a version up to the newest, or up to `last`, by probing: no listing.
 * @throws `delta.invalid` when a version is missing below one that is there
 */
export async function readCommitsAfter(
  at: TableLocation,
  version: number,
  last = Infinity,
  // One probe first: mostly nothing is new, or one commit is.
  firstWidth = 1,
): Promise<Commit[]> {
  const commits: Commit[] = [];
  for (let next = version + 1, count = firstWidth; next <= last; next += count, count = readAhead) {
    count = Math.min(count, last - next + 1);
    const found = await Promise.all(Array.from({ length: count }, (_, i) => readCommit(at, next + i)));
    const missing = found.indexOf(undefined);
    const end = missing < 0 ? count : missing;
    for (const commit of found.slice(0, end)) if (commit) commits.push(commit);
    if (missing < 0) continue;
    if (found.slice(missing).some((commit) => commit !== undefined)) {
      // It may have been written while the ones behind it were read.
      const late = await readCommit(at, next + missing);
      if (!late) throw missingVersion(at, next + missing);
      commits.push(late);
      return [...commits, ...(await readCommitsAfter(at, late.version, last))];
    }
    break;
  }
  return commits;
}

/**
 * Opens again while the log is cleaned under way: then the commits behind the checkpoint that was read may be gone, and
 * their absence must not be taken for the end of the log.
 */
async function openLog(at: TableLocation, depth: Depth, version?: number): Promise<LogReplay | undefined> {
  for (let hint = await readLastCheckpoint(at), tries = 1; ; tries++) {
    const [opened] = await Promise.allSettled([openFrom(at, hint, depth, version)]);
    const replay = opened.status === 'fulfilled' ? opened.value : undefined;
    const newer = version === undefined ? await readLastCheckpoint(at) : undefined;
    const known = replay?.version ?? hint?.version ?? -1;
    const isBehind = newer && newer.version > known && newer.version !== hint?.version;
    if (!isBehind || tries === maxTries) {
      if (opened.status === 'rejected') throw opened.reason;
      if (isBehind) throw missingVersion(at, known + 1);
      return replay;
    }
    hint = newer;
  }
}

async function openFrom(
  at: TableLocation,
  hint: CheckpointFiles | undefined,
  depth: Depth,
  version?: number,
): Promise<LogReplay | undefined> {
  let damage: unknown;
  if (hint && (version === undefined || version >= hint.version)) {
    const found = await replayCheckpoint(at, hint, depth);
    if (found instanceof LogReplay) return applyCommits(at, found, version);
    damage = found;
  }
  // No hint, a hint to a checkpoint that is gone or damaged, or an older version: look at what is there.
  const { commits, checkpoints, newest } = await listLog(at);
  if (newest < 0) return undefined;
  const wanted = version ?? Infinity;
  let replay: LogReplay | undefined;
  for (const checkpoint of checkpoints.filter((found) => found.version <= wanted).reverse()) {
    const found = await replayCheckpoint(at, checkpoint, depth);
    if (found instanceof LogReplay) {
      replay = found;
      break;
    }
    damage ??= found;
  }
  const first = commits[0] ?? Infinity;
  if (!replay && first > 0)
    throw damage ?? missingVersion(at, version === undefined ? 0 : Math.min(version, first - 1));
  const from = replay ?? new LogReplay(at, depth !== 'state');
  // Where a checkpoint is damaged, a hole is only what keeps an older one from standing in.
  const reading = readCommitsAfter(at, from.version, Math.min(wanted, newest), readAhead);
  const after = await reading.catch((error) => {
    throw damage ?? error;
  });
  if (from.version + after.length < Math.min(wanted, newest))
    throw damage ?? missingVersion(at, from.version + after.length + 1);
  for (const commit of after) from.apply(commit);
  return applyCommits(at, from, version);
}

/** What is wrong with the checkpoint when it is damaged, undefined when its files are gone. */
async function replayCheckpoint(
  at: TableLocation,
  checkpoint: CheckpointFiles,
  depth: Depth,
): Promise<LogReplay | TributaryError | undefined> {
  const replay = new LogReplay(at, depth !== 'state', checkpoint);
  try {
    const withFiles = depth === 'files';
    if (!(await readCheckpoint(at, checkpoint, withFiles, (part) => replay.apply(part)))) return undefined;
    replay.state();
    return replay;
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  }
}

async function applyCommits(at: TableLocation, replay: LogReplay, version?: number): Promise<LogReplay> {
  for (const commit of await readCommitsAfter(at, replay.version, version, readAhead)) replay.apply(commit);
  if (version !== undefined && replay.version < version) throw missingVersion(at, version);
  if (!replay.isDated) replay.date(await readCommit(at, replay.version));
  return replay;
}

/** What is in the store is not what it should be, as opposed to a store that does not answer. */
export const isDamage = (error: unknown): error is TributaryError =>
  error instanceof TributaryError && (error.code === 'parquet.invalid' || error.code === 'delta.invalid');

const missingVersion = (at: TableLocation, version: number) =>
  new TributaryError('delta.invalid', `${describeVersion(at, version)} is not in the log (any more).`);
