import { EventHubConsumerClient, latestEventPosition } from '@azure/event-hubs';
import { clickstream } from '../src/lib/streams/clickstream';

/*
 * Runs as a process of its own, which receives every new event of a hub and discards it. Its argument is the namespace's connection string.
 * It answers each message of its parent: `forget` begins anew, and `delays` asks for the delays, too.
 */

export interface Discarded {
  readonly received: number;
  /** Milliseconds from enqueued to received; empty unless asked for. */
  readonly delays: number[];
}

consumeAndDiscard(process.argv[2] ?? '');

function consumeAndDiscard(connection: string): void {
  let received = 0;
  let delays: number[] = [];
  const consumer = new EventHubConsumerClient('$Default', connection, clickstream.name);
  const subscription = consumer.subscribe(
    {
      processEvents: async (events) => {
        const now = Date.now();
        received += events.length;
        for (const { enqueuedTimeUtc } of events) delays.push(now - enqueuedTimeUtc.getTime());
      },
      processError: async (error) => console.error(error.message),
    },
    { startPosition: latestEventPosition, maxBatchSize: 1000, skipParsingBodyAsJson: true },
  );
  process.on('message', (message) => {
    if (message === 'forget') {
      received = 0;
      delays = [];
    }
    process.send?.({ received, delays: message === 'delays' ? delays : [] });
  });
  process.on('disconnect', async () => {
    await subscription.close();
    await consumer.close();
    process.exit();
  });
  // The SDK has no event that says that the links are open, so wait a while.
  setTimeout(() => process.send?.('ready'), 3000);
}
