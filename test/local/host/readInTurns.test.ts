import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInTurns, socketUnder } from '../../../local/host/readInTurns';
import { mostBetweenTurns } from '../../kit/mostBetweenTurns';
import { HubStand } from './hubStand';

let stand: HubStand;
beforeAll(async () => {
  stand = await HubStand.start();
});
afterAll(() => stand?.close());

/** How many chunks the SDK gets at most in one turn of the event loop, while it receives 12 MB that wait. */
async function mostChunks(prepare: (client: EventHubConsumerClient) => void): Promise<number> {
  const client = new EventHubConsumerClient('tributary', stand.broker.connectionString(), 'hub0');
  let received = 0;
  let isWatched = false;
  const most = await mostBetweenTurns(async (look) => {
    const subscription = client.subscribe(
      '0',
      {
        async processEvents(events) {
          received += events.length;
          prepare(client);
          const socket = socketUnder(client);
          if (isWatched || !socket) return;
          isWatched = true;
          socket.on('data', look);
        },
        async processError(error) {
          throw error;
        },
      },
      {
        startPosition: earliestEventPosition,
        maxBatchSize: 10,
        prefetchCount: 2000,
        skipParsingBodyAsJson: true,
      },
    );
    while (received < 1200) await sleep(20);
    await subscription.close();
  });
  await client.close();
  expect(isWatched).toBe(true);
  return most;
}

it('other work goes on between two chunks that the SDK receives, where else many come in one turn', async () => {
  const bodies = Array.from({ length: 100 }, () => 'x'.repeat(10_000));
  for (let n = 0; n < 12; n++) await stand.send('hub0', bodies);
  expect(await mostChunks(() => {})).toBeGreaterThan(1);
  expect(await mostChunks(readInTurns)).toBe(1);
});
