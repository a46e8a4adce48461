import {
  type CheckpointStore,
  EventHubConsumerClient,
  type EventHubConsumerClientOptions,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type SubscribeOptions,
} from '@azure/event-hubs';
import { DefaultAzureCredential } from '@azure/identity';
import { handleConnection } from '../../src/lib/sources/handleConnection';
import type { EventHubsOptions } from './hostJson';
import type { HubConnection } from './settings';

// After 6 s, others take over the partitions of a killed owner. Four renewals fit into that time, so that a busy machine does not
// lose its partitions.
const ownershipExpiryMs = 6_000;
const balanceIntervalMs = 1_500;
/** How long to wait for events. Only after this wait does the receiver notice a dead link. */
const receiveWaitSeconds = 2;

export interface ConsumerOptions {
  connection: HubConnection;
  consumerGroup: string;
  store: CheckpointStore;
  /** The name under which partitions are claimed. */
  ownerId: string;
}

/** Makes a consumer that shares the partitions with other hosts of the consumer group. It connects when it is first used. */
export function createConsumer(options: ConsumerOptions): EventHubConsumerClient {
  const { connection, consumerGroup, store, ownerId } = options;
  const clientOptions: EventHubConsumerClientOptions = {
    identifier: ownerId,
    retryOptions: { retryDelayInMs: 500, timeoutInMs: 5_000 },
    loadBalancingOptions: {
      strategy: 'greedy',
      updateIntervalInMs: balanceIntervalMs,
      partitionOwnershipExpirationIntervalInMs: ownershipExpiryMs,
    },
  };
  const { eventHubName, connectionString, fullyQualifiedNamespace = '' } = connection;
  if (connectionString !== undefined) {
    return handleConnection(
      new EventHubConsumerClient(consumerGroup, connectionString, eventHubName, store, clientOptions),
    );
  }
  const credential = new DefaultAzureCredential();
  return handleConnection(
    new EventHubConsumerClient(
      consumerGroup,
      fullyQualifiedNamespace,
      eventHubName,
      credential,
      store,
      clientOptions,
    ),
  );
}

/** The SDK's options for receiving, from the options of host.json. */
export function toSubscribeOptions(options: EventHubsOptions): SubscribeOptions {
  return {
    maxBatchSize: options.maxEventBatchSize,
    prefetchCount: options.prefetchCount,
    maxWaitTimeInSeconds: receiveWaitSeconds,
    skipParsingBodyAsJson: true,
    startPosition: toPosition(options.initialOffset),
  };
}

function toPosition(initial: EventHubsOptions['initialOffset']): EventPosition {
  if (initial === 'fromStart') return earliestEventPosition;
  if (initial === 'fromEnd') return latestEventPosition;
  return { enqueuedOn: initial.enqueuedTime };
}
