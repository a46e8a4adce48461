import type { Commit } from './actions';
import type { TableLocation } from './log';
import { isReadable } from './protocol';
import { readCommitsAfter } from './readCommits';

/** How many commits a follower reads at once. There is a limit, because all of them are in memory together. */
export const mostCommits = 512;

/**
 * The commits after a version that a follower takes in one step. They are at most `mostCommits`, or more if the table cannot be read after
 * the last of them, because a later commit may change that.
 * @throws what `readCommitsAfter` throws
 */
export async function readStep(at: TableLocation, version: number): Promise<Commit[]> {
  const commits = await readCommitsAfter(at, version, version + mostCommits);
  while (commits.length > 0 && !isAtHead(commits) && !leavesReadable(commits)) {
    const last = version + commits.length;
    const more = await readCommitsAfter(at, last, last + mostCommits);
    if (more.length === 0) break;
    commits.push(...more);
  }
  return commits;
}

/** Whether the log had no more commits than these. Reads stop at multiples of `mostCommits`. */
export const isAtHead = (commits: readonly Commit[]): boolean => commits.length % mostCommits !== 0;

/** Whether the table can be read after these commits, by the newest protocol among them; true if they have none. */
function leavesReadable(commits: readonly Commit[]): boolean {
  const protocol = commits.findLast((commit) => commit.protocol)?.protocol;
  return protocol === undefined || isReadable(protocol);
}
