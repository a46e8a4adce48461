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

/**
 * The newest version of a table, or the one asked for, with its files. Undefined when there is no table.
 * @throws `delta.invalid` for a damaged log, a version that the log does not hold (any more) and missing versions;
 * `delta.unsupported` for a table that needs reader features we do not have
 */
export async function openSnapshot(
  at: TableLocation,
  options: { version?: number } = {},
): Promise<Snapshot | undefined> {
  return (await openLog(at, true, options.version))?.snapshot();
}

/** The newest version of a table without its files: all that a writer needs. Undefined when there is no table. */
export async function openState(at: TableLocation): Promise<TableState | undefined> {
  return (await openLog(at, false))?.state();
}

/** The newest version, reading only the commits since `snapshot`. The same object when there are none. */
export async function updateSnapshot(snapshot: Snapshot): Promise<Snapshot> {
  const commits = await readCommitsAfter(snapshot.at, snapshot.version);
  return commits.length === 0 ? snapshot : replayOn(snapshot, commits).snapshot();
}

/** A writer's state after `commits`, which must follow on it. */
export const advanceState = (state: TableState, commits: readonly Commit[]): TableState =>
  replayOn(state, commits).state();

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
): Promise<Commit[]> {
  const commits: Commit[] = [];
  // One probe first: mostly nothing is new, or one commit is.
  for (let next = version + 1, width = 1; next <= last; next += width, width = readAhead) {
    const count = Math.min(width, last - next + 1);
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

async function openLog(
  at: TableLocation,
  withFiles: boolean,
  version?: number,
): Promise<LogReplay | undefined> {
  const hint = await readLastCheckpoint(at);
  if (hint && (version === undefined || version >= hint.version)) {
    const replay = await replayFrom(at, hint, withFiles, version);
    if (replay) return replay;
  }
  // No hint, a hint to a checkpoint that is gone, or an older version: look at what is there.
  const { commits, checkpoints } = await listLog(at);
  if (commits.length === 0 && checkpoints.length === 0) return undefined;
  const wanted = version ?? Infinity;
  for (const checkpoint of checkpoints.filter((found) => found.version <= wanted).reverse()) {
    const replay = await replayFrom(at, checkpoint, withFiles, version);
    if (replay) return replay;
  }
  const first = commits[0] ?? Infinity;
  if (first > 0) throw missingVersion(at, version === undefined ? 0 : Math.min(version, first - 1));
  const replay = new LogReplay(at, withFiles);
  return applyCommits(at, replay, version);
}

/** Undefined when the checkpoint's files are gone. */
async function replayFrom(
  at: TableLocation,
  checkpoint: CheckpointFiles,
  withFiles: boolean,
  version?: number,
) {
  const parts = await readCheckpoint(at, checkpoint, withFiles);
  if (!parts) return undefined;
  const replay = new LogReplay(at, withFiles);
  for (const part of parts) replay.apply(part);
  return applyCommits(at, replay, version);
}

async function applyCommits(at: TableLocation, replay: LogReplay, version?: number): Promise<LogReplay> {
  for (const commit of await readCommitsAfter(at, replay.version, version)) replay.apply(commit);
  if (version !== undefined && replay.version < version) throw missingVersion(at, version);
  return replay;
}

const missingVersion = (at: TableLocation, version: number) =>
  new TributaryError('delta.invalid', `${describeVersion(at, version)} is not in the log (any more).`);
