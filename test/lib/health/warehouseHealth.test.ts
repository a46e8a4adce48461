import { afterEach, expect, it } from 'vitest';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { beginning } from '../../../src/lib/delta/position';
import { TributaryError } from '../../../src/lib/errors';
import { readWarehouseHealth } from '../../../src/lib/health/warehouseHealth';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import { readLedgerPosition } from '../../../src/lib/warehouse/ledgerPosition';
import { loadStatusPath, writeLoadStatus } from '../../../src/lib/warehouse/loadStatus';
import { rebuild } from '../../../src/lib/warehouse/rebuild';
import { StreamLoaders } from '../../../src/lib/warehouse/streamLoaders';
import { SqlClient } from '../../../src/lib/warehouse/synapse/sqlClient';
import { openSynapse } from '../../../src/lib/warehouse/synapse/synapseWarehouse';
import { parseWarehouse } from '../../../src/lib/warehouse/warehouseSetting';
import { TdsServer } from '../../kit/tds/tdsServer';
import { clicks, clicksTable, DeltaTable } from '../warehouse/deltaTable';
import { earlierSqlLoader } from '../warehouse/earlierLoader';

/*
 * One process loads, and another one, which has no connection to the database, is asked for the health.
 */

const table = clickstream.warehouse as WarehouseTable;
const remedy = { command: 'npm run warehouse -- rebuild clickstream.clicks', stopApp: false };

let server: TdsServer;
let opened: StreamLoaders[] = [];
afterEach(async () => {
  await Promise.all(opened.map((loaders) => loaders.close()));
  opened = [];
  await server.close();
});

async function startServer(): Promise<void> {
  server = await TdsServer.start();
  const warehouse = openSynapse({ address: server.address });
  await warehouse.init([table]);
  await warehouse.close();
}

/** A table of this many versions, the first of them empty. */
async function tableOf(versions: number): Promise<DeltaTable> {
  const delta = await clicksTable();
  for (let version = 1; version < versions; version++) await delta.commit(clicks(1));
  return delta;
}

function startLoaders(delta: DeltaTable): StreamLoaders {
  const loaders = new StreamLoaders({
    setting: parseWarehouse(server.connectionString),
    streams: [clickstream],
    at: async () => delta.at,
    warn: () => {},
  });
  opened.push(loaders);
  return loaders;
}

/** Has one process load all that is missing, and end. */
async function load(delta: DeltaTable): Promise<void> {
  const loaders = startLoaders(delta);
  await loaders.catchUp(10_000);
  await loaders.close();
}

const health = (delta: DeltaTable) =>
  readWarehouseHealth({
    kind: 'sql',
    store: async () => delta.at.store,
    tables: [{ table, state: () => openState(delta.at) }],
  });

/** The store goes back to this version, and others are committed in the place of the lost ones. */
async function rollBack(delta: DeltaTable, to: number): Promise<void> {
  const newest = (await openState(delta.at))?.version ?? 0;
  for (let lost = newest; lost > to; lost--) await delta.at.store.delete(commitPath(delta.at.table, lost));
  for (let version = 0; version < 4; version++) await delta.commit(clicks(1));
}

it('shows the lag in versions and seconds', async () => {
  await startServer();
  const delta = await tableOf(2);
  const behind = await health(delta);
  expect(behind).toMatchObject({
    kind: 'sql',
    status: 'ok',
    tables: [
      {
        table: 'clickstream.clicks',
        deltaVersion: 1,
        loadedVersion: -1,
        versionsBehind: 2,
        loader: 'idle',
      },
    ],
  });
  expect(behind.tables[0]?.secondsBehind).toBeGreaterThanOrEqual(0);
  await load(delta);
  expect(await health(delta)).toEqual({
    kind: 'sql',
    status: 'ok',
    keepsMarks: true,
    tables: [
      {
        table: 'clickstream.clicks',
        deltaVersion: 1,
        loadedVersion: 1,
        versionsBehind: 0,
        secondsBehind: 0,
        needsRebuild: false,
        loader: 'current',
      },
    ],
  });
});

