import { within } from '../deadline';
import { openState } from '../delta/openTable';
import { partitionAppId } from '../lake/hubGeneration';
import type { ObjectStore } from '../storage/objectStore';

/** The limit for all questions together. */
const answerLimitMs = 5000;

/** The methods that are needed of a client of one event hub. The SDK's clients have them. */
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
  /** The Delta table of the hub's events, which need not exist yet. */
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
  // Ask the hub before reading the table: events that are committed after the hub's answer then do not count as waiting.
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
    // Do not await it, because a hub that does not answer would block this too.
    opening.then((client) => client.close()).catch(() => {});
  }
}
