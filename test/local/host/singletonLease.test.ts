import { once } from 'node:events';
import { describe, type TestContext, test } from 'vitest';
import { connectHostStorage } from '../../../local/host/hostStorage';
import { holdSingletonLease, type LeaseTimes } from '../../../local/host/singletonLease';
import { azuriteOfTests } from '../../kit/azuriteOfTests';
import { type SilentProxyOptions, startSilentProxy } from './silentProxy';

const azurite = azuriteOfTests();

const patient = { timeout: 30_000, interval: 50 };
const times: LeaseTimes = { held: 14_000, renew: 500, retry: 250, request: 500 };

/** A host that waits for the lease, and records when it has it. */
function startHolder(
  { onTestFinished }: TestContext,
  options: { connectionString: string; blobName: string; times: LeaseTimes },
) {
  const stopping = new AbortController();
  const spells: { from: number; to: number }[] = [];
  const stopped = holdSingletonLease(
    {
      ...options,
      storage: connectHostStorage({ AzureWebJobsStorage: options.connectionString }),
      instance: undefined,
      log: () => {},
    },
    stopping.signal,
    async (signal) => {
      const spell = { from: Date.now(), to: Number.POSITIVE_INFINITY };
      spells.push(spell);
      if (!signal.aborted) await once(signal, 'abort');
      spell.to = Date.now();
    },
  );
  const stop = async () => {
    stopping.abort();
    await stopped;
  };
  onTestFinished(stop);
  return { spells, stop };
}

async function startProxy({ onTestFinished }: TestContext, options: Omit<SilentProxyOptions, 'azurite'>) {
  const proxy = await startSilentProxy({ ...options, azurite });
  onTestFinished(() => proxy.close());
  return proxy;
}

describe.concurrent('a lease of which there is one', { timeout: 60_000 }, () => {
  test.for<[name: string, match: SilentProxyOptions['match']]>([
    ['making its container', (line) => line.startsWith('PUT') && line.includes('restype=container')],
    [
      'making its blob',
      (line, action) => line.startsWith('PUT /devstoreaccount1/azure') && !action && line.includes('/locks/'),
    ],
    ['acquiring it', (_line, action) => action === 'acquire'],
  ])('is had although %s was once never answered', async ([name, match], context) => {
    const { expect } = context;
    const proxy = await startProxy(context, { match, silent: 1 });
    const { connectionString } = proxy;
    const holder = startHolder(context, { connectionString, blobName: `locks/${name}`, times });
    await expect.poll(() => holder.spells.length, patient).toBe(1);
    expect(proxy.matched).toBeGreaterThan(1);
  });

  test('is kept, and renewed again, after a renewal that was never answered', async (context) => {
    const { expect } = context;
    const match = (_line: string, action: string | undefined) => action === 'renew';
    const proxy = await startProxy(context, { match, silent: 1 });
    const { connectionString } = proxy;
    const holder = startHolder(context, { connectionString, blobName: 'locks/renewed', times });
    await expect.poll(() => proxy.matched, patient).toBeGreaterThanOrEqual(4);
    expect(holder.spells).toEqual([{ from: expect.any(Number), to: Number.POSITIVE_INFINITY }]);
  });

  test('is given up by the clock, before another host can have it, when no renewal is answered', async (context) => {
    const { expect } = context;
    const match = (_line: string, action: string | undefined) => action === 'renew' || action === 'acquire';
    // Only the first request for the lease is answered.
    let asked = 0;
    const proxy = await startProxy(context, {
      match: (line, action) => match(line, action) && asked++ > 0,
      silent: Number.POSITIVE_INFINITY,
    });
    const blobName = 'locks/silent';
    // A renewal that may take longer than the lease: only its end can end it.
    const slow = { ...times, request: 60_000 };
    const first = startHolder(context, { connectionString: proxy.connectionString, blobName, times: slow });
    await expect.poll(() => first.spells.length, patient).toBe(1);
    const second = startHolder(context, { connectionString: azurite.connectionString, blobName, times });
    await expect.poll(() => second.spells.length, patient).toBe(1);
    expect(first.spells[0]?.to).toBeLessThanOrEqual(second.spells[0]?.from ?? 0);
    // The first asks for the lease again, and would wait for an answer.
    await proxy.close();
  });

  test('is not renewed after its time', async (context) => {
    const { expect } = context;
    const match = (_line: string, action: string | undefined) => action === 'renew';
    const proxy = await startProxy(context, { match, silent: 0 });
    const { connectionString } = proxy;
    // Its first renewal would come a second after its end.
    const late = { ...times, held: 1_000, renew: 2_000 };
    const holder = startHolder(context, { connectionString, blobName: 'locks/late', times: late });
    await expect.poll(() => holder.spells.length, patient).toBe(2);
    expect(proxy.matched).toBe(0);
  });

  test('is free at once when its host ends', async (context) => {
    const { expect } = context;
    const { connectionString } = azurite;
    const options = { connectionString, blobName: 'locks/freed', times };
    const first = startHolder(context, options);
    await expect.poll(() => first.spells.length, patient).toBe(1);
    await first.stop();
    const endedAt = Date.now();
    const second = startHolder(context, options);
    await expect.poll(() => second.spells.length, patient).toBe(1);
    // A lease that was not released would last 15 s.
    expect((second.spells[0]?.from ?? 0) - endedAt).toBeLessThan(10_000);
  });
});
