import { within } from '../deadline';
import { openState } from '../delta/openTable';
import { partitionAppId } from '../lake/hubGeneration';
import { eventsAfter, type HubQuestions, readHubHeads } from '../lake/hubHeads';
import type { ObjectStore } from '../storage/objectStore';

/** The time limit for all questions together, in milliseconds. */
const answerLimitMs = 5000;

export interface WaitingEventsOptions {
  readonly openHub: () => Promise<HubQuestions & { close(): Promise<void> }>;
  readonly store: ObjectStore;
  /** The Delta table of the hub's events, which need not exist yet. */
  readonly table: string;
  readonly limitMs?: number;
}

/**
 * The number of events in the hub after the table's last committed number. Expired events and earlier hubs of that name do not count. If
 * the hub refuses or does not answer in time, the result is the error of its client.
 * @throws `storage.*`, `delta.*`
 */
export async function waitingEvents(
  options: WaitingEventsOptions,
): Promise<number | { readonly failure: unknown }> {
  const { store, table, limitMs = answerLimitMs } = options;
  // Ask the hub before reading the table: events that are committed after the hub's answer then do not count as waiting.
  const answer = await askHub(options.openHub, limitMs).catch((failure: unknown) => ({ failure }));
  if ('failure' in answer) return answer;
  const txns = (await openState({ store, table }))?.txns;
  let waiting = 0;
  for (const head of answer.partitions) {
    const committed = txns?.get(partitionAppId(answer.generation, head.partitionId))?.version ?? -1;
    waiting += eventsAfter(head, committed);
  }
  return waiting;
}

async function askHub(open: WaitingEventsOptions['openHub'], limitMs: number) {
  const opening = open();
  try {
    return await within(limitMs, async (abortSignal) => readHubHeads(await opening, abortSignal));
  } finally {
    // Do not await it, because a hub that does not answer would block this too.
    opening.then((client) => client.close()).catch(() => {});
  }
}