it('is degraded when a table is more than two minutes behind, although nothing fails', async () => {
  await startServer();
  const delta = await tableOf(1);
  await load(delta);
  const path = commitPath(delta.at.table, await delta.commit(clicks(1)));
  expect((await health(delta)).status).toBe('ok');
  const entry = Buffer.from((await delta.at.store.get(path))?.bytes ?? []).toString();
  const minutesAgo = (minutes: number) =>
    entry.replace(/"timestamp":\d+/, `"timestamp":${Date.now() - minutes * 60_000}`);
  await delta.at.store.put(path, Buffer.from(minutesAgo(3)));
  expect(await health(delta)).toMatchObject({ status: 'degraded', tables: [{ versionsBehind: 1 }] });
});

it('is degraded, and names the command, if a table cannot follow its log', async () => {
  await startServer();
  const delta = await tableOf(2);
  await load(delta);
  await delta.removeAll();
  // Before the loader has met it.
  expect(await health(delta)).toMatchObject({ status: 'degraded', tables: [{ needsRebuild: true, remedy }] });
});

it('says which kind of error it is, and where the table stood before, but nothing of servers, users or passwords', async () => {
  await startServer();
  const delta = await tableOf(2);
  await load(delta);
  await delta.commit(clicks(1));
  server.refuseLogins = { number: 18456, message: "Login failed for user 'loader'." };
  await load(delta);
  const found = await health(delta);
  expect(found).toMatchObject({
    status: 'degraded',
    tables: [{ loadedVersion: 1, versionsBehind: 1, loader: 'failed', error: 'warehouse.refused' }],
  });
  expect(JSON.stringify(found)).not.toMatch(/loader'|Login/);
});

it('is well again as soon as a load succeeds', async () => {
  await startServer();
  const delta = await tableOf(2);
  server.refuseLogins = { number: 18456, message: 'Login failed.' };
  const loaders = startLoaders(delta);
  await loaders.catchUp(10_000);
  await expect.poll(async () => (await health(delta)).status).toBe('degraded');
  server.refuseLogins = undefined;
  await loaders.catchUp(10_000);
  await expect.poll(async () => (await health(delta)).status).toBe('ok');
});

it('names the command that adds the columns which the app may not add', async () => {
  await startServer();
  const delta = await tableOf(2);
  const error = 'warehouse.schema';
  await writeLoadStatus(delta.at.store, 'clickstream.clicks', { state: 'failed', error });
  expect(await health(delta)).toMatchObject({
    status: 'degraded',
    tables: [{ error, remedy: { command: 'npm run warehouse -- init', stopApp: false } }],
  });
});

it('is degraded when nothing was ever loaded of a log whose beginning is cleaned away', async () => {
  await startServer();
  const delta = await tableOf(3);
  await checkpoint({ at: delta.at });
  await delta.at.store.delete(commitPath(delta.at.table, 0));
  expect(await health(delta)).toMatchObject({
    status: 'degraded',
    tables: [{ loader: 'idle', loadedVersion: -1, versionsBehind: 3, secondsBehind: null }],
  });
});

it('never asks the database', async () => {
  await startServer();
  const delta = await tableOf(2);
  await load(delta);
  const before = server.batches.length;
  await health(delta);
  expect(server.batches).toHaveLength(before);
});

it('names a lake that went back in time, although the loader has not met it', async () => {
  await startServer();
  const delta = await tableOf(4);
  await load(delta);
  await rollBack(delta, 1);
  expect(await health(delta)).toMatchObject({
    status: 'degraded',
    tables: [
      { needsRebuild: true, reason: expect.stringContaining('went back in time'), loader: 'current', remedy },
    ],
  });
});

it('asks for a rebuild where only the loader knows that one is needed: a data file is gone', async () => {
  await startServer();
  const delta = await tableOf(2);
  await load(delta);
  await delta.commit(clicks(1));
  const newest = [...((await openSnapshot(delta.at))?.files.keys() ?? [])].at(-1);
  await delta.at.store.delete(`${delta.at.table}/${newest}`);
  await load(delta);
  expect(await health(delta)).toMatchObject({
    status: 'degraded',
    tables: [
      { needsRebuild: true, reason: expect.stringContaining('is gone'), loader: 'needs-rebuild', remedy },
    ],
  });
});

it('asks for no second rebuild after the first', async () => {
  await startServer();
  const delta = await tableOf(4);
  await load(delta);
  await rollBack(delta, 1);
  await load(delta);
  expect((await health(delta)).tables).toMatchObject([{ needsRebuild: true }]);
  const warehouse = openSynapse({ address: server.address });
  await rebuild({ warehouse, at: delta.at, table, signal: new AbortController().signal });
  const position = await readLedgerPosition(warehouse, table);
  await warehouse.close();
  // As the command does it.
  await writeLoadStatus(delta.at.store, 'clickstream.clicks', { state: 'behind', position });
  const found = await health(delta);
  expect(found).toMatchObject({ status: 'ok', tables: [{ needsRebuild: false, versionsBehind: 0 }] });
  expect(found.tables[0]).not.toHaveProperty('remedy');
});

it('says keepsMarks: false if the ledger cannot keep marks, and loads go on', async () => {
  await startServer();
  const delta = await tableOf(1);
  await delta.commit(clicks(2));
  const client = new SqlClient(server);
  await earlierSqlLoader(client, ' WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)').makeLedger(
    'clickstream.clicks',
    beginning,
  );
  await client.close();
  server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
  await load(delta);
  expect(server.rows('clickstream.clicks')).toHaveLength(2);
  expect(await health(delta)).toMatchObject({
    status: 'degraded',
    keepsMarks: false,
    remedy: { command: 'npm run warehouse -- init', stopApp: false },
    tables: [{ versionsBehind: 0, needsRebuild: false }],
  });
});

it('says of a table that is not there yet that it is not behind', async () => {
  await startServer();
  expect(await health(new DeltaTable(clickstream))).toMatchObject({
    status: 'ok',
    tables: [
      { deltaVersion: -1, loadedVersion: -1, versionsBehind: 0, secondsBehind: 0, needsRebuild: false },
    ],
  });
});

it('passes over a record that is damaged', async () => {
  await startServer();
  const delta = await tableOf(1);
  await load(delta);
  for (const text of ['{"state":"curr', 'null', '{"state":"<b>"}', '{"state":"failed","error":"<b>"}']) {
    await delta.at.store.put(loadStatusPath('clickstream.clicks'), Buffer.from(text));
    expect(JSON.stringify(await health(delta))).not.toContain('<b>');
  }
});

it('shows the other tables where the state of one cannot be read', async () => {
  await startServer();
  const delta = await tableOf(1);
  await load(delta);
  const refused = async () => {
    throw new TributaryError('delta.unsupported', 'assets needs a feature.');
  };
  const found = await readWarehouseHealth({
    kind: 'sql',
    store: async () => delta.at.store,
    tables: [
      { table: { ...table, name: 'other' }, state: refused },
      { table, state: () => openState(delta.at) },
    ],
  });
  expect(found).toMatchObject({
    status: 'degraded',
    error: 'delta.unsupported',
    tables: [{ table: 'clickstream.clicks', versionsBehind: 0 }],
  });
});

it('is fine without a warehouse', async () => {
  await startServer();
  const delta = await tableOf(1);
  const none = await readWarehouseHealth({ kind: 'none', store: async () => delta.at.store, tables: [] });
  expect(none).toEqual({ kind: 'none', status: 'ok', tables: [] });
});
