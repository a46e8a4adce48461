import { minuteMs } from '../duration';
import { isDamage, TributaryError } from '../errors';
import type { Commit } from './actions';
import { readLastCheckpoint, type TableLocation } from './log';
import { openSnapshot, openState } from './openTable';
import {
  beginning,
  isSameEntry,
  positionOfState,
  readMark,
  type TablePosition,
  type UnfollowableBecause,
  whyUnfollowable,
} from './position';
import { readAhead, readCommitsAfter } from './readCommits';
import { isAtHead, mostCommits, readStep } from './readStep';
import { advanceState, LogReplay, type Snapshot, type TableState } from './state';

/** The result of `advance`. `state` is the position at which the follower stands now. */
export type Advance<State extends TableState = TableState> =
  | { readonly step: 'nothing-new'; readonly state: State }
  | {
      readonly step: 'commits';
      /** Ascending, without a gap, at least one; the last one is the state's version. */
      readonly commits: readonly Commit[];
      readonly state: State;
      /** False if there may be more commits. The next call reads them. */
      readonly atHead: boolean;
    }
  | {
      readonly step: 'reopened';
      /** Why the log could not be followed; undefined if the follower had no position to start from. */
      readonly because: UnfollowableBecause | undefined;
      /** The newest version. */
      readonly state: State;
    }
  | { readonly step: 'no-table' };

/** How often to check, in milliseconds, that the end of the log is not really a gap that log cleaning has left. */
const cleanedLookMs = minuteMs;

export interface FollowOptions {
  /**
   * If the newest checkpoint is more than this many commits ahead, the table is opened anew instead of reading each commit. That reads
   * less, for a caller that only wants the state. Callers that need every commit pass Infinity.
   */
  readonly mostBehind?: number;
}

/** Follows a table without its file list: enough for a writer, or for a caller that only needs the commits. */
export const followState = (at: TableLocation, options: FollowOptions = {}): TableFollower =>
  new TableFollower<TableState>(
    at,
    { open: openState, replay: (commits) => replay(at, false, commits).state() },
    options,
  );

/** Follows a table with its file list. */
export const followSnapshot = (at: TableLocation, options: FollowOptions = {}): TableFollower<Snapshot> =>
  new TableFollower<Snapshot>(
    at,
    { open: openSnapshot, replay: (commits) => replay(at, true, commits).snapshot() },
    options,
  );

function replay(at: TableLocation, withFiles: boolean, commits: readonly Commit[]): LogReplay {
  const replayed = new LogReplay(at, withFiles);
  for (const commit of commits) replayed.apply(commit);
  return replayed;
}

/** Two ways to build a state: open the table, or replay all its commits from version 0 on. */
interface StateReader<State> {
  readonly open: (at: TableLocation, options?: { version?: number }) => Promise<State | undefined>;
  readonly replay: (commits: readonly Commit[]) => State;
}

type Standing<State> = { readonly state: State } | { readonly position: TablePosition } | undefined;

/**
 * Follows the log of a table from a position, which is the table's id, a version, and the mark of that version's log entry.
 * Everything that follows a table does so through this class, except that a commit which lost a race reads its rivals by itself
 * (`commitAmongRivals`). Each call of `advance` looks at the entry it stands on and at what comes next:
 *
 * | the entry it stands on | what comes next | what that means |
 * |---|---|---|
 * | is there | nothing | nothing new |
 * | is there | commits | commits, and the state after them |
 * | is there | nothing, but a newer checkpoint (looked for once a minute at most) | the log was cleaned: reopened, `cleaned` |
 * | is there | 512 commits or more, and a checkpoint more than `mostBehind` versions ahead | reopened, `too-far` |
 * | is there | a commit that cannot be read, and a checkpoint beyond it | reopened, `damaged` |
 * | is there | a feature that is not implemented is turned on, and off again | commits, up to one after which it is off |
 * | is there, but the one it was reached from is not | | it stands above a hole: thrown, `delta.hole` |
 * | is another one, or gone | another table has its place | reopened, `made-again` |
 * | is another one, or the newest version is a lower one | | storage went back in time: reopened, `rolled-back` |
 * | is gone | the newest version is as high or higher | reopened, `cleaned` |
 * | is gone | there is no table | no table |
 *
 * A damaged log, and one with a hole, is thrown as opening the table throws it.
 */
