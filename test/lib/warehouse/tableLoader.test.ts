import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { TributaryError } from '../../../src/lib/errors';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import type { LoadReport } from '../../../src/lib/warehouse/loadCommits';
import type { LoadStatus } from '../../../src/lib/warehouse/loadStatus';
import { openSynapse } from '../../../src/lib/warehouse/synapse/synapseWarehouse';
import { TableLoader } from '../../../src/lib/warehouse/tableLoader';
import type { Warehouse } from '../../../src/lib/warehouse/warehouse';
import { Session } from '../../kit/tds/session';
import { TdsServer } from '../../kit/tds/tdsServer';
import { clicks, clicksTable, DeltaTable } from './deltaTable';

const table = clickstream.warehouse as WarehouseTable;

let server: TdsServer;
let warehouse: Warehouse;
let delta: DeltaTable;
let loader: TableLoader;
let loads: LoadReport[];
let warnings: string[];
let statuses: LoadStatus[];

beforeEach(async () => {
  server = await TdsServer.start();
  warehouse = openSynapse({ address: server.address });
  await warehouse.init([table]);
  delta = await clicksTable();
  [loads, warnings, statuses] = [[], [], []];
  loader = new TableLoader({
    table,
    commits: async () => delta.commits,
    warehouse: async () => warehouse,
    intervalMs: 100,
    onLoad: (report) => loads.push(report),
    onStatus: (status) => statuses.push(status),
    warn: (message) => warnings.push(message),
  });
});
afterEach(async () => {
  await loader.stop();
  await warehouse.close();
  await server.close();
});

const untilLoaded = (count: number) =>
  vi.waitFor(() => expect(server.rows('clickstream.clicks')).toHaveLength(count), { timeout: 10_000 });

describe('a nudge', () => {
  it('has new rows loaded, and many of them make few loads', async () => {
    await delta.commit(clicks(1));
    loader.nudge();
    await untilLoaded(1);
    for (let version = 0; version < 20; version++) {
      await delta.commit(clicks(1));
      loader.nudge();
    }
    await untilLoaded(21);
    expect(loads.length).toBeLessThan(10);
    // The rows are there before the loader has seen that nothing comes after them.
    await vi.waitFor(() => expect(loader.status).toEqual({ state: 'current' }), { timeout: 10_000 });
  });

  it('is not lost when it comes after a load under way has read the log', async () => {
    await delta.commit(clicks(1));
    const holder = new Session(server.engine);
    await server.engine.lock('ops.load_ledger', holder);
    const running = loader.catchUp(10_000);
    await vi.waitFor(
      () => expect(server.batches.some((text) => text.includes('INSERT INTO [clickstream]'))).toBe(true),
      {
        timeout: 10_000,
      },
    );
    await delta.commit(clicks(1));
    loader.nudge();
    server.engine.release(holder);
    await running;
    await untilLoaded(2);
  });

  it('returns at once and never throws, even if the warehouse fails', async () => {
    await delta.commit(clicks(1));
    server.refuseLogins = { number: 42108, message: 'Cannot connect: the pool is paused.' };
    server.dropAll();
    loader.nudge();
    await vi.waitFor(
      () => expect(loader.status).toEqual({ state: 'failed', error: 'warehouse.unavailable' }),
      {
        timeout: 10_000,
      },
    );
    await loader.catchUp(10_000);
    // The same trouble twice is one line.
    expect(warnings).toEqual([expect.stringContaining('42108')]);
  });
});

