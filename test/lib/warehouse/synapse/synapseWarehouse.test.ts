import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginning } from '../../../../src/lib/delta/position';
import { MemoryStore } from '../../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import { rebuild } from '../../../../src/lib/warehouse/rebuild';
import { newShadow } from '../../../../src/lib/warehouse/shadow';
import { maxRowsOfStatement } from '../../../../src/lib/warehouse/synapse/loadStatements';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import type { Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { assetTable as assetsAt } from '../../../kit/assetStream';
import { TdsServer } from '../../../kit/tds/tdsServer';
import { asset, assetsTable, clicks, clicksTable, type DeltaTable } from '../deltaTable';
import { openForTest, type SynapseOptions } from './openForTest';

const clicksAt = clickstream.warehouse as WarehouseTable;
const signal = new AbortController().signal;

let server: TdsServer;
let warehouse: Warehouse;
const open = (options?: SynapseOptions) => openForTest(server, options);

async function start(dialect: 'pool' | 'server' = 'pool', lake = new MemoryStore()) {
  server = await TdsServer.start({
    dialect,
    fetchStaged: async (url) => (await lake.get(url.replace('https://lake/', '')))?.bytes,
  });
  warehouse = open();
  await warehouse.init([clicksAt, assetsAt]);
}

beforeEach(() => start());
afterEach(() => server.close());

const follow = (delta: DeltaTable, table = clicksAt, by = warehouse) =>
  catchUp({ warehouse: by, commits: new UnloadedCommits(delta.at), table, signal });

it.each([
  ['server', 'refused'],
  ['pool', 'taken, because it enforces no keys'],
] as const)('a second row of a table in the ledger of a %s is %s', async (dialect, what) => {
  await server.close();
  await start(dialect);
  const second = warehouse.query(
    "INSERT INTO ops.load_ledger (table_name, delta_id, last_version, batch_token) SELECT 'clickstream.clicks', '', -1, '';",
  );
  if (what === 'refused') await expect(second).rejects.toThrow('error 2627');
  else await second;
  expect(server.rows('ops.load_ledger')).toHaveLength(what === 'refused' ? 2 : 3);
});

describe('a load', () => {
  it('is one round trip, with as many rows a statement as a pool takes', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(2500));
    await follow(delta);
    const loads = server.batches.filter((text) => text.includes('INSERT INTO [clickstream]'));
    expect(loads).toHaveLength(1);
    expect(loads[0]?.match(/INSERT INTO/g)).toHaveLength(Math.ceil(2500 / maxRowsOfStatement));
    expect(server.rows('clickstream.clicks')).toHaveLength(2500);
    expect(server.errors).toEqual([]);
  });

  it('of a dedicated pool waits until the one before it has ended, because small pools run few at a time', async () => {
    const [clicked, priced] = [await clicksTable(), await assetsTable()];
    await clicked.commit(clicks(2));
    await priced.commit([asset()]);
    const loaded = () => server.rows('ops.load_ledger').filter((row) => Number(row.last_version) >= 0);
    const before: number[] = [];
    server.onBatch = (text) => {
      if (text.startsWith('BEGIN TRANSACTION')) before.push(loaded().length);
    };
    server.hold = { batch: /^BEGIN TRANSACTION/, ms: () => 50 };
    await Promise.all([follow(clicked), follow(priced, assetsAt)]);
    expect(before).toEqual([0, 1]);
  });

  it("stays below the pool's limit of constants, for any rows", { timeout: 30_000 }, async () => {
    const delta = await assetsTable();
    await delta.commit(Array.from({ length: 1000 }, () => asset({ name: 'x\n'.repeat(20) })));
    await delta.commit(Array.from({ length: 100 }, () => asset({ explorer: 'x'.repeat(450_000) })));
    await follow(delta, assetsAt);
    expect(server.rows('assets.asset_statistics_history_v3')).toHaveLength(1000);
    expect(server.rows('ops.rejected_rows')).toHaveLength(100);
    expect(server.errors).toEqual([]);
  });

  it('asks the ledger when no answer comes, and knows that the rows are in', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    server.plan({ drop: 'after-commit' });
    expect(await follow(delta)).toEqual({ state: 'current', version: 1 });
    expect(server.rows('clickstream.clicks')).toHaveLength(5);
    expect(server.batches.some((text) => text.includes('SET last_version = last_version'))).toBe(true);
  });

  it('fails as one to be tried again when the connection broke before the commit', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    server.plan({ drop: 'before-commit' });
    await expect(follow(delta)).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    expect(server.rows('clickstream.clicks')).toEqual([]);
    await follow(delta);
    expect(server.rows('clickstream.clicks')).toHaveLength(5);
  });

  it.each(['before-commit', 'after-commit'] as const)(
    'of several round trips stands a break %s',
    async (drop) => {
      const delta = await clicksTable();
      await delta.commit(clicks(15_000));
      server.plan({ drop });
      await follow(delta).catch(() => {});
      await follow(delta);
      expect(server.rows('clickstream.clicks')).toHaveLength(15_000);
    },
  );

  it('stops at a ledger with two rows for a table, and adds nothing', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    const ledger = server.engine.tables.get('ops.load_ledger');
    ledger?.rows.push({ ...ledger.rows[0], table_name: 'clickstream.clicks' });
    await expect(follow(delta)).rejects.toMatchObject({ code: 'warehouse.ledger', retriable: false });
    expect(server.rows('clickstream.clicks')).toEqual([]);
  });
});

