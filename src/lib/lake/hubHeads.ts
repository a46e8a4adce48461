import type { HubGeneration } from './hubGeneration';

/** The methods that a client of one event hub must have. The SDK's clients have them. */
export interface HubQuestions {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  getEventHubProperties(options: { abortSignal: AbortSignal }): Promise<{
    readonly createdOn: Date;
    readonly partitionIds: readonly string[];
  }>;
  getPartitionProperties(
    partitionId: string,
    options: { abortSignal: AbortSignal },
  ): Promise<PartitionProperties>;
}

interface PartitionProperties {
  readonly partitionId: string;
  readonly beginningSequenceNumber: number;
  readonly lastEnqueuedSequenceNumber: number;
  readonly lastEnqueuedOnUtc: Date;
  readonly isEmpty: boolean;
}

/** The events that a partition of a hub holds now. */
export interface PartitionHead {
  readonly partitionId: string;
  /** The sequence number of the oldest event that it still holds; one more than `last` if it holds none. */
  readonly first: number;
  /** The sequence number of the newest event; -1 if there never was one. */
  readonly last: number;
  /**
   * When the newest event was enqueued, in milliseconds since 1970 by the service's clock. It means nothing if there never was an event.
   */
  readonly lastEnqueuedAt: number;
}

export interface HubHeads {
  readonly generation: HubGeneration;
  readonly partitions: readonly PartitionHead[];
}

/** Asks the service which events each partition of a hub holds. Rejects if it does not answer. */
export async function readHubHeads(client: HubQuestions, abortSignal: AbortSignal): Promise<HubHeads> {
  const { createdOn, partitionIds } = await client.getEventHubProperties({ abortSignal });
  const partitions = await Promise.all(
    partitionIds.map(async (id) => headOf(await client.getPartitionProperties(id, { abortSignal }))),
  );
  const { fullyQualifiedNamespace: namespace, eventHubName: hub } = client;
  return { generation: { namespace, hub, createdOn }, partitions };
}

function headOf(properties: PartitionProperties): PartitionHead {
  const { partitionId, beginningSequenceNumber, lastEnqueuedSequenceNumber: last, isEmpty } = properties;
  const first = isEmpty ? last + 1 : beginningSequenceNumber;
  return { partitionId, first, last, lastEnqueuedAt: properties.lastEnqueuedOnUtc.getTime() };
}

/**
 * How many events of a partition come after the last committed one. Events that the hub no longer holds do not count.
 * @param committed the last sequence number that is committed; -1 if there is none
 */
export const eventsAfter = ({ first, last }: PartitionHead, committed: number): number =>
  Math.max(0, last - Math.max(committed, first - 1));
