import { afterAll, expect, it, onTestFinished } from 'vitest';
import { createConsumer } from '../../../local/host/eventHubClient';
import { closeWhileAsked, startStalledHub } from '../../kit/stalledHub';
import { closeAll, openBroker } from '../broker/clients';

afterAll(closeAll);

it('no error of a connection that the SDK dropped ends the host', async () => {
  const hub = await startStalledHub(await openBroker({ clicks: 1 }));
  onTestFinished(() => hub.close());
  const { connectionString } = hub;
  const connection = { eventHubName: 'clicks', connectionString };
  // The store is only asked once a partition is to be read.
  const store = {
    listOwnership: async () => [],
    claimOwnership: async () => [],
    updateCheckpoint: async () => {},
    listCheckpoints: async () => [],
  };
  const client = createConsumer({ connection, consumerGroup: '$Default', store, ownerId: 'one' });
  expect(await closeWhileAsked(client, hub)).toEqual([]);
  expect(hub.opened.length).toBeGreaterThan(1);
});
