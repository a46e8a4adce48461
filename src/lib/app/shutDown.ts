import { within } from '../deadline';
import { describeFailure } from '../errors';
import { logEvent } from '../log';
import { closeHealth } from './health';
import { closeHubs, drainWriters } from './ingest';
import { closeWarehouse } from './warehouse';

/** The budget for ending all work. The host kills a process 5 s after it asked the process to end. */
const budgetMs = 4000;

/** One part of the process to end: its name for the log, and the function that ends it. */
export type Ending = readonly [name: string, end: () => Promise<void>];

/** The hub connections are closed after the writers, because the writers ask the hubs until they end. */
const endings: readonly Ending[] = [
  ['ingestion', () => drainWriters().finally(closeHubs)],
  ['warehouse', closeWarehouse],
  ['health', closeHealth],
];

/**
 * Ends all work of this process at the same time, within one budget. Work that does not end in time is abandoned, which is safe:
 * a batch that was not committed comes again, and the ledger keeps loads right. Never rejects, because after a rejection the worker
 * would wait until it is killed.
 * @param log receives a line for each part that failed or was abandoned
 */
export async function shutDown(
  log: typeof logEvent = logEvent,
  { parts = endings, limitMs = budgetMs }: { parts?: readonly Ending[]; limitMs?: number } = {},
): Promise<void> {
  const end = async ([name, work]: Ending) => {
    try {
      await within(limitMs, work);
    } catch (error) {
      log('warning', 'shutdown-unfinished', { part: name, ...describeFailure(error) });
    }
  };
  await Promise.all(parts.map(end));
}
