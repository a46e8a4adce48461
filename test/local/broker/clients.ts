import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  earliestEventPosition,
  type PartitionContext,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs';
import { type Broker, type BrokerOptions, startBroker } from '../../../local/broker/broker';
import { parseConfig } from '../../../local/broker/config';

export const retry = { maxRetries: 2, retryDelayInMs: 100, maxRetryDelayInMs: 200, timeoutInMs: 5000 };

type Closable = { close(): Promise<unknown> };
const toClose: Closable[] = [];

/** Closes, last first, what the functions below opened. */
export async function closeAll(): Promise<void> {
  for (const closable of toClose.splice(0).reverse()) await closable.close();
}

export function configOf(hubs: Record<string, number>): BrokerOptions['config'] {
  return parseConfig({
    UserConfig: {
      NamespaceConfig: [
        {
          Type: 'EventHub',
          Name: 'ns',
          Entities: Object.entries(hubs).map(([name, count]) => ({
            Name: name,
            PartitionCount: count,
            ConsumerGroups: [{ Name: 'group' }],
          })),
        },
      ],
    },
  });
}

export async function openBroker(
  hubs: Record<string, number>,
  options: Partial<BrokerOptions> = {},
): Promise<Broker> {
  const broker = await startBroker({ port: 0, config: configOf(hubs), ...options });
  toClose.push(broker);
  return broker;
}

export function openProducerClient(
  broker: Pick<Broker, 'connectionString'>,
  hub: string,
): EventHubProducerClient {
  const client = new EventHubProducerClient(broker.connectionString(hub), { retryOptions: retry });
  toClose.push(client);
  return client;
}

export function openConsumerClient(
  broker: Pick<Broker, 'connectionString'>,
  hub: string,
  group = '$Default',
): EventHubConsumerClient {
  const client = new EventHubConsumerClient(group, broker.connectionString(hub), { retryOptions: retry });
  toClose.push(client);
  return client;
}

/** What a subscription has received so far. */
export interface Reading {
  events: ReceivedEventData[];
  errors: (Error & { code?: string })[];
  contexts: PartitionContext[];
  close(): Promise<void>;
}

export function read(
  client: EventHubConsumerClient,
  partitionId: string,
  options: SubscribeOptions & { startPosition?: EventPosition } = {},
): Reading {
  const reading: Reading = { events: [], errors: [], contexts: [], close: async () => undefined };
  const subscription = client.subscribe(
    partitionId,
    {
      processEvents: async (events, context) => {
        reading.events.push(...events);
        reading.contexts.push(context);
      },
      processError: async (error) => {
        reading.errors.push(error);
      },
    },
    { startPosition: earliestEventPosition, maxBatchSize: 100, maxWaitTimeInSeconds: 1, ...options },
  );
  reading.close = () => subscription.close();
  toClose.push(reading);
  return reading;
}

/** Waits until the condition holds; fails after `seconds`. */
export async function until(what: string, holds: () => boolean, seconds = 15): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Reads `count` events of a partition from a position. */
export async function readSome(
  client: EventHubConsumerClient,
  partitionId: string,
  count: number,
  startPosition: EventPosition = earliestEventPosition,
): Promise<ReceivedEventData[]> {
  const reading = read(client, partitionId, { startPosition });
  await until(
    `${count} events of partition ${partitionId}`,
    () => reading.events.length >= count || reading.errors.length > 0,
  );
  await reading.close();
  if (reading.errors[0]) throw reading.errors[0];
  return reading.events;
}