describe.each([5, 15_000])('a load of %i rows', (count) => {
  /** One round trip takes the few rows, and several in one transaction the many. */
  const load = () => {
    const values = [1, null, null, 1, 0, 0, 0];
    const columns = clicksAt.columns.map((_, column) =>
      Array.from({ length: count }, () => values[column] ?? 0),
    );
    const to = { tableId: 'id', version: 1, mark: undefined };
    return { table: clicksAt, from: beginning, to, rows: { columns, count, rejected: [] } };
  };

  it('is taken once', async () => {
    expect(await warehouse.load(load())).toBe('loaded');
    expect(await warehouse.load(load())).toBe('overtaken');
    expect(await open().load(load())).toBe('overtaken');
    expect(server.rows('clickstream.clicks')).toHaveLength(count);
  });

  it('adds nothing where the ledger has the table twice', async () => {
    const ledger = server.engine.tables.get('ops.load_ledger');
    ledger?.rows.push({ ...ledger.rows[0], table_name: 'clickstream.clicks' });
    await expect(warehouse.load(load())).rejects.toMatchObject({ code: 'warehouse.ledger' });
    expect(server.rows('clickstream.clicks')).toEqual([]);
  });
});

it('a rebuild whose leftovers cannot be dropped is done all the same, with a warning', async () => {
  const delta = await clicksTable();
  await delta.commit(clicks(5));
  await follow(delta);
  const warnings: string[] = [];
  const warning = open({ warn: (message) => warnings.push(message) });
  server.cutAt = /FROM sys\.objects WHERE type/;
  expect(await rebuild({ warehouse: warning, at: delta.at, table: clicksAt, signal })).toEqual({
    outcome: 'rebuilt',
    version: 1,
  });
  expect(server.cutAt).toBeUndefined();
  expect(warnings).toEqual([
    expect.stringMatching(/^Tables that are not needed any more stay: 127\.0\.0\.1\/pool: /),
  ]);
});

