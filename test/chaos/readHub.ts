import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import { within } from '../../src/lib/deadline';

/** An event in the hub. */
export interface HeldEvent {
  readonly partition: number;
  readonly sequenceNumber: number;
  /** The producer's id. */
  readonly id: number;
}

const limitMs = 120_000;

/** Reads a hub from its beginning to its present end, without disturbing other readers. */
export async function readHub(connectionString: string, hub: string): Promise<HeldEvent[]> {
  const client = new EventHubConsumerClient('$Default', connectionString, hub);
  try {
    const partitionIds = await client.getPartitionIds();
    const read = partitionIds.map((partitionId) => readPartition(client, partitionId));
    return (await Promise.all(read)).flat();
  } finally {
    await client.close();
  }
}

async function readPartition(client: EventHubConsumerClient, partitionId: string): Promise<HeldEvent[]> {
  const { lastEnqueuedSequenceNumber: end, isEmpty } = await client.getPartitionProperties(partitionId);
  const held: HeldEvent[] = [];
  if (isEmpty) return held;
  const read = new Promise<void>((resolve, reject) => {
    const subscription = client.subscribe(
      partitionId,
      {
        processEvents: async (events) => {
          for (const { sequenceNumber, properties } of events)
            held.push({ partition: Number(partitionId), sequenceNumber, id: Number(properties?.id) });
          if ((held.at(-1)?.sequenceNumber ?? -1) < end) return;
          void subscription.close().then(resolve, reject);
        },
        processError: async (error) => reject(error),
      },
      { startPosition: earliestEventPosition, maxBatchSize: 1000, skipParsingBodyAsJson: true },
    );
  });
  await within(
    limitMs,
    () => read,
    () => {
      throw new Error(`Partition ${partitionId}: ${held.length} of ${end + 1} events came.`);
    },
  );
  return held;
}