describe('after a failure', () => {
  it('nudges wait longer and longer, and a catch-up by the clock goes through', async () => {
    await delta.commit(clicks(3));
    server.refuseLogins = { number: 42108, message: 'Cannot connect: the pool is paused.' };
    server.dropAll();
    for (let tries = 0; tries < 8; tries++) await loader.catchUp(10_000);
    const logins = server.logins;
    for (let nudges = 0; nudges < 50; nudges++) loader.nudge();
    // 100 ms doubled eight times, or half of that: by far no other try yet.
    await new Promise((done) => setTimeout(done, 300));
    expect(server.logins).toBe(logins);
    server.refuseLogins = undefined;
    expect(await loader.catchUp(10_000)).toEqual({ state: 'current' });
    expect(server.rows('clickstream.clicks')).toHaveLength(3);
  });

  it('a nudge waits five minutes at most, spread at random, however often loads have failed', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    onTestFinished(() => void vi.restoreAllMocks());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    let tries = 0;
    const paused = new TableLoader({
      table,
      commits: async () => delta.commits,
      warehouse: async () => {
        tries++;
        throw new TributaryError('warehouse.unavailable', 'The pool is paused.');
      },
      warn: () => {},
    });
    for (let failures = 0; failures < 30; failures++) await paused.catchUp(10_000);
    paused.nudge();
    await vi.advanceTimersByTimeAsync(299_000);
    expect(tries).toBe(30);
    await vi.advanceTimersByTimeAsync(1000);
    expect(tries).toBe(31);
    await paused.stop();
  });

  it('a nudge waits no longer than after the first one if loads have succeeded since', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    onTestFinished(() => void vi.restoreAllMocks());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let [isDown, tries] = [true, 0];
    const one = new TableLoader({
      table,
      commits: async () => {
        tries++;
        if (isDown) throw new TributaryError('storage.unavailable', 'The lake is away.');
        return delta.commits;
      },
      warehouse: async () => warehouse,
      warn: () => {},
    });
    for (let failures = 0; failures < 10; failures++) await one.catchUp(10_000);
    isDown = false;
    expect(await one.catchUp(10_000)).toEqual({ state: 'current' });
    isDown = true;
    await one.catchUp(10_000);
    one.nudge();
    await vi.advanceTimersByTimeAsync(6000);
    expect(tries).toBe(13);
    await one.stop();
  });

  it.each([
    ['half a minute', 3_000, 30_000],
    ['as long as between two loads if that is longer', 40_000, 40_000],
  ])('nudges wait %s if a rebuild is needed', async (_how, intervalMs, waited) => {
    let asked = 0;
    const one = new TableLoader({
      table,
      intervalMs,
      commits: async () => {
        asked++;
        return delta.commits;
      },
      warehouse: async () => warehouse,
      warn: () => {},
    });
    await delta.commit(clicks(1));
    await one.catchUp(10_000);
    await delta.removeAll();
    expect(await one.catchUp(10_000)).toMatchObject({ state: 'needs-rebuild' });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    one.nudge();
    await vi.advanceTimersByTimeAsync(waited - 5_000);
    expect(asked).toBe(2);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked).toBe(3);
    await one.stop();
  });

  it('nudges are heard again as soon as a catch-up has succeeded', async () => {
    await delta.commit(clicks(1));
    server.refuseLogins = { number: 42108, message: 'Cannot connect: the pool is paused.' };
    server.dropAll();
    for (let tries = 0; tries < 9; tries++) await loader.catchUp(10_000);
    // It waits for the end of the backoff, which is half a minute away or more.
    loader.nudge();
    server.refuseLogins = undefined;
    await loader.catchUp(10_000);
    await untilLoaded(1);
    await delta.commit(clicks(1));
    loader.nudge();
    await untilLoaded(2);
  });
});

it('says that a table needs rebuild, and how', async () => {
  await delta.commit(clicks(1));
  await loader.catchUp(10_000);
  await delta.removeAll();
  expect(await loader.catchUp(10_000)).toMatchObject({ state: 'needs-rebuild' });
  expect(warnings).toEqual([
    'Warehouse: clickstream.clicks needs rebuild: version 2 takes rows away. Run "npm run warehouse -- rebuild clickstream.clicks".',
  ]);
  // What is told does not change while the table stands where it stood.
  statuses = [];
  for (let times = 0; times < 2; times++) await loader.catchUp(10_000);
  expect(statuses.map(({ state }) => state)).toEqual(['needs-rebuild', 'needs-rebuild']);
});

