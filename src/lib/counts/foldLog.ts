import type { Commit } from '../delta/actions';
import { readCommit, type TableLocation } from '../delta/log';
import { advanceState, openSnapshot, openState, readCommitsAfter } from '../delta/openTable';
import type { TableState } from '../delta/state';
import { markOf } from '../delta/tableHead';
import { TributaryError } from '../errors';
import type { Counted } from '../streams/stream';
import type { CachedState } from './cachedState';
import { countFiles } from './countFiles';
import { Tally } from './tally';

/** What is counted of a table up to a version. */
export interface CountedTable {
  readonly state: TableState;
  readonly tally: Tally;
  /** Tells the commit of this version from one of a table that was made anew in its place. */
  readonly mark: string;
}

export interface FoldOptions {
  readonly at: TableLocation;
  readonly counted: Counted;
  readonly maxKeys: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Commits that an instance which has counted already reads one by one; further behind, it starts from the cached state. */
const maxCommitsBehind = 500;
/** Commits that are read on top of the cached state; further behind, the live files are fewer. */
const maxCommitsBehindCache = 10_000;

/**
 * Counts what newer commits added, into the tally that is there. `undefined` when that cannot be done and it must be counted
 * anew: rows went, the schema or the table is another, versions are missing, a file is gone, or there are too many commits.
 * When it throws, or gives undefined, the tally is as it was.
 * @param verify whether the commit we stand on is still the same: one more request
 */
export async function foldNewCommits(
  table: CountedTable,
  options: FoldOptions,
  verify: boolean,
): Promise<CountedTable | undefined> {
  const { at } = options;
  const { version } = table.state;
  try {
    const [commits, here] = await Promise.all([
      readCommitsAfter(at, version, version + maxCommitsBehind + 1),
      verify ? readCommit(at, version) : undefined,
    ]);
    if (verify && markOf(here) !== table.mark) return undefined;
    if (commits.length > maxCommitsBehind) return undefined;
    return await fold(table, commits, options);
  } catch (error) {
    if (isPassing(error)) return undefined;
    throw error;
  }
}

/** Counts a table from the cached state where that can be used, else from its live files. Undefined when there is no table. */
export async function countAnew(
  options: FoldOptions,
  cached: CachedState | undefined,
): Promise<CountedTable | undefined> {
  const { at } = options;
  const state = await openState(at);
  if (!state) return undefined;
  if (cached) {
    try {
      const counted = await countFromCache(state, cached, options);
      if (counted) return counted;
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }
  for (let version = -1; ; ) {
    const snapshot = await openSnapshot(at);
    if (!snapshot) return undefined;
    try {
      const tally = await countFiles({ ...options, state: snapshot, adds: [...snapshot.files.values()] });
      const { files: _, tombstones: __, ...rest } = snapshot;
      return { state: rest, tally, mark: await readMark(at, rest.version) };
    } catch (error) {
      // A file that went because the table has moved on is no damage.
      if (!isPassing(error) || snapshot.version === version) throw error;
      version = snapshot.version;
    }
  }
}

async function countFromCache(
  state: TableState,
  cached: CachedState,
  options: FoldOptions,
): Promise<CountedTable | undefined> {
  const behind = state.version - cached.version;
  if (cached.tableId !== state.metaData.id || behind < 0 || behind > maxCommitsBehindCache) return undefined;
  const commits = await readCommitsAfter(options.at, cached.version);
  // Older log entries are cleaned away in time.
  if ((commits.at(-1)?.version ?? cached.version) < state.version) return undefined;
  const tally = new Tally(options.nowMs, options.maxKeys);
  tally.merge(cached.tally);
  const metaData = { ...state.metaData, schemaString: cached.schemaString };
  const mark = commits.length === 0 ? await readMark(options.at, cached.version) : '';
  return fold(
    {
      state: { ...state, version: cached.version, committedAt: cached.committedAt ?? undefined, metaData },
      tally,
      mark,
    },
    commits,
    options,
  );
}

async function fold(
  table: CountedTable,
  commits: readonly Commit[],
  options: FoldOptions,
): Promise<CountedTable | undefined> {
  const { state, tally } = table;
  const last = commits.at(-1);
  if (!last) return table;
  if (commits.some((commit) => isNoAppend(commit, state))) return undefined;
  const adds = commits.flatMap((commit) => commit.adds.filter(({ dataChange }) => dataChange));
  const next = advanceState(state, commits);
  const added = await countFiles({ ...options, state: next, adds });
  tally.merge(added.stored());
  return { state: next, tally, mark: markOf(last) };
}

/** Files that are only written anew hold the same rows; everything else that is not an append changes what was counted. */
const isNoAppend = ({ removes, metaData }: Commit, state: TableState) =>
  removes.some(({ dataChange }) => dataChange) ||
  (metaData !== undefined &&
    (metaData.id !== state.metaData.id || metaData.schemaString !== state.metaData.schemaString));

/** What a fresh look at the table may put right: a file or a version that is not there (any more). */
const isPassing = (error: unknown) =>
  error instanceof TributaryError && (error.code === 'parquet.invalid' || error.code === 'delta.invalid');

const readMark = async (at: TableLocation, version: number) => markOf(await readCommit(at, version));
