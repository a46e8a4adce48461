import { beforeEach, describe, expect, it } from 'vitest';
import { TributaryError } from '../../../src/lib/errors';
import { failurePath, readFailures } from '../../../src/lib/ingest/ingestFailure';
import { IngestStatus } from '../../../src/lib/ingest/ingestStatus';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

/** Notes each request, and can be made to fail or to wait. */
class WatchedStore extends MemoryStore {
  readonly requests: string[] = [];
  failure: Error | undefined;
  gate: { readonly request: string; readonly opened: Promise<void> } | undefined;

  /** Has one kind of request wait until the returned function is called. */
  close(request = 'put'): () => void {
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    this.gate = { request, opened };
    return resolve;
  }

  override async get(path: string) {
    await this.#pass('get');
    return super.get(path);
  }

  override async put(path: string, bytes: Uint8Array) {
    await this.#pass('put');
    return super.put(path, bytes);
  }

  override async delete(path: string) {
    await this.#pass('delete');
    return super.delete(path);
  }

  async #pass(request: string): Promise<void> {
    this.requests.push(request);
    if (this.gate?.request === request) await this.gate.opened;
    if (this.failure) throw this.failure;
  }
}

let store: WatchedStore;
let warnings: unknown[];
let now: number;
beforeEach(() => {
  store = new WatchedStore();
  warnings = [];
  now = Date.UTC(2026, 0, 1);
});

/** A status as another process has it. */
const startProcess = () =>
  new IngestStatus({
    store: async () => store,
    warn: (error) => warnings.push(error),
    now: () => now,
    monotonicNow: () => now,
  });

const gap = new TributaryError('ingest.gap', 'clickstream partition 3: the events 4 to 6 were not read.');
const slow = new TributaryError('delta.contention', 'No commit went through.');
const seconds = (count: number) => new Date(Date.UTC(2026, 0, 1) + count * 1000).toISOString();

/** Fails partition 3 and waits until that is recorded. */
async function fail(status: IngestStatus, error: unknown = gap): Promise<void> {
  status.failed('clickstream', '3', error);
  await status.settled();
}

async function succeed(status: IngestStatus, partitionId = '3'): Promise<void> {
  status.succeeded('clickstream', partitionId);
  await status.settled();
}

describe('a partition whose batch fails', () => {
  it('is told with the code, the times and the attempts', async () => {
    const status = startProcess();
    await fail(status);
    now += 12_000;
    await fail(status);
    expect(await readFailures(store)).toEqual([
      {
        stream: 'clickstream',
        partitionId: '3',
        code: 'ingest.gap',
        message: gap.message,
        since: seconds(0),
        lastFailure: seconds(12),
        attempts: 2,
      },
    ]);
  });

  it('is told with no more than the name of an error that is not ours, whose message may hold secrets', async () => {
    await fail(startProcess(), new RangeError('SharedAccessKey=abc'));
    expect(await readFailures(store)).toMatchObject([{ code: 'unknown', message: 'RangeError' }]);
    const file = await store.get(failurePath('clickstream', '3'));
    expect(Buffer.from(file?.bytes ?? []).toString()).not.toContain('abc');
  });

  it('is told with the time of the clock', async () => {
    const before = Date.now();
    await fail(new IngestStatus({ store: async () => store, warn: (error) => warnings.push(error) }));
    const [failure] = await readFailures(store);
    expect(Date.parse(failure?.since ?? '')).toBeGreaterThanOrEqual(before);
    expect(Date.parse(failure?.lastFailure ?? '')).toBeLessThanOrEqual(Date.now());
  });

  it('is written every ten seconds while it fails alike, and at once when it fails otherwise', async () => {
    const status = startProcess();
    const puts = () => store.requests.filter((request) => request === 'put').length;
    for (let second = 0; second < 20; second++, now += 1000) await fail(status);
    expect(puts()).toBe(2);
    await fail(status, slow);
    expect(puts()).toBe(3);
    expect(await readFailures(store)).toMatchObject([
      { code: 'delta.contention', since: seconds(0), attempts: 21 },
    ]);
  });

  it('is no longer told once a batch of it is committed', async () => {
    const status = startProcess();
    await fail(status);
    await succeed(status, '4');
    expect(await readFailures(store)).toHaveLength(1);
    await succeed(status);
    expect(await readFailures(store)).toEqual([]);
  });

  it('begins to fail anew after a batch was committed', async () => {
    const status = startProcess();
    await fail(status);
    await succeed(status);
    now += 5000;
    await fail(status);
    expect(await readFailures(store)).toMatchObject([{ since: seconds(5), attempts: 1 }]);
  });
});

