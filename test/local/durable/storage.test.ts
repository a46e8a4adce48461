import { setTimeout as sleep } from 'node:timers/promises';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Azurite, startAzurite } from '../../../local/azurite';
import { HostLease } from '../../../local/durable/hostLease';
import { newInstance } from '../../../local/durable/instance';
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

const containerOfHub = () =>
  BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient('tests-instances');

const anInstance = newInstance(
  { id: 'one', name: 'chain', version: undefined, input: null },
  '2026-01-01T00:00:00.000Z',
);

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
    await sleep(1_000);
    proxy.reset();
    await sleep(2_500);
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
    await containerOfHub().delete();
    expect(await ended(engine, await engine.start('chain'))).toMatchObject({ output: [3, 13] });
  });

  it('goes on beside blobs that are no orchestrations, and says what is wrong with each', async () => {
    const blobs: readonly [id: string, text: string, problem: string][] = [
      ['broken', 'no JSON', 'It is not JSON. Purge it, or start it again.'],
      ['empty', '', 'It is not JSON.'],
      ['nothing', 'null', 'It must be a JSON object.'],
      ['other', '{"id":"other"}', 'Its "name" is not what this host writes.'],
      [
        'changed',
        JSON.stringify({ ...anInstance, id: 'changed', timers: {} }),
        'Its "timers" is not what this host writes.',
      ],
      ['copied', JSON.stringify(anInstance), 'Its "id" is not what this host writes.'],
    ];
    const { engine } = await startHost();
    const instances = containerOfHub();
    await instances.createIfNotExists();
    const put = (name: string, text: string) => instances.getBlockBlobClient(name).upload(text, text.length);
    for (const [id, text] of blobs) await put(`instances/${id}.json`, text);
    for (const name of ['instances/%ZZ.json', 'instances/readme.txt']) await put(name, '');
    expect(await ended(engine, await engine.start('chain'))).toMatchObject({ output: [3, 13] });
    for (const [id, , problem] of blobs) {
      const output = expect.stringContaining(problem);
      expect(await engine.status(id), id).toMatchObject({ status: 'Failed', output });
      expect(await engine.purge(id), id).toBe(true);
      expect(await engine.status(id), id).toBeUndefined();
    }
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
