import { afterEach, describe, expect, it, vi } from 'vitest';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { beginning } from '../../../src/lib/delta/position';
import { clickstream } from '../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import { rebuild } from '../../../src/lib/warehouse/rebuild';
import { StreamLoaders } from '../../../src/lib/warehouse/streamLoaders';
import { SqlClient } from '../../../src/lib/warehouse/synapse/sqlClient';
import { openSynapse } from '../../../src/lib/warehouse/synapse/synapseWarehouse';
import { parseWarehouse } from '../../../src/lib/warehouse/warehouseSetting';
import { Session } from '../../kit/tds/session';
import { TdsServer } from '../../kit/tds/tdsServer';
import { clicks, clicksTable, type DeltaTable } from './deltaTable';
import { earlierSqlLoader } from './earlierLoader';

let server: TdsServer | undefined;
let loaders: StreamLoaders | undefined;
afterEach(async () => {
  await loaders?.close();
  await server?.close();
});

/** A server that has the table. */
async function startServer(): Promise<TdsServer> {
  const started = await TdsServer.start();
  const warehouse = openSynapse({ address: started.address });
  if (clickstream.warehouse) await warehouse.init([clickstream.warehouse]);
  await warehouse.close();
  return started;
}

const start = (setting: string, delta: DeltaTable) => {
  loaders = new StreamLoaders({
    setting: parseWarehouse(setting),
    streams: [clickstream],
    at: async () => delta.at,
    warn: () => {},
  });
  return loaders;
};

describe('the health', () => {
  it('shows the lag in versions and seconds', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(1));
    server = await startServer();
    const behind = await start(server.connectionString, delta).health();
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
    await loaders?.close();
    const caughtUp = start(server.connectionString, delta);
    await caughtUp.catchUp(10_000);
    expect((await caughtUp.health()).tables).toMatchObject([
      { versionsBehind: 0, secondsBehind: 0, loader: 'current' },
    ]);
  });

  it('is degraded if a table cannot follow its log', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(1));
    server = await startServer();
    const one = start(server.connectionString, delta);
    await one.catchUp(10_000);
    await delta.removeAll();
    // Before the loader has met it.
    expect(await one.health()).toMatchObject({ status: 'degraded', tables: [{ needsRebuild: true }] });
  });

  it('says which kind of error it is, and nothing of servers, users or passwords', async () => {
    const delta = await clicksTable();
    server = await TdsServer.start();
    server.refuseLogins = { number: 18456, message: "Login failed for user 'loader'." };
    const health = await start(server.connectionString, delta).health();
    expect(health).toEqual({ kind: 'sql', status: 'degraded', error: 'warehouse.refused', tables: [] });
  });

  it('asks the warehouse once, however often it is asked', async () => {
    const delta = await clicksTable();
    server = await TdsServer.start();
    const one = start(server.connectionString, delta);
    await Promise.all(Array.from({ length: 50 }, () => one.health()));
    await one.health();
    expect(server.batches.filter((text) => text.includes('FROM ops.load_ledger'))).toHaveLength(1);
  });

  it('names a lake that went back in time, whichever process is asked', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 3; version++) await delta.commit(clicks(1));
    server = await startServer();
    const loading = start(server.connectionString, delta);
    await loading.catchUp(10_000);
    await loading.close();
    for (const lost of [3, 2]) await delta.at.store.delete(commitPath(delta.at.table, lost));
    for (let version = 0; version < 4; version++) await delta.commit(clicks(1));
    expect(await start(server.connectionString, delta).health()).toMatchObject({
      status: 'degraded',
      tables: [{ needsRebuild: true, reason: expect.stringContaining('went back in time'), loader: 'idle' }],
    });
  });

  it('asks for a rebuild where only the loader knows that one is needed: a data file is gone', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(1));
    server = await startServer();
    const loading = start(server.connectionString, delta);
    await loading.catchUp(10_000);
    await delta.commit(clicks(1));
    const newest = [...((await openSnapshot(delta.at))?.files.keys() ?? [])].at(-1);
    await delta.at.store.delete(`${delta.at.table}/${newest}`);
    await loading.catchUp(10_000);
    expect(await loading.health()).toMatchObject({
      status: 'degraded',
      tables: [{ needsRebuild: true, reason: expect.stringContaining('is gone'), loader: 'needs-rebuild' }],
    });
  });

  it('asks for no second rebuild while the loader has not looked again since the first', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 3; version++) await delta.commit(clicks(1));
    server = await startServer();
    const loading = start(server.connectionString, delta);
    await loading.catchUp(10_000);
    for (const lost of [3, 2]) await delta.at.store.delete(commitPath(delta.at.table, lost));
    for (let version = 0; version < 4; version++) await delta.commit(clicks(1));
    await loading.catchUp(10_000);
    const warehouse = openSynapse({ address: server.address });
    const table = clickstream.warehouse as WarehouseTable;
    await rebuild({ warehouse, at: delta.at, table, signal: new AbortController().signal });
    await warehouse.close();
    expect(await loading.health()).toMatchObject({
      status: 'ok',
      tables: [{ needsRebuild: false, versionsBehind: 0, loader: 'behind' }],
    });
  });

  it('says keepsMarks: false if the ledger cannot keep marks, and loads go on', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(2));
    server = await startServer();
    const client = new SqlClient(server);
    await earlierSqlLoader(client, ' WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)').makeLedger(
      'clickstream.clicks',
      beginning,
    );
    await client.close();
    server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
    const loading = start(server.connectionString, delta);
    await loading.catchUp(10_000);
    expect(server.rows('clickstream.clicks')).toHaveLength(2);
    expect(await loading.health()).toMatchObject({
      status: 'degraded',
      keepsMarks: false,
      tables: [{ versionsBehind: 0, needsRebuild: false }],
    });
  });

  it('is fine without a warehouse', async () => {
    const delta = await clicksTable();
    const none = start('none', delta);
    none.nudge(clickstream);
    await none.catchUp(1000);
    expect(await none.health()).toEqual({ kind: 'none', status: 'ok', tables: [] });
  });
});

it('ends within seconds, also while a load hangs in the warehouse', { timeout: 20_000 }, async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(1));
  server = await startServer();
  const holder = new Session(server.engine);
  await server.engine.lock('ops.load_ledger', holder);
  const one = start(server.connectionString, delta);
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