describe('a partition that goes to another process', () => {
  it('is no longer told once that process commits a batch of it, and no other partition is touched', async () => {
    const [one, two] = [startProcess(), startProcess()];
    one.failed('clickstream', '3', gap);
    one.failed('clickstream', '4', gap);
    one.failed('prices', '3', gap);
    await one.settled();
    await succeed(two);
    const left = (await readFailures(store)).map(({ stream, partitionId }) => `${stream} ${partitionId}`);
    expect(left.sort()).toEqual(['clickstream 4', 'prices 3']);
  });

  it('has failed since the first process met the failure, when it fails there as well', async () => {
    const one = startProcess();
    await fail(one);
    now += 60_000;
    await fail(one);
    now += 60_000;
    const two = startProcess();
    await fail(two);
    expect(await readFailures(store)).toMatchObject([
      { since: seconds(0), lastFailure: seconds(120), attempts: 3 },
    ]);
    now += 20_000;
    await fail(two);
    expect(await readFailures(store)).toMatchObject([{ since: seconds(0), attempts: 4 }]);
  });

  it('is cleared within a minute if the process that lost it records a failure too late', async () => {
    const [late, owner] = [startProcess(), startProcess()];
    await succeed(owner);
    await fail(late);
    now += 59_000;
    await succeed(owner);
    expect(await readFailures(store)).toHaveLength(1);
    now += 1000;
    await succeed(owner);
    expect(await readFailures(store)).toEqual([]);
  });

  it('is told again when the process that lost it clears the failure of its new owner', async () => {
    const [late, owner] = [startProcess(), startProcess()];
    await fail(owner);
    await succeed(late);
    now += 10_000;
    await fail(owner);
    expect(await readFailures(store)).toMatchObject([{ since: seconds(0), attempts: 2 }]);
  });
});

it('costs a partition that is well one request a minute', async () => {
  const status = startProcess();
  for (let second = 0; second < 120; second++, now += 1000) await succeed(status);
  expect(store.requests).toEqual(['delete', 'delete']);
});

describe('a lake that does not take the status', () => {
  it('delays no batch, and has the last state in the end', async () => {
    const status = startProcess();
    const open = store.close();
    status.failed('clickstream', '3', gap);
    await expect.poll(() => store.requests).toEqual(['get', 'put']);
    // What is asked for now is answered at once.
    store.gate = undefined;
    status.succeeded('clickstream', '3');
    await new Promise(setImmediate);
    open();
    await status.settled();
    expect(await readFailures(store)).toEqual([]);
  });

  it('does not have a failure begin before the last commit', async () => {
    await fail(startProcess());
    now += 60_000;
    const status = startProcess();
    const open = store.close('get');
    status.failed('clickstream', '3', gap);
    await expect.poll(() => store.requests.at(-1)).toBe('get');
    status.succeeded('clickstream', '3');
    status.failed('clickstream', '3', slow);
    open();
    await status.settled();
    expect(await readFailures(store)).toMatchObject([
      { code: 'delta.contention', since: seconds(60), attempts: 1 },
    ]);
  });

  it('is known in this process until the lake has it', async () => {
    const open = store.close();
    const status = startProcess();
    status.failed('clickstream', '3', gap);
    expect(status.unrecorded()).toMatchObject([{ partitionId: '3', code: 'ingest.gap' }]);
    open();
    await status.settled();
    expect(status.unrecorded()).toEqual([]);
  });

  it('is warned of once, until it has taken one again', async () => {
    store.failure = new TributaryError('storage.unavailable', 'No answer.');
    const status = startProcess();
    for (let attempt = 0; attempt < 5; attempt++, now += 20_000) await fail(status);
    status.failed('prices', '0', gap);
    await status.settled();
    expect(warnings).toEqual([store.failure]);

    const { failure } = store;
    store.failure = undefined;
    await fail(status);
    expect(await readFailures(store)).toMatchObject([{ since: seconds(0), attempts: 6 }]);
    store.failure = failure;
    now += 20_000;
    await fail(status);
    expect(warnings).toHaveLength(2);
  });

  it('is asked to forget a failure again with a later batch', async () => {
    const status = startProcess();
    await fail(status);
    store.failure = new TributaryError('storage.unavailable', 'No answer.');
    await succeed(status);
    store.failure = undefined;
    now += 10_000;
    await succeed(status);
    expect(await readFailures(store)).toEqual([]);
  });
});

describe('what is recorded of an error', () => {
  it.each<[string, unknown, object]>([
    [
      'the table that it is about',
      new TributaryError('delta.hole', 'gone', { table: 'clicks' }),
      { code: 'delta.hole', message: 'gone', table: 'clicks' },
    ],
    [
      'the name alone of an error that is not ours',
      new RangeError('secret'),
      { code: 'unknown', message: 'RangeError' },
    ],
    ['the kind of what is no error', 'secret', { code: 'unknown', message: 'string' }],
  ])('is %s', async (_what, error, expected) => {
    const status = startProcess();
    status.failed('clickstream', '3', error);
    await status.settled();
    const [failure] = await readFailures(store);
    expect(failure).toMatchObject(expected);
    expect(JSON.stringify(failure)).not.toContain('secret');
    expect(failure && 'table' in failure).toBe('table' in expected);
  });
});
