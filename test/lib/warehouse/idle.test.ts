import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordLoad } from '../../../src/lib/app/recordLoad';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import { loadStatusPath, readLoadStatus } from '../../../src/lib/warehouse/loadStatus';
import { rebuild } from '../../../src/lib/warehouse/rebuild';
import { StreamLoaders } from '../../../src/lib/warehouse/streamLoaders';
import { openSynapse } from '../../../src/lib/warehouse/synapse/synapseWarehouse';
import type { Warehouse } from '../../../src/lib/warehouse/warehouse';
import { parseWarehouse } from '../../../src/lib/warehouse/warehouseSetting';
import { TdsServer } from '../../kit/tds/tdsServer';
import { clicks, clicksTable, DeltaTable } from './deltaTable';

/*
 * What is asked of the database while nothing is to be loaded, and while several processes load: an Azure SQL database that is asked
 * nothing can pause.
 */

const table = clickstream.warehouse as WarehouseTable;
const name = 'clickstream.clicks';
let server: TdsServer;
let delta: DeltaTable;
let admin: Warehouse;
const processes: StreamLoaders[] = [];

/** The loaders of a process that starts now. */
const startProcess = () => {
  const one = new StreamLoaders({
    setting: parseWarehouse(server.connectionString),
    streams: [clickstream],
    at: async () => delta.at,
    warn: () => {},
  });
  processes.push(one);
  return one;
};
const catchUp = (loaders: StreamLoaders) => loaders.catchUp(10_000);
/** The statements that were sent meanwhile, without the options of new connections. */
async function sentDuring(work: () => Promise<unknown>): Promise<string[]> {
  const before = server.batches.length;
  await work();
  return server.batches.slice(before).filter((text) => !text.startsWith('set ansi_nulls'));
}

beforeEach(async () => {
  server = await TdsServer.start({ dialect: 'server' });
  delta = await clicksTable();
  admin = openSynapse({ address: server.address });
  await admin.init([table]);
});
afterEach(async () => {
  for (const one of processes.splice(0)) await one.close();
  await admin.close();
  await server.close();
});

describe('with nothing to load', () => {
  it('nothing is asked of the database, not even a connection', async () => {
    const one = startProcess();
    await delta.commit(clicks(3));
    await catchUp(one);
    const logins = server.logins;
    server.dropAll();
    await vi.waitFor(() => expect(server.connections).toBe(0));
    await new Promise((resolve) => setImmediate(resolve));
    expect(
      await sentDuring(async () => {
        for (let times = 0; times < 5; times++) await catchUp(one);
      }),
    ).toEqual([]);
    expect(server.logins).toBe(logins);
    await delta.commit(clicks(2));
    await catchUp(one);
    expect(server.rows(name)).toHaveLength(5);
  });

  it('nothing is asked by a process that starts now either, if another one has recorded where the table stands', async () => {
    const one = startProcess();
    await delta.commit(clicks(3));
    await catchUp(one);
    await one.close();
    const two = startProcess();
    expect(await sentDuring(() => catchUp(two))).toEqual([]);
    await two.close();
    expect(await readLoadStatus(delta.at.store, name)).toMatchObject({ state: 'current', keepsMarks: true });
    await delta.commit(clicks(2));
    await catchUp(startProcess());
    expect(server.rows(name)).toHaveLength(5);
  });

  it('nothing is asked twice as long as there is no table in the lake', async () => {
    delta = new DeltaTable(clickstream);
    const one = startProcess();
    await catchUp(one);
    expect(await sentDuring(() => catchUp(one))).toEqual([]);
    await one.close();
    const two = startProcess();
    expect(await sentDuring(() => catchUp(two))).toEqual([]);
    await delta.create();
    await delta.commit(clicks(2));
    await catchUp(two);
    expect(server.rows(name)).toHaveLength(2);
  });

  it.each(['takes rows away', 'was cleaned', 'was made again'])(
    'nothing is asked of a table that needs a rebuild, until the log goes on or it was rebuilt: the log %s',
    async (why) => {
      const one = startProcess();
      await delta.commit(clicks(3));
      await catchUp(one);
      if (why === 'takes rows away') await delta.removeAll();
      if (why === 'was cleaned') {
        await delta.commit(clicks(1));
        await delta.checkpointAndClean();
      }
      if (why === 'was made again') {
        for await (const { path } of delta.at.store.list('clicks/')) await delta.at.store.delete(path);
        await delta.create();
      }
      await catchUp(one);
      expect(await readLoadStatus(delta.at.store, name)).toMatchObject({ state: 'needs-rebuild' });
      expect(await sentDuring(() => catchUp(one))).toEqual([]);
      await one.close();
      const two = startProcess();
      for (const _ of [1, 2]) expect(await sentDuring(() => catchUp(two))).toEqual([]);
      await delta.commit(clicks(1));
      const sent = await sentDuring(() => catchUp(two));
      expect(sent.at(-1)).toContain('FROM ops.load_ledger');
      expect(await sentDuring(() => catchUp(two))).toEqual([]);
      // Another process rebuilds the table, and says so.
      const signal = new AbortController().signal;
      await rebuild({ warehouse: admin, at: delta.at, table, signal });
      await recordLoad(admin, delta.at, table, { state: 'behind' });
      await catchUp(two);
      await two.close();
      expect(await readLoadStatus(delta.at.store, name)).toMatchObject({ state: 'current' });
    },
  );

  it('the ledger is asked if the record is of another warehouse, or of a load that failed', async () => {
    const one = startProcess();
    await delta.commit(clicks(3));
    await catchUp(one);
    await one.close();
    const path = loadStatusPath(name);
    const found = await delta.at.store.get(path);
    const record = JSON.parse(Buffer.from(found?.bytes ?? []).toString());
    for (const other of [{ warehouse: 'another' }, { state: 'failed' }]) {
      await delta.at.store.put(path, Buffer.from(JSON.stringify({ ...record, ...other })));
      const sent = await sentDuring(() => catchUp(startProcess()));
      expect(sent.some((text) => text.includes('FROM ops.load_ledger'))).toBe(true);
    }
  });
});