describe('two calls of one client', () => {
  const whenHeld = (milliseconds: number, loads: number) =>
    new Promise<void>((resolve) => {
      let held = 0;
      const ms = () => {
        if (++held === loads) resolve();
        return milliseconds;
      };
      server.hold = { batch: /INSERT INTO \[(?:clickstream|assets)\]/, ms };
    });

  it('do not fail with each other', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(20_000));
    const held = whenHeld(500, 1);
    const loading = follow(delta);
    await held;
    await expect(warehouse.query('SELECT a FROM nowhere.at_all;')).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining('error 208'),
    });
    expect(await loading).toEqual({ state: 'current', version: 1 });
    expect(server.rows('clickstream.clicks')).toHaveLength(20_000);
  });

  it('wait their turn if both load into a pool, and other calls do not wait', async () => {
    const [one, two] = [await clicksTable(), await assetsTable()];
    await one.commit(clicks(5));
    await two.commit([asset()]);
    const held = whenHeld(300, 1);
    const loading = Promise.all([follow(one), follow(two, assetsAt)]);
    await held;
    const first = await Promise.race([warehouse.ledger(), loading]);
    expect(first).toBeInstanceOf(Map);
    const loads = () => server.batches.filter((text) => /INSERT INTO \[(?:clickstream|assets)\]/.test(text));
    expect(loads()).toHaveLength(1);
    expect(await loading).toMatchObject([{ state: 'current' }, { state: 'current' }]);
    expect(loads()).toHaveLength(2);
  });

  it('do not wait for each other in SQL Server', async () => {
    await server.close();
    await start('server');
    const [one, two] = [await clicksTable(), await assetsTable()];
    await one.commit(clicks(5));
    await two.commit([asset()]);
    const held = whenHeld(1500, 2);
    const loading = Promise.all([follow(one), follow(two, assetsAt)]);
    await held;
    const first = await Promise.race([warehouse.ledger(), loading]);
    expect(first).toBeInstanceOf(Map);
    expect(await loading).toMatchObject([{ state: 'current' }, { state: 'current' }]);
  });
});

describe('an error of the server', () => {
  it.each([
    [42108, 'warehouse.unavailable', 'paused'],
    [42109, 'warehouse.unavailable', 'warming up'],
    [40501, 'warehouse.unavailable', 'busy'],
    [8645, 'warehouse.unavailable', 'memory'],
    [229, 'warehouse.refused', 'permission'],
  ])('%i is %s', async (fail, code, text) => {
    server.plan({ fail, message: 'A permission or whatever.' });
    await expect(warehouse.ledger()).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
    expect((await warehouse.ledger()).size).toBe(2);
  });

  it.each([
    [42108, 'warehouse.unavailable'],
    [18456, 'warehouse.refused'],
  ])('%i at the login is %s, with its number, and without the password', async (number, code) => {
    server.refuseLogins = { number, message: "Cannot connect as 'loader'." };
    const late = open();
    await expect(late.ledger()).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`error ${number}`),
    });
    await expect(late.ledger()).rejects.toMatchObject({ message: expect.not.stringContaining('secret') });
    server.refuseLogins = undefined;
    expect((await late.ledger()).size).toBe(2);
  });

  it('is also warehouse.unavailable if no server listens', async () => {
    const { port } = server;
    const nobody = open({ address: { ...server.address, port: port === 65_535 ? 1 : port + 1 } });
    await expect(nobody.ledger()).rejects.toMatchObject({ code: 'warehouse.unavailable' });
  });

  it('leaves no connection in a transaction behind', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    server.engine.tables.delete('clickstream.clicks');
    await expect(follow(delta)).rejects.toMatchObject({ code: 'warehouse.refused' });
    await warehouse.init([clicksAt]);
    await follow(delta);
    expect(server.rows('clickstream.clicks')).toHaveLength(5);
  });
});

