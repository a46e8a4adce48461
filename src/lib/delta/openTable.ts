import { dayMs } from '../duration';
import { isDamage, TributaryError } from '../errors';
import { logWithHole, versionsAbove, withoutLeftovers } from './hole';
import {
  type CheckpointFiles,
  describeVersion,
  type LogListing,
  listLog,
  listLogFiles,
  readCommit,
  readLastCheckpoint,
  type TableLocation,
} from './log';
import { readMark } from './position';
import { withV2Checkpoint } from './protocol';
import { isOfEntry, readCheckpoint } from './readCheckpoint';
import { readAhead, readCommitsAfter } from './readCommits';
import { LogReplay, type Snapshot, type TableState } from './state';

/** How many times the log is opened at most, when log cleaning runs during the read. */
const maxTries = 3;

/** Log entries that are younger than this, in milliseconds, are never cleaned away. */
const youngestCleanedMs = dayMs;

export interface OpenOptions {
  /** The version to open; the newest if missing. */
  readonly version?: number;
  /** A version that a listing of the log has shown. If the checkpoint's pointer leads to an older one, the log is opened by listing it. */
  readonly atLeast?: number;
}

/**
 * The newest version of a table, or the one asked for, with its files. Undefined when there is no table.
 * @throws `delta.invalid` for a damaged log and a version that the log does not hold (any more); `delta.hole` if the newest version has
 * entries above it that do not follow on it; `delta.unsupported` for a table that needs reader features we do not have
 */
export async function openSnapshot(
  at: TableLocation,
  options: OpenOptions = {},
): Promise<Snapshot | undefined> {
  return (await openLog(at, 'files', options))?.snapshot();
}

/** Like `openSnapshot`, but without the table's files. A writer needs no more. */
export async function openState(
  at: TableLocation,
  options: OpenOptions = {},
): Promise<TableState | undefined> {
  return (await openLog(at, 'state', options))?.state();
}

/** A table's newest version, as a checkpoint and the changes after it. */
export interface LogTail {
  /** Undefined if the log is read from its first commit on. */
  readonly base: CheckpointFiles | undefined;
  /** The newest version. It only has the files and tombstones that were added after `base`, or that replace some of `base`. */
  readonly tail: Snapshot;
}

/** The newest version without reading its checkpoint's files, for callers that stream them. */
export async function openTail(at: TableLocation): Promise<LogTail | undefined> {
  const replay = await openLog(at, 'new-files', {});
  return replay && { base: replay.base, tail: replay.snapshot() };
}

/** Which files are kept: all of them, those after the checkpoint, or none. */
type Depth = 'files' | 'new-files' | 'state';

/**
 * Opens the log, and tries again if the log was cleaned meanwhile: the commits after our checkpoint may have been deleted, and that must
 * not look like the end of the log.
 */
