import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Broker } from '../../../local/broker/broker';
import { closeSoon, openHubClient, openHubReader } from '../../../src/lib/sources/hubClient';
import { startSilentHub } from '../../kit/silentHub';
import { closeWhileAsked, startStalledHub } from '../../kit/stalledHub';
import { closeAll, openBroker } from '../../local/broker/clients';

let broker: Broker;
beforeAll(async () => {
  broker = await openBroker({ clicks: 1 });
});
afterAll(closeAll);

it.each([
  { name: 'sends', open: openHubClient },
  {
    name: 'reads',
    open: (...where: Parameters<typeof openHubClient>) => openHubReader(...where, '$Default'),
  },
])(
  'no error of a connection that the SDK dropped ends the process, where a client $name',
  async ({ open }) => {
    const hub = await startStalledHub(broker);
    onTestFinished(() => hub.close());
    const client = await open(hub, 'clicks');
    expect(await closeWhileAsked(client, hub)).toEqual([]);
    expect(hub.opened.length).toBeGreaterThan(1);
  },
);

it('a client leaves no connection to a service that never answers, however often it asks', async () => {
  const { namespace, sockets } = await startSilentHub();
  const client = await openHubClient(namespace, 'clicks');
  for (let n = 0; n < 3; n++) {
    const abandoned = AbortSignal.timeout(300);
    await expect(client.getEventHubProperties({ abortSignal: abandoned })).rejects.toThrow();
  }
  await closeSoon(client);
  await expect.poll(() => sockets.size, { timeout: 5000 }).toBe(0);
});
