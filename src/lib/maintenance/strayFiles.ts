import { type Commit, markOf, parseCommit } from '../delta/actions';
import { describeVersion, type LogFile, type TableLocation } from '../delta/log';
import { recordsOf } from '../delta/readStatistics';
import { changesData } from '../delta/rowEffect';
import type { TableState } from '../delta/state';
import { isDamage } from '../errors';
import { inParallel } from '../inParallel';

const parallelReads = 8;

/** A file of the log above its end. */
export interface StrayFile extends LogFile {
  /** The mark of a log entry; undefined for other files. */
  readonly mark: string | undefined;
  /** The content of a log entry; undefined also if it cannot be parsed. */
  readonly commit: Commit | undefined;
}

/** The versions, rows and progress that a table loses when versions are moved aside. */
export interface StrayCost {
  /** Versions whose entries are moved, ascending. */
  readonly moved: readonly number[];
  /** How many rows these versions added, according to their statistics; undefined if these do not tell. */
  readonly rows: number | undefined;
  /** The txns whose version becomes lower when the versions are moved. */
  readonly txns: readonly TxnBack[];
}

/** The progress of an application (txn) that drops when the versions are moved. */
export interface TxnBack {
  readonly appId: string;
  readonly from: number;
  /** Undefined if the remaining log does not have the txn. */
  readonly to: number | undefined;
}

/**
 * Reads the log entries among the files, and sorts the files into the order in which they can be moved. The highest version comes first. A
 * version's entry comes after its other files, because a checkpoint without its entry would look like the newest version.
 */
export async function readStray(
  at: TableLocation,
  files: readonly LogFile[],
  signal?: AbortSignal,
): Promise<StrayFile[]> {
  const ordered = files.toSorted(
    (a, b) =>
      (b.version ?? 0) - (a.version ?? 0) || Number(a.kind === 'commit') - Number(b.kind === 'commit'),
  );
  return inParallel(ordered, parallelReads, async (file) => {
    signal?.throwIfAborted();
    return readOne(at, file);
  });
}

async function readOne(at: TableLocation, file: LogFile): Promise<StrayFile> {
  const found = file.kind === 'commit' ? await at.store.get(file.path) : undefined;
  if (!found) return { ...file, mark: undefined, commit: undefined };
  const version = file.version ?? 0;
  try {
    const commit = parseCommit(found.bytes, version, describeVersion(at, version));
    return { ...file, mark: commit.mark, commit };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { ...file, mark: markOf(found.bytes), commit: undefined };
  }
}

/** @param rest the newest remaining version; undefined if none remains */
export function costOf(stray: readonly StrayFile[], rest: TableState | undefined): StrayCost {
  const entries = stray.filter(({ kind }) => kind === 'commit').reverse();
  const highest = new Map<string, number>();
  let rows = 0;
  for (const { commit } of entries) {
    if (!commit) rows = Number.NaN;
    for (const add of commit?.adds ?? []) if (changesData(add)) rows += recordsOf(add) ?? Number.NaN;
    for (const { appId, version } of commit?.txns ?? [])
      highest.set(appId, Math.max(version, highest.get(appId) ?? version));
  }
  const txns = [...highest].map(([appId, from]) => ({ appId, from, to: rest?.txns.get(appId)?.version }));
  return {
    moved: entries.flatMap(({ version }) => version ?? []),
    rows: Number.isNaN(rows) ? undefined : rows,
    txns: txns.filter(({ from, to }) => to === undefined || to < from),
  };
}