describe('a process that was overtaken', () => {
  const texts = (sent: readonly string[]) =>
    sent.filter((text) => text.includes('INSERT INTO [clickstream]'));

  it('asks the ledger before it sends rows again, until it wins', async () => {
    const [one, two] = [startProcess(), startProcess()];
    await delta.commit(clicks(3));
    await catchUp(one);
    await catchUp(two);
    await delta.commit(clicks(3));
    await catchUp(one);
    // It cannot know yet that another one loads.
    expect(texts(await sentDuring(() => catchUp(two)))).toHaveLength(1);
    for (let times = 0; times < 3; times++) {
      await delta.commit(clicks(3));
      await catchUp(one);
      expect(texts(await sentDuring(() => catchUp(two)))).toEqual([]);
      await vi.waitFor(() => expect(server.rows(name)).toHaveLength(9 + times * 3));
    }
  });

  it('is like one that starts: it asks the ledger first, because what is recorded may be older', async () => {
    const path = loadStatusPath(name);
    const records: (Uint8Array | undefined)[] = [];
    for (const count of [3, 2]) {
      await delta.commit(clicks(count));
      const one = startProcess();
      await catchUp(one);
      await one.close();
      records.push((await delta.at.store.get(path))?.bytes);
    }
    await delta.at.store.put(path, records[0] ?? Buffer.from(''));
    expect(await readLoadStatus(delta.at.store, name)).toMatchObject({
      state: 'current',
      position: { version: 1 },
    });
    await delta.commit(clicks(4));
    expect(texts(await sentDuring(() => catchUp(startProcess())))).toHaveLength(1);
    expect(server.rows(name)).toHaveLength(9);
  });

  it('finds out that a table was rebuilt, or its log rolled back, before it says anything of it', async () => {
    const one = startProcess();
    for (const count of [3, 2]) await delta.commit(clicks(count));
    await catchUp(one);
    await delta.removeAll();
    await delta.commit(clicks(1));
    const signal = new AbortController().signal;
    expect(await rebuild({ warehouse: admin, at: delta.at, table, signal })).toMatchObject({
      outcome: 'rebuilt',
    });
    await catchUp(one);
    await one.close();
    expect(await readLoadStatus(delta.at.store, name)).toMatchObject({
      state: 'current',
      position: { version: 4 },
    });
    expect(server.rows(name)).toHaveLength(1);
  });
});
