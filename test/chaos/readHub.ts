import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';

/** An event in the hub. */
export interface HeldEvent {
  readonly partition: number;
  readonly sequence: number;
  /** The producer's id. */
  readonly id: number;
}

const limitMs = 120_000;

/** Reads a hub from its beginning to its present end, without disturbing other readers. */
export async function readHub(connectionString: string, hub: string): Promise<HeldEvent[]> {
  const client = new EventHubConsumerClient('$Default', connectionString, hub);
  try {
    const partitions = await client.getPartitionIds();
    const read = partitions.map((partition) => readPartition(client, partition));
    return (await Promise.all(read)).flat();
  } finally {
    await client.close();
  }
}

async function readPartition(client: EventHubConsumerClient, partition: string): Promise<HeldEvent[]> {
  const { lastEnqueuedSequenceNumber: end, isEmpty } = await client.getPartitionProperties(partition);
  const held: HeldEvent[] = [];
  if (isEmpty) return held;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`Partition ${partition}: ${held.length} of ${end + 1} events came.`)),
      limitMs,
    );
    const subscription = client.subscribe(
      partition,
      {
        processEvents: async (events) => {
          for (const { sequenceNumber, properties } of events)
            held.push({ partition: Number(partition), sequence: sequenceNumber, id: Number(properties?.id) });
          if ((held.at(-1)?.sequence ?? -1) < end) return;
          clearTimeout(timer);
          void subscription.close().then(resolve, reject);
        },
        processError: async (error) => reject(error),
      },
      { startPosition: earliestEventPosition, maxBatchSize: 1000, skipParsingBodyAsJson: true },
    );
  });
  return held;
}
