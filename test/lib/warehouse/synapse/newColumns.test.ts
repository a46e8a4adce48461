import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MemoryStore } from '../../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import { readLoadStatus } from '../../../../src/lib/warehouse/loadStatus';
import { StreamLoaders } from '../../../../src/lib/warehouse/streamLoaders';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import type { Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { parseWarehouse } from '../../../../src/lib/warehouse/warehouseSetting';
import { Session } from '../../../kit/tds/session';
import { TdsServer } from '../../../kit/tds/tdsServer';
import { clicks, clicksTable, type DeltaTable } from '../deltaTable';
import { openForTest, type SynapseOptions } from './openForTest';

/*
 * How the columns come into a SQL pool, and what happens if they may not. What holds for every warehouse: ../newColumns.test.ts.
 */

const table = clickstream.warehouse as WarehouseTable;
/** The table as the previous release made it. */
const narrow = {
  ...table,
  columns: table.columns.filter(({ name }) => !/^(?:category|element)$/.test(name)),
};

let server: TdsServer;
let delta: DeltaTable;
const lake = new MemoryStore();
const open = (options?: SynapseOptions) => openForTest(server, options);

async function start(dialect: 'pool' | 'server'): Promise<void> {
  server = await TdsServer.start({
    dialect,
    fetchStaged: async (url) => (await lake.get(url.replace('https://lake/', '')))?.bytes,
  });
  await open().init([narrow]);
  delta = await clicksTable();
  await delta.commit(clicks(20));
}
beforeEach(() => start('pool'));
afterEach(() => server.close());

const follow = (by: Warehouse, of = table) =>
  catchUp({
    warehouse: by,
    commits: new UnloadedCommits(delta.at),
    table: of,
    signal: AbortSignal.timeout(60_000),
  });
const batchesLike = (text: string) => server.batches.filter((batch) => batch.includes(text)).length;
const categories = () => server.rows('clickstream.clicks').map(({ category }) => category);
const mayNotAlter = { number: 1088, message: 'Cannot find the object because you do not have permissions.' };

describe('a table that lacks columns', () => {
  it('gets them after the load that was refused, which then goes through', async () => {
    await follow(open());
    expect(categories()).toEqual(new Array(20).fill(3));
    expect(server.errors).toEqual([207]);
    expect(batchesLike('ALTER TABLE [clickstream].[clicks] ADD [category] int NULL')).toBe(1);
  });

  it('costs the loads after that no request', async () => {
    const warehouse = open();
    await follow(warehouse);
    await delta.commit(clicks(1));
    server.batches.length = 0;
    await follow(warehouse);
    expect(server.batches.filter((text) => text.includes('sys.columns'))).toEqual([]);
  });

  it('gets them before rows that go through a staged file, and nothing is left of that', async () => {
    const staging = { store: lake, urlOf: (path: string) => `https://lake/${path}` };
    await follow(open({ staging, copyThreshold: 10 }));
    expect(categories()).toEqual(new Array(20).fill(3));
    expect(batchesLike('COPY INTO')).toBe(2);
    expect([...server.engine.tables.keys()].filter((name) => name.includes('stage_'))).toEqual([]);
    for await (const { path } of lake.list('')) expect(path).toBe('');
  });

  it('gets them before a load of several batches in a transaction', async () => {
    await delta.commit(clicks(8000));
    await follow(open());
    expect(
      server.batches.filter((text) => text.startsWith('INSERT INTO [clickstream]')).length,
    ).toBeGreaterThan(1);
    expect(categories()).toHaveLength(8020);
    expect(new Set(categories())).toEqual(new Set([3]));
  });

  it('gets them in SQL Server and Azure SQL as well', async () => {
    await server.close();
    await start('server');
    await follow(open());
    expect(categories()).toEqual(new Array(20).fill(3));
  });

  it('gets all of them if another process adds one of them at the same moment', async () => {
    const holder = new Session(server.engine);
    await server.engine.lock('clickstream.clicks', holder);
    const loads = [follow(open()), follow(open())];
    await vi.waitFor(() => expect(batchesLike('ADD [category]')).toBe(2), { timeout: 10_000 });
    server.engine.release(holder);
    await Promise.all(loads);
    expect(server.errors).toEqual([207, 207, 2705]);
    expect(categories()).toEqual(new Array(20).fill(3));
  });

  it('is loaded if another process adds them after the load was refused, before it looks which ones it lacks', async () => {
    const look = /^SELECT name FROM sys\.columns/;
    let other: Promise<void> | undefined;
    server.onBatch = (text) => {
      if (look.test(text)) other ??= open().init([table]);
    };
    // The first look waits for the other process, which looks as well.
    const waits = [300];
    server.hold = { batch: look, ms: () => waits.shift() ?? 0 };
    await follow(open());
    await other;
    expect([server.errors, waits]).toEqual([[207], []]);
    expect(categories()).toEqual(new Array(20).fill(3));
  });
});

describe('a table that may not be altered', () => {
  it('takes no rows: the error names the table, the columns and the command, which then helps', async () => {
    server.engine.alterRefusal = mayNotAlter;
    const refused = follow(open());
    await expect(refused).rejects.toMatchObject({
      code: 'warehouse.schema',
      retriable: false,
      message: expect.stringMatching(
        /^clickstream\.clicks lacks the columns category, element, .* run "npm run warehouse -- init" .* error 1088/,
      ),
    });
    await expect(open().init([table])).rejects.toMatchObject({ code: 'warehouse.schema' });
    expect(categories()).toEqual([]);
    server.engine.alterRefusal = undefined;
    await open().init([table]);
    await follow(open());
    expect(categories()).toEqual(new Array(20).fill(3));
  });

  it('goes on taking the rows of processes that do not need the columns', async () => {
    server.engine.alterRefusal = mayNotAlter;
    await follow(open(), narrow);
    expect(server.rows('clickstream.clicks')).toHaveLength(20);
  });

  it('is tried again later if the server was away', async () => {
    server.engine.alterRefusal = { number: 42108, message: 'The pool is paused.' };
    await expect(follow(open())).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    server.engine.alterRefusal = undefined;
    await follow(open());
    expect(categories()).toHaveLength(20);
  });

  it('shows in the record of the last load, from which health is told, as the code of the error', async () => {
    server.engine.alterRefusal = mayNotAlter;
    const warnings: string[] = [];
    const loaders = new StreamLoaders({
      setting: parseWarehouse(server.connectionString),
      streams: [clickstream],
      at: async () => delta.at,
      warn: (message) => warnings.push(message),
    });
    await loaders.catchUp(10_000);
    await vi.waitFor(async () =>
      expect(await readLoadStatus(delta.at.store, 'clickstream.clicks')).toMatchObject({
        state: 'failed',
        error: 'warehouse.schema',
      }),
    );
    expect(warnings).toEqual([
      expect.stringContaining('clickstream.clicks lacks the columns category, element'),
    ]);
    await loaders.close();
  });
});

it('a load that is refused for another reason fails with that reason', async () => {
  await open().init([table]);
  server.engine.tables.delete('clickstream.clicks');
  await expect(follow(open())).rejects.toMatchObject({
    code: 'warehouse.refused',
    message: expect.stringContaining('error 208'),
  });
});
