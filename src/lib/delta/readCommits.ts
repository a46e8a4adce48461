import type { Commit } from './actions';
import { logWithHole, versionsAbove } from './hole';
import { readCommit, type TableLocation } from './log';

/** How many commits beyond the newest known one are read at once. */
export const readAhead = 8;

/** The number of commits to read at once after `width`: 1, then 2, then 8. It starts low, because usually nothing is new. */
const wider = (width: number): number => (width === 1 ? 2 : readAhead);

/**
 * The commits after a version up to the newest, or up to `last`. They are read one after the other until one is missing, without a listing.
 * @param firstWidth how many are read at once at first. It is 1 by default, because usually there is no new commit, or one
 * @throws `delta.hole` when a version is missing below one that is there
 */
export async function readCommitsAfter(
  at: TableLocation,
  version: number,
  last = Infinity,
  firstWidth = 1,
): Promise<Commit[]> {
  const commits: Commit[] = [];
  for (let next = version + 1, count = firstWidth; next <= last; next += count, count = wider(count)) {
    count = Math.min(count, last - next + 1);
    const found = await Promise.all(Array.from({ length: count }, (_, i) => readCommit(at, next + i)));
    const missing = found.indexOf(undefined);
    const end = missing < 0 ? count : missing;
    for (const commit of found.slice(0, end)) if (commit) commits.push(commit);
    if (missing < 0) continue;
    if (found.slice(missing).some(Boolean)) {
      // The missing commit may have been written while those after it were read.
      const late = await readCommit(at, next + missing);
      const before = next + missing - 1;
      if (!late) throw logWithHole(at, before, await versionsAbove(at, before));
      commits.push(late);
      return [...commits, ...(await readCommitsAfter(at, late.version, last))];
    }
    break;
  }
  return commits;
}
