import type { EventHubsNamespace } from '../settings';

/**
 * By default the SDK waits 30 s before a retry and a minute for an answer, which is longer than the caller's timer. It also retries
 * its retries, so even short times add up, and sendEvents sets a deadline as well.
 */
const retryOptions = { maxRetries: 2, retryDelayInMs: 500, maxRetryDelayInMs: 4000, timeoutInMs: 10_000 };

/**
 * A client of one event hub, to send events and to ask for the hub's properties. It sends no request yet. The libraries are loaded
 * only here, because loading them at the start would make a cold start more than half a second longer.
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
