import type { Commit } from './actions';
import { listLog, readCommit, type TableLocation } from './log';

/** How many commits are read at once. */
const parallelReads = 8;

/** The newest commits that the log still holds, at most so many, newest first. */
export async function readHistory(at: TableLocation, limit: number): Promise<Commit[]> {
  const { commits } = await listLog(at);
  const wanted = commits.slice(-limit).reverse();
  const found: Commit[] = [];
  for (let start = 0; start < wanted.length; start += parallelReads) {
    const some = wanted.slice(start, start + parallelReads);
    for (const commit of await Promise.all(some.map((version) => readCommit(at, version))))
      if (commit) found.push(commit);
  }
  return found;
}