export class TableFollower<State extends TableState = TableState> {
  readonly at: TableLocation;
  readonly #reader: StateReader<State>;
  readonly #mostBehind: number;
  #standing: Standing<State>;
  #lookedForCleaningAt = Number.NEGATIVE_INFINITY;

  /** Use `followState` or `followSnapshot`. */
  constructor(at: TableLocation, reader: StateReader<State>, { mostBehind = mostCommits }: FollowOptions) {
    this.at = at;
    this.#reader = reader;
    this.#mostBehind = mostBehind;
  }

  /** The state at the position; undefined before the first read, and while there is no table. */
  get state(): State | undefined {
    return this.#standing && 'state' in this.#standing ? this.#standing.state : undefined;
  }

  /** Continues from a known state, for example from the one that our own commit produced. */
  standAt(state: State): void {
    this.#standing = { state };
  }

  /** Continues from a position that is kept elsewhere. Nothing is read before the next `advance`. */
  seek(position: TablePosition): void {
    const { state } = this;
    const isHere =
      state?.metaData.id === position.tableId &&
      state.version === position.version &&
      isSameEntry(state.mark, position.mark);
    if (!isHere) this.#standing = { position };
  }

  /** Reads what is new. Throws what opening the table throws. If it throws, the position is unchanged. */
  async advance(): Promise<Advance<State>> {
    const from = this.#standing;
    const found = await this.#look(from);
    // Another call, or our own commit, may have moved the position meanwhile. Then that one is kept.
    if (this.#standing === from)
      this.#standing = found.step === 'no-table' ? undefined : { state: found.state };
    return found;
  }

  /** Reads until nothing is new. Returns the newest state; undefined if there is no table. */
  async toHead(): Promise<State | undefined> {
    for (;;) {
      const found = await this.advance();
      if (found.step === 'no-table') return undefined;
      if (found.step !== 'commits' || found.atHead) return found.state;
    }
  }

  async #look(from: Standing<State>): Promise<Advance<State>> {
    if (!from) return this.#reopen(undefined);
    if ('state' in from) return this.#lookBeyond(from.state);
    const { position } = from;
    if (position.version < 0) return this.#lookFromBeginning();
    // Check this first, because opening the table may mean listing the whole log.
    if (!isSameEntry(await readMark(this.at, position.version), position.mark)) return this.#reopen(position);
    try {
      const checkpoint = await this.#newestCheckpoint();
      const isNear = checkpoint > position.version && checkpoint - position.version <= mostCommits;
      const across = isNear ? await this.#lookAcross(position, checkpoint) : undefined;
      if (across) return across;
      const state = await this.#reader.open(this.at, { version: position.version });
      const isThere = state?.metaData.id === position.tableId && isSameEntry(state.mark, position.mark);
      if (isThere) return await this.#lookBeyond(state);
      return this.#reopen(position);
    } catch (error) {
      if (!isDamage(error)) throw error;
      return this.#reopen(position, 'damaged');
    }
  }