it('does not tell a table to be behind that stands where another process has recorded it', async () => {
  await delta.commit(clicks(1));
  await loader.catchUp(10_000);
  const [recorded] = statuses.slice(-1);
  expect(recorded).toMatchObject({ state: 'current', position: { version: 1 } });
  statuses = [];
  const later = new TableLoader({
    table,
    commits: async () => delta.commits,
    warehouse: async () => warehouse,
    recorded: async () => recorded,
    onStatus: (status) => statuses.push(status),
    warn: (message) => warnings.push(message),
  });
  await later.catchUp(10_000);
  expect(statuses).toEqual([recorded]);
});

it('has nothing to load before there is a table', async () => {
  delta = new DeltaTable(clickstream);
  expect(await loader.catchUp(10_000)).toEqual({ state: 'no-table' });
  await delta.create();
  await delta.commit(clicks(1));
  expect(await loader.catchUp(10_000)).toEqual({ state: 'current' });
});

it('says how long reading the files and loading the rows took', async () => {
  await delta.commit(clicks(100));
  const started = performance.now();
  await loader.catchUp(10_000);
  const elapsed = performance.now() - started;
  const { read = -1, load = -1 } = loads[0]?.milliseconds ?? {};
  expect(Math.min(read, load)).toBeGreaterThan(0);
  expect(read + load).toBeLessThanOrEqual(elapsed);
});

it('ends between two loads when its time is over', async () => {
  for (let version = 0; version < 3; version++) await delta.commit(clicks(60_000));
  expect(await loader.catchUp(1)).toEqual({ state: 'behind' });
  await loader.stop();
  expect(await loader.catchUp(10_000)).toEqual({ state: 'behind' });
});

it('has a catch-up go on where one that is under way must end', async () => {
  await delta.commit(clicks(1));
  await loader.catchUp(10_000);
  const holder = new Session(server.engine);
  await server.engine.lock('ops.load_ledger', holder);
  const before = server.batches.length;
  await delta.commit(clicks(1));
  const short = loader.catchUp(1000);
  const isSent = () => expect(server.batches.slice(before).join()).toContain('INSERT INTO [clickstream]');
  await vi.waitFor(isSent, { timeout: 10_000 });
  await delta.commit(clicks(1));
  const long = loader.catchUp(20_000);
  expect(await short).toEqual({ state: 'behind' });
  server.engine.release(holder);
  expect(await long).toEqual({ state: 'current' });
  expect(server.rows('clickstream.clicks')).toHaveLength(3);
});

it('waits a little longer than its limit for a load that is under way', async () => {
  await delta.commit(clicks(1));
  server.hold = { batch: /INSERT INTO \[clickstream\]/, ms: () => 2500 };
  // It ends between two loads.
  expect(await loader.catchUp(2000)).toEqual({ state: 'behind' });
  expect(server.rows('clickstream.clicks')).toHaveLength(1);
  expect(statuses.at(-1)).toMatchObject({ state: 'behind', position: { version: 1 } });
});

it('does not wait for a load that takes much too long, and the load ends by itself', async () => {
  await delta.commit(clicks(1));
  server.hold = { batch: /INSERT INTO \[clickstream\]/, ms: () => 3000 };
  const started = performance.now();
  expect(await loader.catchUp(500)).toEqual({ state: 'behind' });
  expect(performance.now() - started).toBeLessThan(2500);
  await untilLoaded(1);
});

it('asks neither the lake nor the warehouse for anything after it was stopped', async () => {
  await delta.commit(clicks(1));
  let asked = 0;
  const stopped = new TableLoader({
    table,
    commits: async () => {
      asked++;
      return delta.commits;
    },
    warehouse: async () => {
      asked++;
      return warehouse;
    },
    warn: (message) => warnings.push(message),
  });
  await stopped.stop();
  stopped.nudge();
  expect(await stopped.catchUp(10_000)).toEqual(stopped.status);
  expect([asked, warnings]).toEqual([0, []]);
});
