import type { EventHubsNamespace } from '../connections/hubs';
import { within } from '../deadline';
import { openCredential } from '../identity';
import { handleConnection } from './handleConnection';

/**
 * The SDK's default is to wait 30 s before a retry and a minute for an answer, which is longer than the caller's timer. It also retries its
 * retries, so even short times add up. That is why sendEvents sets a deadline as well.
 */
const retryOptions = { maxRetries: 2, retryDelayInMs: 500, maxRetryDelayInMs: 4000, timeoutInMs: 10_000 };

/**
 * A client of one event hub, to send events and to ask for the hub's properties. It sends no request yet. The libraries are loaded
 * only here, because loading them at the start would make a cold start more than half a second longer.
 */
export async function openHubClient(namespace: EventHubsNamespace, hub: string) {
  const { EventHubProducerClient } = await import('@azure/event-hubs');
  const options = { retryOptions };
  if ('connectionString' in namespace)
    return handleConnection(new EventHubProducerClient(namespace.connectionString, hub, options));
  const { fullyQualifiedNamespace } = namespace;
  const credential = await openCredential(namespace);
  return handleConnection(new EventHubProducerClient(fullyQualifiedNamespace, hub, credential, options));
}

/** A client that reads one event hub. It sends no request yet. */
export async function openHubReader(namespace: EventHubsNamespace, hub: string, consumerGroup: string) {
  const { EventHubConsumerClient } = await import('@azure/event-hubs');
  const options = { retryOptions };
  if ('connectionString' in namespace)
    return handleConnection(
      new EventHubConsumerClient(consumerGroup, namespace.connectionString, hub, options),
    );
  const { fullyQualifiedNamespace } = namespace;
  const credential = await openCredential(namespace);
  return handleConnection(
    new EventHubConsumerClient(consumerGroup, fullyQualifiedNamespace, hub, credential, options),
  );
}

export type HubClient = Awaited<ReturnType<typeof openHubClient>>;

/** How long to wait for a connection to close, in milliseconds. If the service does not answer, closing it would take minutes. */
const closeLimitMs = 1000;

/** Closes a client or a subscription of the SDK. It does not wait long if the service does not answer. */
export const closeSoon = (opened: { close(): Promise<void> }): Promise<void> =>
  within(
    closeLimitMs,
    () => opened.close(),
    () => {},
  ).catch(() => {});