  async #lookBeyond(state: State): Promise<Advance<State>> {
    const { version, mark, reachedFrom } = state;
    const position = positionOfState(state);
    const [here, before, commits] = await Promise.all([
      readMark(this.at, version),
      reachedFrom && readMark(this.at, reachedFrom.version),
      readStep(this.at, version).catch(undefinedIfDamaged),
    ]);
    if (!isSameEntry(here, mark)) return this.#reopen(position);
    // The mark of this version still matches, but the entry we came from may be gone. Then this version stands above a hole,
    // unless a checkpoint shows that the older entry was only cleaned away.
    if (
      reachedFrom &&
      before !== reachedFrom.mark &&
      !(await this.#hasCheckpointFrom(reachedFrom.version + 1))
    )
      return this.#reopen(position);
    if (!commits) return this.#reopen(position, 'damaged');
    if (commits.length === 0) {
      if (await this.#wasCleaned(version)) return this.#reopen(position, 'cleaned');
      // The older entry from which this state was reached has been checked now, and need not be checked again.
      return { step: 'nothing-new', state: reachedFrom ? { ...state, reachedFrom: undefined } : state };
    }
    const atHead = isAtHead(commits);
    if (!atHead && (await this.#isTooFar(version))) return this.#reopen(position, 'too-far');
    const after = unlessDamaged(() => advanceState(state, commits));
    if (!after) return this.#reopen(position, 'damaged');
    return { step: 'commits', commits, state: after, atHead };
  }

  /**
   * Takes the state from the newest checkpoint, which is ahead of the position, and the commits up to it from the log. Opening the
   * position's own version would mean listing the whole log. Undefined if the table cannot be read at the checkpoint's version, because of
   * a feature that may be turned off later.
   */
  async #lookAcross(position: TablePosition, checkpoint: number): Promise<Advance<State> | undefined> {
    const [opened] = await Promise.allSettled([this.#reader.open(this.at, { version: checkpoint })]);
    if (opened.status === 'rejected') {
      if (isUnsupported(opened.reason)) return undefined;
      throw opened.reason;
    }
    const state = opened.value;
    if (!state || (await whyUnfollowable(state, position))) return this.#reopen(position);
    const before = await readCommitsAfter(this.at, position.version, checkpoint, readAhead);
    // The last commit must be the entry that the checkpoint was made of. It is not, if entries before it are gone or it was replaced.
    const last = before.at(-1);
    if (!last || last.mark !== state.mark) return this.#reopen(position);
    const found = await this.#lookBeyond(state);
    if (found.step === 'nothing-new')
      return { step: 'commits', commits: before, state: found.state, atHead: true };
    return found.step === 'commits' ? { ...found, commits: [...before, ...found.commits] } : found;
  }

  async #lookFromBeginning(): Promise<Advance<State>> {
    const commits = await readStep(this.at, -1).catch(undefinedIfDamaged);
    if (!commits || commits.length === 0) return this.#reopen(beginning, commits ? undefined : 'damaged');
    const state = unlessDamaged(() => this.#reader.replay(commits));
    if (!state) return this.#reopen(beginning, 'damaged');
    return { step: 'commits', commits, state, atHead: isAtHead(commits) };
  }

  /** Opens the newest version, and says why the log could not be followed from `before`. */
  async #reopen(before: TablePosition | undefined, found?: UnfollowableBecause): Promise<Advance<State>> {
    const state = await this.#reader.open(this.at);
    if (!state) return { step: 'no-table' };
    const because = before && ((await whyUnfollowable(state, before)) ?? found ?? 'cleaned');
    return { step: 'reopened', because, state };
  }

  /**
   * Whether the next entry is missing because of a cleaning that removed the next versions, and not because the log ends here. Only a newer
   * checkpoint tells the two apart.
   */
  async #wasCleaned(version: number): Promise<boolean> {
    const now = performance.now();
    if (now - this.#lookedForCleaningAt < cleanedLookMs) return false;
    const isBehind = await this.#hasCheckpointFrom(version + 1);
    this.#lookedForCleaningAt = now;
    // The next version may have been committed meanwhile, together with a checkpoint.
    return isBehind && (await readMark(this.at, version + 1)) === undefined;
  }

  async #isTooFar(version: number): Promise<boolean> {
    const most = this.#mostBehind;
    return most !== Number.POSITIVE_INFINITY && this.#hasCheckpointFrom(version + most + 1);
  }

  async #hasCheckpointFrom(version: number): Promise<boolean> {
    return (await this.#newestCheckpoint()) >= version;
  }

  /**
   * The newest checkpoint's version; -1 if there is none. The pointer may name a checkpoint that storage lost when it went back.
   */
  async #newestCheckpoint(): Promise<number> {
    const hint = await readLastCheckpoint(this.at);
    const isThere = hint && (await this.at.store.getRange(hint.paths[0] ?? '', 0, 1));
    return isThere ? hint.version : -1;
  }
}

const isUnsupported = (error: unknown): boolean =>
  error instanceof TributaryError && error.code === 'delta.unsupported';

function undefinedIfDamaged(error: unknown): undefined {
  if (!isDamage(error)) throw error;
}

/** Returns the result of `make`; undefined if it throws because the log is damaged. */
function unlessDamaged<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    return undefinedIfDamaged(error);
  }
}
