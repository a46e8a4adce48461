import { setTimeout as delay } from 'node:timers/promises';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Azurite, startAzurite } from '../../../local/azurite';
import { HostLease } from '../../../local/durable/hostLease';
import { startStorageProxy } from '../../kit/storageProxy';
import { ended } from './engine';
import { startKillingProxy } from './killingProxy';
import { engineOf, writeDurableApp } from './localEngine';

let azurite: Azurite;
let app: ReturnType<typeof writeDurableApp>;
beforeAll(async () => {
  azurite = await startAzurite();
  app = writeDurableApp({ connectionString: azurite.connectionString });
});
afterAll(async () => {
  app?.remove();
  await azurite?.close();
});

const patient = { timeout: 20_000 };

const startHost = async (connectionString = azurite.connectionString) => {
  const host = await app.start({ AzureWebJobsStorage: connectionString });
  onTestFinished(async () => {
    await host.stop();
  });
  return { host, engine: engineOf(host) };
};

describe('the task hub', () => {
  it('costs a listing per look while orchestrations only wait, and nothing else', async () => {
    const proxy = await startStorageProxy(azurite.connectionString);
    onTestFinished(proxy.close);
    const { engine } = await startHost(proxy.connectionString);
    const ids = await Promise.all([1, 2, 3].map(() => engine.start('longWait')));
    for (const id of ids)
      await expect.poll(async () => (await engine.status(id))?.status, patient).toBe('Running');
    await delay(1_000);
    proxy.reset();
    await delay(2_500);
    expect(proxy.counts.gets).toBe(0);
    expect(proxy.counts.lists).toBeGreaterThanOrEqual(1);
    expect(proxy.counts.lists).toBeLessThanOrEqual(6);
    // The lease of the host is renewed.
    expect(proxy.counts.puts).toBeLessThanOrEqual(2);
    for (const id of ids) await engine.terminate(id, 'enough');
  });

  it('tells a caller that an orchestration was started, although the answer to its first write was lost', async () => {
    const proxy = await startKillingProxy(azurite);
    onTestFinished(proxy.close);
    const { engine } = await startHost(proxy.connectionString);
    let lost = 0;
    proxy.plan(1, 'after', () => {
      lost += 1;
    });
    expect(await ended(engine, await engine.start('chain'))).toMatchObject({ output: [3, 13] });
    expect(lost).toBe(1);
  });

  it('is made again after somebody deleted it', async () => {
    const { engine } = await startHost();
    expect(await ended(engine, await engine.start('nothing'))).toMatchObject({ output: 'done' });
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
      'tests-instances',
    );
    await container.delete();
    expect(await ended(engine, await engine.start('chain'))).toMatchObject({ output: [3, 13] });
  });

  it('holds orchestrations of any id', async () => {
    const { host, engine } = await startHost();
    const ids = ['ü 1', 'a%2Fb', "it's", 'A.json', 'a.JSON', 'a+b&c=d', 'x'.repeat(100)];
    for (const id of ids) {
      const path = `orchestrators/nothing/${encodeURIComponent(id)}`;
      const answer = await fetch(`${host.url}/runtime/webhooks/durabletask/${path}`, { method: 'POST' });
      expect(((await answer.json()) as { id: string }).id).toBe(id);
      expect(await ended(engine, encodeURIComponent(id))).toMatchObject({ output: 'done' });
    }
  });
});

describe("a host's lease", () => {
  const leaseOf = (instance: string) =>
    new HostLease({
      storage: () => BlobServiceClient.fromConnectionString(azurite.connectionString),
      hostId: 'leases',
      instance,
      log: () => {},
    });

  it('tells other hosts that it is alive, until it ends', async () => {
    const one = leaseOf('one');
    const two = leaseOf('two');
    one.start();
    await expect.poll(() => one.isHeld, patient).toBe(true);
    expect(await two.isGone('one')).toBe(false);
    await one.close();
    // An answer is believed for 3 s.
    await expect.poll(() => two.isGone('one'), patient).toBe(true);
    expect(await two.isGone('one')).toBe(true);
    expect(await two.isGone('unheard of')).toBe(true);
  });
});
