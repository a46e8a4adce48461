import type { EventHubsNamespace } from '../connections/hubs';
import { within } from '../deadline';
import { closeSoon, openHubClient, openHubReader } from './hubClient';
import { conditionOf } from './hubErrors';

const answerLimitMs = 15_000;

/** Whether a reader was disconnected because another one, such as the trigger, has claimed the partition for itself. */
const isTaken = (error: unknown) => conditionOf(error) === 'ReceiverDisconnectedError';

/**
 * Opens a reader of one partition as a consumer group, and takes nothing from it. An app that reads the partition goes on.
 * @returns whether another reader has the partition for itself
 * @throws the SDK's errors, for example if there is no such consumer group or the login may not listen
 */
export async function probeReader(
  namespace: EventHubsNamespace,
  hub: string,
  group: { readonly consumerGroup: string; readonly partitionId: string },
): Promise<boolean> {
  const { latestEventPosition } = await import('@azure/event-hubs');
  const client = await openHubReader(namespace, hub, group.consumerGroup);
  let end: () => Promise<void> = async () => {};
  try {
    return await within(
      answerLimitMs,
      () =>
        new Promise<boolean>((resolve, reject) => {
          const subscription = client.subscribe(
            group.partitionId,
            {
              // The SDK also calls this after it has waited in vain, with no events. Either way, the reader was accepted.
              processEvents: async () => resolve(false),
              processError: async (error) => (isTaken(error) ? resolve(true) : reject(error)),
            },
            { startPosition: latestEventPosition, maxBatchSize: 1, maxWaitTimeInSeconds: 1 },
          );
          end = () => closeSoon(subscription);
        }),
    );
  } finally {
    await end();
    await closeSoon(client);
  }
}

/**
 * Opens a sender to a hub, and sends nothing.
 * @throws the SDK's errors, for example if the login may not send
 */
export async function probeSender(namespace: EventHubsNamespace, hub: string): Promise<void> {
  const client = await openHubClient(namespace, hub);
  try {
    // A batch must know its largest size, which only an open link tells. So making one opens the link.
    await within(answerLimitMs, (abortSignal) => client.createBatch({ abortSignal }));
  } finally {
    await closeSoon(client);
  }
}