describe('many rows', () => {
  let hours = 0;
  const lake = new MemoryStore('memory', () => hours * 3_600_000);
  const staging = { store: lake, urlOf: (path: string) => `https://lake/${path}` };
  beforeEach(async () => {
    await server.close();
    await start('pool', lake);
  });

  const staged = async () => {
    const paths: string[] = [];
    for await (const { path } of lake.list('')) paths.push(path);
    return paths;
  };

  it('go through a staged file, which is deleted, and those that CSV cannot carry beside it', async () => {
    const delta = await assetsTable();
    const price = 0.1 + 0.2;
    await delta.commit([
      ...Array.from({ length: 30 }, (_, index) => asset({ id: `a"${index},€`, price, explorer: null })),
      asset({ id: 'empty', name: '' }),
      asset({ id: 'two\nlines' }),
      asset({ id: 'x'.repeat(300) }),
    ]);
    const copying = open({ staging, copyThreshold: 10 });
    await follow(delta, assetsAt, copying);
    const rows = server.rows('assets.asset_statistics_history_v3');
    expect(server.batches.filter((text) => text.startsWith('COPY INTO'))).toHaveLength(1);
    expect(rows).toHaveLength(32);
    expect(rows).toContainEqual(expect.objectContaining({ id: 'a"7,€', priceUsd: price, explorer: null }));
    expect(rows).toContainEqual(expect.objectContaining({ id: 'empty', asset_name: '' }));
    expect(rows).toContainEqual(expect.objectContaining({ id: 'two\nlines' }));
    expect(server.rows('ops.rejected_rows')).toHaveLength(1);
    expect(await staged()).toEqual([]);
    expect([...server.engine.tables.keys()].filter((name) => name.includes('stage_'))).toEqual([]);
  });

  it('are 20,000 or more', { timeout: 30_000 }, async () => {
    const delta = await clicksTable();
    const copying = open({ staging });
    const copies: number[] = [];
    for (const count of [19_999, 20_000]) {
      await delta.commit(clicks(count));
      await follow(delta, clicksAt, copying);
      copies.push(server.batches.filter((text) => text.startsWith('COPY INTO')).length);
    }
    expect(copies).toEqual([0, 1]);
    expect(server.rows('clickstream.clicks')).toHaveLength(39_999);
  });

  it('take files of processes with them that were killed a day ago', async () => {
    await lake.put('warehouse-staging/clickstream.clicks-killed.csv.gz', Buffer.from(''));
    hours += 25;
    const delta = await clicksTable();
    await delta.commit(clicks(50));
    await follow(delta, clicksAt, open({ staging, copyThreshold: 10 }));
    expect(await staged()).toEqual([]);
  });

  it('are inserted as text if CSV can carry none of them', async () => {
    const delta = await assetsTable();
    await delta.commit(Array.from({ length: 30 }, () => asset({ name: '' })));
    await follow(delta, assetsAt, open({ staging, copyThreshold: 10 }));
    expect(server.batches.filter((text) => text.startsWith('COPY INTO'))).toEqual([]);
    expect(server.rows('assets.asset_statistics_history_v3')).toHaveLength(30);
  });

  it('are in once when the connection breaks at the commit', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(50));
    const copying = open({ staging, copyThreshold: 10 });
    server.plan({ drop: 'before-commit' });
    await expect(follow(delta, clicksAt, copying)).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    server.plan({ drop: 'after-commit' });
    await follow(delta, clicksAt, copying);
    expect(server.rows('clickstream.clicks')).toHaveLength(50);
    expect(await staged()).toEqual([]);
  });

  it.each([8645, 701, 596])(
    'are copied by the next load if COPY fails with the passing error %i',
    async (fail) => {
      const delta = await clicksTable();
      await delta.commit(clicks(50));
      const warnings: string[] = [];
      const copying = open({ staging, copyThreshold: 10, warn: (line) => warnings.push(line) });
      const copies = () => server.batches.filter((text) => text.startsWith('COPY INTO')).length;
      server.onBatch = (text) => {
        if (text.startsWith('COPY INTO') && copies() === 1) server.plan({ fail, message: 'It passes.' });
      };
      await expect(follow(delta, clicksAt, copying)).rejects.toMatchObject({ code: 'warehouse.unavailable' });
      expect(await follow(delta, clicksAt, copying)).toEqual({ state: 'current', version: 1 });
      expect([copies(), warnings]).toEqual([2, []]);
      expect(server.rows('clickstream.clicks')).toHaveLength(50);
    },
  );

  it('are copied by the next load if the connection breaks at COPY', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(50));
    const warnings: string[] = [];
    const copying = open({ staging, copyThreshold: 10, warn: (line) => warnings.push(line) });
    server.cutAt = /^COPY INTO/;
    await expect(follow(delta, clicksAt, copying)).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    expect(server.rows('clickstream.clicks')).toEqual([]);
    expect(await follow(delta, clicksAt, copying)).toEqual({ state: 'current', version: 1 });
    expect(server.batches.filter((text) => text.startsWith('COPY INTO'))).toHaveLength(2);
    expect(server.rows('clickstream.clicks')).toHaveLength(50);
    expect([warnings, await staged()]).toEqual([[], []]);
  });

  it.each([
    [229, 1, 'all rows go'],
    [13807, 2, 'the rows of this load went'],
  ])(
    'are inserted as text if COPY is refused, for good if it never can be: error %i',
    async (error, tried, what) => {
      const delta = await clicksTable();
      const warnings: string[] = [];
      const copying = open({ staging, copyThreshold: 10, warn: (line) => warnings.push(line) });
      server.engine.copyRefusal = error;
      for (const times of [1, 2]) {
        await delta.commit(clicks(50));
        await follow(delta, clicksAt, copying);
        expect(server.rows('clickstream.clicks')).toHaveLength(50 * times);
      }
      expect(server.batches.filter((text) => text.startsWith('COPY INTO'))).toHaveLength(tried);
      expect(warnings).toHaveLength(tried);
      expect(warnings[0]).toContain(`COPY INTO is refused, so ${what} in as text:`);
      expect(await staged()).toEqual([]);
    },
  );
});

