import type { EventHubsNamespace } from '../settings';

/**
 * The SDK by itself waits 30 s before it tries again and a minute for an answer, which outlasts the timer that called; and
 * as it retries its retries, even short times add up, so whoever sends sets a deadline as well.
 */
const retryOptions = { maxRetries: 2, retryDelayInMs: 500, maxRetryDelayInMs: 4000, timeoutInMs: 10_000 };

/**
 * A client of one event hub that sends and asks for its properties. Nothing is asked of the network yet. The libraries
 * are loaded here because they cost a cold start more than half a second.
 */
export async function openHubClient(namespace: EventHubsNamespace, hub: string) {
  const { EventHubProducerClient } = await import('@azure/event-hubs');
  if ('connectionString' in namespace) {
    return new EventHubProducerClient(namespace.connectionString, hub, { retryOptions });
  }
  const { DefaultAzureCredential } = await import('@azure/identity');
  const { fullyQualifiedNamespace, clientId } = namespace;
  const credential = new DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {});
  return new EventHubProducerClient(fullyQualifiedNamespace, hub, credential, { retryOptions });
}

export type HubClient = Awaited<ReturnType<typeof openHubClient>>;