async function openLog(
  at: TableLocation,
  depth: Depth,
  options: OpenOptions,
): Promise<LogReplay | undefined> {
  const { version } = options;
  for (let hint = await readLastCheckpoint(at), tries = 1; ; tries++) {
    const [opened] = await Promise.allSettled([openWhole(at, hint, depth, options)]);
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

/**
 * Opens the table. If no version is asked for, also checks that the log has no entry above the version found.
 *
 * The pointer to the checkpoint is only a hint. If it was restored together with its checkpoint and entry, it may name a version far below
 * those that cleaning has left. Then the log seems to end there, and a commit at the next version, which is free, would never be read. So
 * if the newest entry is so old that the entries after it may have been cleaned away, the log is opened by listing it.
 */
async function openWhole(
  at: TableLocation,
  hint: CheckpointFiles | undefined,
  depth: Depth,
  { version, atLeast = -1 }: OpenOptions,
): Promise<LogReplay | undefined> {
  const replay = await openFrom(at, hint, depth, version);
  if (!replay || version !== undefined) return replay;
  if (hint && replay.age(Date.now()) > youngestCleanedMs) return openFrom(at, undefined, depth);
  const top = Math.max(atLeast, ...(await versionsAbove(at, replay.version)));
  if (top <= replay.version) return replay;
  // The versions up to `top` may have been committed since. Otherwise a newer checkpoint may cover missing versions.
  await applyCommits(at, replay).catch(ignoreDamage);
  return replay.version >= top ? replay : openFrom(at, undefined, depth);
}

function undefinedIfHole(error: unknown): undefined {
  if (!(error instanceof TributaryError) || error.code !== 'delta.hole') throw error;
}

function ignoreDamage(error: unknown): undefined {
  if (!isDamage(error)) throw error;
}

/** Opens the log from the hint's checkpoint if possible; otherwise from a listing of the log. */
async function openFrom(
  at: TableLocation,
  hint: CheckpointFiles | undefined,
  depth: Depth,
  version?: number,
): Promise<LogReplay | undefined> {
  if (!hint || (version !== undefined && version < hint.version))
    return openFromListing(at, depth, { version });
  const found = await openFromHint(at, hint, depth, version);
  return found instanceof LogReplay ? found : openFromListing(at, depth, { version, damage: found });
}

/**
 * Opens the log by listing it: if there is no hint, if the hint's checkpoint cannot be used, or if an older version is asked for.
 * @param damage the error of the hint's checkpoint, which is thrown if nothing else can be opened
 */
async function openFromListing(
  at: TableLocation,
  depth: Depth,
  { version, damage }: { version?: number | undefined; damage?: TributaryError | undefined },
): Promise<LogReplay | undefined> {
  const listing = await listLog(at);
  const { commits, newest } = listing;
  const wanted = version ?? Infinity;
  if (newest < 0 && listing.v2Checkpoints.length === 0) return undefined;
  const entries = new Set(commits);
  const checkpoints = withoutLeftovers(listing.checkpoints, (each) => entries.has(each));
  const found = await replayNewest(
    at,
    {
      checkpoints: checkpoints.filter((each) => each.version <= wanted),
      hasEntry: (each) => entries.has(each),
    },
    depth,
  );
  const problem = damage ?? found.damage;
  if (!found.replay && commits[0] !== 0)
    throw problem ?? (await noBeginning(at, { ...listing, checkpoints, hasLost: found.hasLost, version }));
  const from = found.replay ?? new LogReplay(at, depth !== 'state');
  // If a newer checkpoint is damaged, report that damage and not the hole it leaves.
  const reading = readCommitsAfter(at, from.version, Math.min(wanted, newest), readAhead);
  const after = await reading.catch((error) => {
    throw problem ?? error;
  });
  for (const commit of after) from.apply(commit);
  if (from.version < Math.min(wanted, newest)) {
    const above = commits.filter((each) => each > from.version);
    throw (
      problem ?? (version === undefined ? logWithHole(at, from.version, above) : missingVersion(at, version))
    );
  }
  return applyCommits(at, from, version);
}

/** The newest readable checkpoint, and the error of the newest damaged checkpoint above it, if there is one. */
async function replayNewest(
  at: TableLocation,
  {
    checkpoints,
    hasEntry,
  }: { checkpoints: readonly CheckpointFiles[]; hasEntry: (version: number) => boolean },
  depth: Depth,
): Promise<{ replay?: LogReplay; damage: TributaryError | undefined; hasLost: boolean }> {
  let damage: TributaryError | undefined;
  let hasLost = false;
  for (const checkpoint of checkpoints.toReversed()) {
    const found = await replayCheckpoint(at, checkpoint, depth);
    if (found instanceof LogReplay) {
      // Without the version's log entry, the state could not be told from one of another log.
      if (found.mark === undefined && hasEntry(checkpoint.version))
        throw new TributaryError(
          'delta.contention',
          `${describeVersion(at, checkpoint.version)}: the log changes while it is opened: read it again.`,
        );
      return { replay: found, damage, hasLost };
    }
    if (found === 'lost') hasLost = true;
    else damage ??= found;
  }
  return { damage, hasLost };
}

/**
 * Returns the replay; the error if the checkpoint is damaged; undefined if it is gone or may be a leftover, or if the log after it has a
 * hole or does not reach `version`.
 */
async function openFromHint(
  at: TableLocation,
  hint: CheckpointFiles,
  depth: Depth,
  version?: number,
): Promise<LogReplay | TributaryError | undefined> {
  const found = await replayCheckpoint(at, hint, depth);
  if (found === 'lost') return undefined;
  if (!(found instanceof LogReplay)) return found;
  if (found.mark === undefined) return undefined;
  // Versions above the checkpoint may have been cleaned away because a newer checkpoint covers them.
  const commits = await readCommitsAfter(at, found.version, version, readAhead).catch(undefinedIfHole);
  for (const commit of commits ?? []) found.apply(commit);
  return commits && found.version >= (version ?? 0) ? found : undefined;
}

/**
 * The error for a log whose first versions are missing. If they were cleaned away below a checkpoint of a kind that is not read here,
 * that checkpoint is refused. It is a hole if the table never had a checkpoint, because then they cannot have been cleaned away, and if
 * a checkpoint proves that storage went back in time.
 */
async function noBeginning(
  at: TableLocation,
  {
    commits,
    checkpoints,
    v2Checkpoints,
    hasLost,
    version,
  }: Pick<LogListing, 'commits' | 'checkpoints' | 'v2Checkpoints'> & {
    /** Whether one of the checkpoints was made of a commit that storage has lost. */
    readonly hasLost: boolean;
    readonly version?: number | undefined;
  },
): Promise<TributaryError> {
  const [first] = commits;
  const v2Checkpoint = v2Checkpoints.findLast((each) => each <= (version ?? each));
  if (v2Checkpoint !== undefined) return withV2Checkpoint(describeVersion(at, v2Checkpoint));
  if (first === undefined) return missingVersion(at, version ?? 0);
  const isHole = hasLost || (checkpoints.length === 0 && !(await hadCheckpoint(at)));
  return isHole ? logWithHole(at, -1, commits) : missingVersion(at, Math.min(version ?? 0, first - 1));
}

/** Whether anything is left of a checkpoint: the pointer, a part, or a checkpoint of a kind that is not read here. */
async function hadCheckpoint(at: TableLocation): Promise<boolean> {
  if (await readLastCheckpoint(at)) return true;
  for await (const { path } of listLogFiles(at)) if (path.includes('.checkpoint.')) return true;
  return false;
}

/**
 * Returns the replay; the error if the checkpoint is damaged; undefined if its files are gone; `lost` if storage has lost the commit that
 * it was made of, because the log has another commit of that version.
 */
async function replayCheckpoint(
  at: TableLocation,
  checkpoint: CheckpointFiles,
  depth: Depth,
): Promise<LogReplay | TributaryError | 'lost' | undefined> {
  const replay = new LogReplay(at, depth !== 'state', checkpoint);
  try {
    const [read, entry] = await Promise.all([
      readCheckpoint(at, checkpoint, depth === 'files', (part) => replay.apply(part)),
      readCommit(at, checkpoint.version).catch(ignoreDamage),
    ]);
    if (!read) return undefined;
    // A lost commit is no damage that could explain a hole. So a hole below it is reported.
    if (!isOfEntry(read, entry?.mark)) return 'lost';
    // Set the mark before commits are applied: it shows if the first of them was made on another entry than the one in the log.
    // An entry that cannot be read has a mark too.
    replay.markBy(entry?.mark ?? (await readMark(at, checkpoint.version)), entry);
    replay.ensureWhole();
    return replay;
  } catch (error) {
    if (isDamage(error)) return error;
    throw error;
  }
}

async function applyCommits(at: TableLocation, replay: LogReplay, version?: number): Promise<LogReplay> {
  for (const commit of await readCommitsAfter(at, replay.version, version, readAhead)) replay.apply(commit);
  if (version !== undefined && replay.version < version) throw missingVersion(at, version);
  return replay;
}

const missingVersion = (at: TableLocation, version: number) =>
  new TributaryError('delta.invalid', `${describeVersion(at, version)} is not in the log (any more).`);
