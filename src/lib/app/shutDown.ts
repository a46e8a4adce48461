import { within } from '../deadline';
import { describeFailure } from '../errors';
import { closeHubs, drainWriters } from './ingest';
import { closeWarehouse } from './warehouse';

/** The host kills the process 5 s after it asked it to end, whatever is under way. */
const budgetMs = 4000;

/** What has to end: a name for the log, and the work. */
export type Ending = readonly [name: string, end: () => Promise<void>];

/** In the order of the system: the hubs answer the writers' questions until these have ended. */
const endings: readonly Ending[] = [
  ['ingestion', () => drainWriters().finally(closeHubs)],
  ['warehouse', closeWarehouse],
];

/**
 * Ends what this process has under way, all of it at the same time and within one budget. What does not end in time is left
 * behind, which harms nothing: a batch that is not committed comes again, and the ledger keeps loads right. Never rejects,
 * because the worker would then wait for the kill.
 * @param log takes a line for each part that failed or was left behind
 */
export async function shutDown(
  log: (line: string) => void = console.warn,
  { parts = endings, limitMs = budgetMs }: { parts?: readonly Ending[]; limitMs?: number } = {},
): Promise<void> {
  const end = async ([name, work]: Ending) => {
    try {
      await within(limitMs, work);
    } catch (error) {
      log(JSON.stringify({ event: 'shutdown-unfinished', part: name, ...describeFailure(error) }));
    }
  };
  await Promise.all(parts.map(end));
}
