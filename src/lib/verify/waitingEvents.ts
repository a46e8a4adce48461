import { within } from '../deadline';
import { openState } from '../delta/openTable';
import { partitionAppId } from '../lake/hubGeneration';
import type { ObjectStore } from '../storage/objectStore';

/** For all questions together. */
const answerLimitMs = 5000;

/** What is asked of a client of one event hub; the SDK's clients have it. */
export interface HubQuestions {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  getEventHubProperties(options: { abortSignal: AbortSignal }): Promise<{
    readonly createdOn: Date;
    readonly partitionIds: readonly string[];
  }>;
  getPartitionProperties(partitionId: string, options: { abortSignal: AbortSignal }): Promise<PartitionEnds>;
  close(): Promise<void>;
}

interface PartitionEnds {
  readonly partitionId: string;
  readonly beginningSequenceNumber: number;
  readonly lastEnqueuedSequenceNumber: number;
  readonly isEmpty: boolean;
}

export interface WaitingEventsOptions {
  readonly openHub: () => Promise<HubQuestions>;
  readonly store: ObjectStore;
  /** The Delta table that the hub's events go to; it need not be there yet. */
  readonly table: string;
  readonly limitMs?: number;
}

/**
 * The number of events in the hub after the table's last committed number; expired events and earlier hubs of that name are
 * ignored. Undefined if the hub does not answer in time or refuses.
 * @throws `storage.*`, `delta.*`
 */
export async function waitingEvents(options: WaitingEventsOptions): Promise<number | undefined> {
  const { store, table, limitMs = answerLimitMs } = options;
  // The hub first: what is committed after its answer does not wait.
  const answer = await askHub(options.openHub, limitMs).catch(() => undefined);
  if (!answer) return undefined;
  const txns = (await openState({ store, table }))?.txns;
  const { generation, partitions } = answer;
  let waiting = 0;
  for (const { partitionId, beginningSequenceNumber, lastEnqueuedSequenceNumber, isEmpty } of partitions) {
    const committed = txns?.get(partitionAppId(generation, partitionId))?.version ?? -1;
    const passed = Math.max(committed, beginningSequenceNumber - 1);
    if (!isEmpty) waiting += Math.max(0, lastEnqueuedSequenceNumber - passed);
  }
  return waiting;
}

async function askHub(open: () => Promise<HubQuestions>, limitMs: number) {
  const opening = open();
  try {
    return await within(limitMs, async (abortSignal) => {
      const client = await opening;
      const { createdOn, partitionIds } = await client.getEventHubProperties({ abortSignal });
      const partitions = await Promise.all(
        partitionIds.map((id) => client.getPartitionProperties(id, { abortSignal })),
      );
      const { fullyQualifiedNamespace: namespace, eventHubName: hub } = client;
      return { generation: { namespace, hub, createdOn }, partitions };
    });
  } finally {
    // Not awaited: a hub that does not answer would hold this up as well.
    opening.then((client) => client.close()).catch(() => {});
  }
}
