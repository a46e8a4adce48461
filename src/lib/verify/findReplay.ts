import type { Commit } from '../delta/actions';
import { listLog, readCommit, type TableLocation } from '../delta/log';
import { minuteMs } from '../duration';

/** How far the clocks of two processes that commit may differ, in milliseconds. So the times of commits may go back by as much. */
const clocksApartMs = minuteMs;
/**
 * How much later than its file a commit may be, in milliseconds. Storing a large file takes a while, and a store that fails is asked again.
 */
const longestCommitMs = 5 * minuteMs;

/** A data file of a table. */
export interface AddedFile {
  readonly path: string;
  /** When it was written, in milliseconds since 1970, which is shortly before its commit. */
  readonly modificationTime: number;
}

/**
 * The replay of dead letters that added a file. Undefined if it was another commit, as after a compaction of the file, or if the log
 * no longer has it. A binary search by time finds the place in the log, and only the commits about that time are read.
 */
export async function findReplay(
  at: TableLocation,
  { path, modificationTime }: AddedFile,
): Promise<Commit | undefined> {
  const { commits } = await listLog(at);
  let low = 0;
  let high = commits.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const commit = await readCommit(at, commits[middle] ?? -1);
    if (latestTimeOf(commit) < modificationTime - clocksApartMs) low = middle + 1;
    else high = middle;
  }
  for (const version of commits.slice(low)) {
    const commit = await readCommit(at, version);
    if (commit?.adds.some((add) => add.path === path)) return isReplay(commit) ? commit : undefined;
    const time = commit?.commitInfo?.timestamp ?? 0;
    if (time > modificationTime + longestCommitMs + clocksApartMs) return undefined;
  }
  return undefined;
}

/**
 * The latest possible time of a commit. If another writer did not write it, the time of its file in the store is used, which is later if
 * the lake was copied. A commit that was deleted meanwhile was one of the oldest.
 */
const latestTimeOf = (commit: Commit | undefined): number =>
  commit?.commitInfo?.timestamp ?? commit?.storedAt ?? 0;

const isReplay = ({ txns }: Commit): boolean => txns.some(({ appId }) => appId.startsWith('replay/'));
