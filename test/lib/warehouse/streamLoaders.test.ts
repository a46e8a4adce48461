import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { Stream } from '../../../src/lib/streams/stream';
import { readLoadStatus } from '../../../src/lib/warehouse/loadStatus';
import { StreamLoaders, type StreamLoadersOptions } from '../../../src/lib/warehouse/streamLoaders';
import { openSynapse } from '../../../src/lib/warehouse/synapse/synapseWarehouse';
import { parseWarehouse } from '../../../src/lib/warehouse/warehouseSetting';
import { Session } from '../../kit/tds/session';
import { TdsServer } from '../../kit/tds/tdsServer';
import { clicks, clicksTable, DeltaTable } from './deltaTable';

let server: TdsServer | undefined;
let loaders: StreamLoaders | undefined;
afterEach(async () => {
  await loaders?.close();
  await server?.close();
});

/** A server that has the tables of streams. */
async function startServer(...streams: readonly Stream[]): Promise<TdsServer> {
  const started = await TdsServer.start();
  const warehouse = openSynapse({ address: started.address });
  await warehouse.init([clickstream, ...streams].flatMap((stream) => stream.warehouse ?? []));
  await warehouse.close();
  return started;
}

const start = (setting: string, delta: DeltaTable, more: Partial<StreamLoadersOptions> = {}) => {
  loaders = new StreamLoaders({
    setting: parseWarehouse(setting),
    streams: [clickstream],
    at: async () => delta.at,
    warn: () => {},
    ...more,
  });
  return loaders;
};

it('ends within seconds, also while a load hangs in the warehouse, and the lake does not answer', {
  timeout: 20_000,
}, async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  server = await startServer();
  const holder = new Session(server.engine);
  await server.engine.lock('ops.load_ledger', holder);
  const one = start(server.connectionString, delta);
  delta.at.store.put = () => new Promise(() => {});
  const { batches, engine } = server;
  const hanging = one.catchUp(60_000);
  await vi.waitFor(
    () => expect(batches.some((text) => text.includes('INSERT INTO [clickstream]'))).toBe(true),
    { timeout: 10_000 },
  );
  const ended = await Promise.race([
    one.close().then(() => 'closed'),
    new Promise((done) => setTimeout(done, 10_000, 'still waiting')),
  ]);
  engine.release(holder);
  expect(ended).toBe('closed');
  await hanging;
});

it('has recorded where the tables stand, and closed its connections, when it has ended', async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  server = await startServer();
  const { store } = delta.at;
  const put = store.put.bind(store);
  store.put = async (path, bytes) => {
    await new Promise((done) => setTimeout(done, 100));
    return put(path, bytes);
  };
  const one = start(server.connectionString, delta);
  await one.catchUp(60_000);
  expect(server.connections).toBeGreaterThan(0);
  await one.close();
  expect(await readLoadStatus(store, 'clickstream.clicks')).toMatchObject({
    state: 'current',
    position: { version: 1 },
  });
  await vi.waitFor(() => expect(server?.connections).toBe(0));
});

it('only the stream that is named is nudged, and one without a table in the warehouse never', async () => {
  const { warehouse: table, ...lakeOnly } = clickstream;
  if (!table) throw new Error('There is no table.');
  const views = { ...clickstream, name: 'views', table: 'views', warehouse: { ...table, name: 'views' } };
  const deltas = [await clicksTable(), await new DeltaTable(views).create()];
  for (const delta of deltas) await delta.commit(clicks(1));
  server = await startServer(views);
  const asked = new Set<string>();
  const one = start(server.connectionString, deltas[0] as DeltaTable, {
    streams: [clickstream, { ...lakeOnly, name: 'letters', table: 'letters' }, views],
    at: async (name) => {
      asked.add(name);
      return (deltas[name === 'views' ? 1 : 0] as DeltaTable).at;
    },
  });
  const untilLoaded = (name: string) =>
    vi.waitFor(() => expect(server?.rows(`clickstream.${name}`)).toHaveLength(1), { timeout: 10_000 });
  one.nudge({ ...lakeOnly, name: 'letters' });
  one.nudge(views);
  await untilLoaded('views');
  expect([...asked]).toEqual(['views']);
  one.nudge(clickstream);
  await untilLoaded('clicks');
});

it('does nothing at all without a warehouse', async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  const [asked, warnings]: string[][] = [[], []];
  const one = start('none', delta, {
    at: async (name) => {
      asked?.push(name);
      return delta.at;
    },
    warn: (message) => warnings?.push(message),
  });
  await one.catchUp(60_000);
  await one.close();
  expect([asked, warnings]).toEqual([[], []]);
});

it('lets the step of a load that is under way end first', async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  server = await startServer();
  const warnings: string[] = [];
  const one = start(server.connectionString, delta, { warn: (message) => warnings.push(message) });
  server.hold = { batch: /INSERT INTO \[clickstream\]/, ms: () => 800 };
  const loading = one.catchUp(60_000);
  await vi.waitFor(() =>
    expect(server?.batches.some((text) => text.includes('INSERT INTO [click'))).toBe(true),
  );
  await one.close();
  expect(server.rows('clickstream.clicks')).toHaveLength(1);
  await loading;
  expect(warnings).toEqual([]);
});

it('leaves a DuckDB file to others when it has ended', async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  const folder = mkdtempSync(join(tmpdir(), 'loaders-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const one = start(`duckdb:${join(folder, 'one.duckdb')}`, delta);
  await one.catchUp(60_000);
  expect(readdirSync(folder).sort()).toEqual(['one.duckdb', 'one.duckdb.owner.json', 'one.duckdb.wal']);
  await one.close();
  expect(readdirSync(folder)).toEqual(['one.duckdb']);
});

it('loads all rows again into a DuckDB file that was deleted, although the lake says that it has them', async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(3));
  const folder = mkdtempSync(join(tmpdir(), 'loaders-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const setting = `duckdb:${join(folder, 'one.duckdb')}`;
  const load = async () => {
    const reports: number[] = [];
    const one = start(setting, delta, { onLoad: ({ rows }) => reports.push(rows) });
    await one.catchUp(60_000);
    await one.close();
    return reports;
  };
  expect(await load()).toEqual([3]);
  expect(await readLoadStatus(delta.at.store, 'clickstream.clicks')).toMatchObject({ state: 'current' });
  expect(await load()).toEqual([]);
  rmSync(join(folder, 'one.duckdb'));
  expect(await load()).toEqual([3]);
});

it('stages many rows for a dedicated pool, and says if that is refused', { timeout: 30_000 }, async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(20_000));
  server = await startServer();
  server.engine.copyRefusal = 229;
  const warnings: string[] = [];
  const one = start(server.connectionString, delta, {
    staging: async () => ({ store: new MemoryStore(), urlOf: (path) => `https://lake/${path}` }),
    warn: (message) => warnings.push(message),
  });
  await one.catchUp(60_000);
  expect(server.rows('clickstream.clicks')).toHaveLength(20_000);
  expect(warnings).toEqual([expect.stringContaining('COPY INTO is refused')]);
});

it('asks for no place to stage rows of a DuckDB file', async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  const folder = mkdtempSync(join(tmpdir(), 'loaders-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [reports, warnings]: [number[], string[]] = [[], []];
  const one = start(`duckdb:${join(folder, 'one.duckdb')}`, delta, {
    staging: () => Promise.reject(new Error('There is none.')),
    onLoad: ({ rows }) => reports.push(rows),
    warn: (message) => warnings.push(message),
  });
  await one.catchUp(60_000);
  await one.close();
  expect([reports, warnings]).toEqual([[1], []]);
});
