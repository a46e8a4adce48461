import { inParallel } from '../inParallel';
import type { Commit } from './actions';
import { listLog, readCommit, type TableLocation } from './log';

/** How many commits are read at once. */
const parallelReads = 8;

/** The newest commits that the log still holds, newest first, at most `limit`. */
export async function readHistory(at: TableLocation, limit: number): Promise<Commit[]> {
  const { commits } = await listLog(at);
  const wanted = commits.slice(-limit).reverse();
  const found = await inParallel(wanted, parallelReads, (version) => readCommit(at, version));
  return found.filter((commit) => commit !== undefined);
}