describe('SQL Server and Azure SQL', () => {
  beforeEach(async () => {
    await server.close();
    await start('server');
  });

  it('take the same rows, and a rebuild', async () => {
    const delta = await assetsTable();
    await delta.commit([asset(), asset({ id: 'x'.repeat(300) })]);
    await follow(delta, assetsAt);
    await rebuild({ warehouse, at: delta.at, table: assetsAt, signal });
    expect(server.rows('assets.asset_statistics_history_v3')).toHaveLength(1);
    expect(server.rows('ops.rejected_rows')).toHaveLength(1);
    expect(server.errors).toEqual([]);
  });
});

it.each(['pool', 'server'] as const)(
  'eight processes make the same tables at once, none fails: %s',
  async (dialect) => {
    await server.close();
    server = await TdsServer.start({ dialect });
    // Whatever they look for is still missing when the last of them has looked.
    let looking: (() => void)[] = [];
    server.engine.between = () =>
      new Promise((resolve) => {
        looking.push(resolve);
        const all = () => {
          for (const one of looking.splice(0)) one();
        };
        if (looking.length === 8) all();
        else setTimeout(all, 50);
      });
    await Promise.all(Array.from({ length: 8 }, () => open().init([clicksAt, assetsAt])));
    looking = [];
    expect(
      server
        .rows('ops.load_ledger')
        .map(({ table_name }) => table_name)
        .sort(),
    ).toEqual(['assets.asset_statistics_history_v3', 'clickstream.clicks']);
    expect(server.errors.length).toBeGreaterThan(0);
  },
);

describe('the kind of the server', () => {
  const asked = () => server.batches.filter((text) => text.includes('EngineEdition')).length;

  it('is asked for once', async () => {
    expect(asked()).toBe(1);
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 1) };
    await warehouse.createShadow(swap, { tableId: 'id', version: 1, mark: undefined });
    await warehouse.init([clicksAt]);
    await warehouse.hold(swap);
    expect(await warehouse.swap(swap)).toBe('swapped');
    expect(asked()).toBe(1);
  });

  it('is refused before anything else is asked if it reads the lake itself', async () => {
    await server.close();
    server = await TdsServer.start({ dialect: 'server', edition: 11 });
    const refusal = {
      code: 'warehouse.refused',
      message: expect.stringContaining('is a serverless SQL pool or a warehouse of Microsoft Fabric'),
    };
    await expect(open().init([clicksAt])).rejects.toMatchObject(refusal);
    await expect(open().ledger()).rejects.toMatchObject(refusal);
    expect(server.batches.filter((text) => !/EngineEdition|set ansi_nulls/.test(text))).toEqual([]);
  });
});
