import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '../../../local/azurite';
import { seededRandom } from '../../../src/lib/sources/seededRandom';
import { startFaultProxy } from '../../kit/faultProxy';
import type { HostProcess } from '../host/hostProcess';
import { ended } from './engine';
import { type KillingProxy, startKillingProxy } from './killingProxy';
import { engineOf, writeDurableApp } from './localEngine';

/*
 * Whatever a host does to an orchestration, it does in one write of its blob. So these tests kill a host at every write: before the
 * storage gets it, and after, when the host does not know that it succeeded.
 */

/** Passes like those of maintenance: a step, a fan-out with retries, a race with a timer; then again, as a new execution. */
const source = `
const tried = new Set();
df.app.activity('step', { handler: async (name) => name });
df.app.activity('bin', { handler: async (name, context) => {
  await new Promise((done) => setTimeout(done, 20));
  const key = context.triggerMetadata.instanceId + name;
  if (name.endsWith('2') && !tried.has(key)) {
    tried.add(key);
    throw new Error('a conflict');
  }
  return name;
} });
df.app.orchestration('passes', function* (context) {
  const { pass = 1 } = context.df.getInput() || {};
  const retry = new df.RetryOptions(10, 9);
  const names = [yield context.df.callActivity('step', 'p' + pass + '-first')];
  context.df.setCustomStatus({ pass });
  const bins = [1, 2].map((n) => context.df.callActivityWithRetry('bin', retry, 'p' + pass + '-bin' + n));
  names.push(...(yield context.df.Task.all(bins)));
  const limit = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 60_000));
  const last = context.df.callActivity('step', 'p' + pass + '-last');
  const winner = yield context.df.Task.any([limit, last]);
  limit.cancel();
  names.push(winner.result);
  if (pass < 2) {
    context.df.continueAsNew({ pass: pass + 1 });
    return;
  }
  return names;
});`;

const expected = ['p2-first', 'p2-bin1', 'p2-bin2', 'p2-last'];

let azurite: Azurite;
let proxy: KillingProxy;
let app: ReturnType<typeof writeDurableApp>;
beforeAll(async () => {
  azurite = await startAzurite();
  proxy = await startKillingProxy(azurite);
  const durableTask = { maxConcurrentActivityFunctions: 2 };
  app = writeDurableApp({ connectionString: azurite.connectionString, source, durableTask });
});
afterAll(async () => {
  app?.remove();
  await proxy?.close();
  await azurite?.close();
});

/** The results in the history, of which each may be there once. */
async function results(host: HostProcess, id: string): Promise<string[]> {
  const url = `${host.url}/runtime/webhooks/durabletask/instances/${id}?showHistory=true&showHistoryOutput=true`;
  const { historyEvents } = (await (await fetch(url)).json()) as {
    historyEvents: { EventType: string; Result: string }[];
  };
  return historyEvents.flatMap(({ EventType, Result }) => (EventType === 'TaskCompleted' ? [Result] : []));
}

async function expectDone(host: HostProcess, id: string): Promise<void> {
  expect(await ended(engineOf(host), id, 60_000), id).toMatchObject({
    status: 'Completed',
    output: expected,
  });
  expect((await results(host, id)).sort(), id).toEqual([...expected].sort());
}

describe('an orchestration ends, with every result once', { timeout: 600_000 }, () => {
  test('if a host is killed at any of its writes', async () => {
    const other = await app.start({}, 'two');
    const start = () => app.start({ AzureWebJobsStorage: proxy.connectionString }, 'one');
    let host = await start();
    let kills = 0;
    for (let write = 1; ; write++) {
      const before = kills;
      for (const when of ['before', 'after'] as const) {
        const victim = host;
        let gone: Promise<unknown> | undefined;
        const killed = new Promise<void>((done) => {
          proxy.plan(write, when, () => {
            gone = victim.stop('SIGKILL').then(() => done());
          });
        });
        const id = `killed-${when}-${write}`;
        const url = `${host.url}/runtime/webhooks/durabletask/orchestrators/passes/${id}`;
        const answer = await fetch(url, { method: 'POST' }).catch(() => undefined);
        await Promise.race([killed, ...(answer ? [ended(engineOf(other), id)] : [])]);
        proxy.plan(0, when, () => {});
        if (gone) {
          await gone;
          kills += 1;
          host = await start();
        }
        // Only the start itself can be lost, and its caller is told nothing then.
        if (write > 1 || when === 'after') await expectDone(other, id);
      }
      if (kills === before) break;
    }
    expect(kills).toBeGreaterThan(10);
    await host.stop();
    await other.stop();
  });

  test('if a share of the requests to the storage fails, in every way', async () => {
    const faults = await startFaultProxy({ targetPort: azurite.blobPort, random: seededRandom(7) });
    const settings = {
      AzureWebJobsStorage: azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${faults.port}/`),
    };
    const hosts = [await app.start(settings, 'three'), await app.start(settings, 'four')];
    const [host] = hosts as [HostProcess];
    faults.rate = 0.1;
    const ids: string[] = [];
    while (ids.length < 12) {
      const id = `faults-${ids.length}`;
      const url = `${hosts[ids.length % 2]?.url}/runtime/webhooks/durabletask/orchestrators/passes/${id}`;
      // After a failure the caller does not know whether it was started: then it runs already.
      await fetch(url, { method: 'POST' });
      ids.push(id);
    }
    await new Promise((done) => setTimeout(done, 5_000));
    faults.rate = 0;
    for (const id of ids) if (await engineOf(host).status(id)) await expectDone(host, id);
    for (const one of hosts) await one.stop();
    await faults.close();
  });
});
