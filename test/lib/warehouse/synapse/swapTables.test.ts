import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { hourMs } from '../../../../src/lib/duration';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import { readLedgerPosition } from '../../../../src/lib/warehouse/ledgerPosition';
import { rebuild } from '../../../../src/lib/warehouse/rebuild';
import { newShadow, parseReplacing } from '../../../../src/lib/warehouse/shadow';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import { fullName, type Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { rightsOf } from '../../../kit/tds/rights';
import { clicks, clicksTable, type DeltaTable } from '../deltaTable';
import { tdsHarness } from '../harness';

const clicksAt = clickstream.warehouse as WarehouseTable;
const signal = new AbortController().signal;

let harness: Awaited<ReturnType<typeof tdsHarness>>;
let server: typeof harness.server;
let warehouse: Warehouse;
const open = () => harness.open();

beforeEach(async () => {
  harness = await tdsHarness();
  server = harness.server;
  warehouse = open();
  await warehouse.init([clicksAt]);
});
afterEach(() => harness.close());

const follow = (delta: DeltaTable, table = clicksAt, by = warehouse) =>
  catchUp({ warehouse: by, commits: new UnloadedCommits(delta.at), table, signal });

describe('a swap', () => {
  it('that was interrupted at any step is finished by the next loader', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 3; version++) await delta.commit(clicks(4, version * 4));
    await follow(delta);
    const cuts = [/RENAME OBJECT/, /DELETE FROM ops\.load_ledger/, /DROP TABLE/];
    for (const cut of cuts) {
      const before = server.batches.length;
      server.cutAt = cut;
      const rebuilding = open();
      await rebuild({ warehouse: rebuilding, at: delta.at, table: clicksAt, signal }).catch(() => {});
      expect(server.cutAt).toBeUndefined();
      expect(server.batches.length).toBeGreaterThan(before);
      await delta.commit(clicks(1, 100));
      await follow(delta);
      expect((await warehouse.ledger()).get('clickstream.clicks')?.tableId).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(server.rows('clickstream.clicks')).toHaveLength(12 + cuts.length);
  });

  it('waits for the last load of its shadow, and does not come when that is undone', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(15_000));
    await delta.commit(clicks(10, 15_000));
    await delta.checkpointAndClean();
    let inserts = 0;
    const inTransaction = new Promise<void>((resolve) => {
      const ms = () => {
        inserts++;
        if (inserts === 1) resolve();
        if (inserts === 2) server.cutAt = /INSERT INTO \[clickstream\]/;
        return inserts > 2 ? 0 : 700;
      };
      server.hold = { batch: /INSERT INTO \[clickstream\]/, ms };
    });
    const cut = follow(delta, clicksAt, open()).catch(() => {});
    await inTransaction;
    expect(await follow(delta, clicksAt, open())).toEqual({ state: 'current', version: 2 });
    await cut;
    expect(server.cutAt).toBeUndefined();
    expect(server.rows('clickstream.clicks')).toHaveLength(15_010);
  });

  it('drops leftovers of killed processes, and no table that is in use', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    await follow(delta);
    const stage = `ops.stage_${'0123456789abcdef'.repeat(2)}`;
    const made: [name: string, age: number, stays: boolean][] = [
      ['clickstream.clicks__rebuild_1_00000001', 2 * hourMs, false],
      ['clickstream.clicks__rebuild_1_00000002', 0, true],
      ['clickstream.clicks__rebuild_1_00000003_old', 0, false],
      ['clickstream.clicks__reload_1_00000005', 2 * hourMs, false],
      ['clickstream.clicks__reload_1_00000006', 0, true],
      ['clickstream.clicks_by_hand', 2 * hourMs, true],
      ['assets.clicks__rebuild_1_00000004', 2 * hourMs, true],
      [stage, 2 * hourMs, false],
      [stage.replace('0', 'f'), 0, true],
    ];
    for (const [name, age] of made)
      server.engine.tables.set(name, {
        ...server.engine.newTable([], undefined, undefined),
        createdAt: Date.now() - age,
      });
    await rebuild({ warehouse, at: delta.at, table: clicksAt, signal });
    expect(server.errors).toEqual([]);
    for (const [name, , stays] of made) expect([name, server.engine.tables.has(name)]).toEqual([name, stays]);
    expect(server.rows('clickstream.clicks')).toHaveLength(4);
  });

  it('of an earlier release whose shadow is gone is followed by another rebuild', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    await follow(delta);
    const shadow = { ...clicksAt, name: 'clicks__rebuild_1_00000000' };
    say(`swap:clickstream.${shadow.name}`);
    expect(await warehouse.swap({ table: clicksAt, shadow })).toBe('not-swapped');
    expect(await follow(delta)).toEqual({ state: 'current', version: 1 });
    say(`swap:clickstream.${shadow.name}`);
    expect(await rebuild({ warehouse, at: delta.at, table: clicksAt, signal })).toEqual({
      outcome: 'rebuilt',
      version: 1,
    });
    expect(server.rows('clickstream.clicks')).toHaveLength(4);
  });

  it('keeps its shadow even if others drop shadows, and ends if loading must end', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    await follow(delta);
    const { shadow } = await leaveSwap();
    await warehouse.dropShadow(shadow);
    expect((await warehouse.ledger()).has(fullName(shadow))).toBe(true);
    expect(server.engine.tables.has(fullName(shadow))).toBe(true);
    const commits = new UnloadedCommits(delta.at);
    const aborted = AbortSignal.abort();
    expect(await catchUp({ warehouse, commits, table: clicksAt, signal: aborted })).toMatchObject({
      state: 'behind',
    });
  });

  const to = { tableId: 'id', version: 5, mark: 'five' };

  /** A swap to version 5, whose process is cut off before it renames the tables. */
  async function leaveSwap() {
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 5) };
    const dying = open();
    await dying.createShadow(swap, to);
    expect(await dying.hold(swap)).toBe(true);
    server.cutAt = /RENAME OBJECT/;
    await expect(dying.swap(swap)).rejects.toThrow();
    return swap;
  }

  /** Changes what the ledger says of the table. */
  const say = (tableId: string, version?: number) => {
    for (const row of server.engine.tables.get('ops.load_ledger')?.rows ?? [])
      if (row.table_name === 'clickstream.clicks')
        Object.assign(row, { delta_id: tableId, ...(version !== undefined && { last_version: version }) });
  };

  it('is handed on to another process that ends it, and cannot be taken back', async () => {
    const swap = await leaveSwap();
    await warehouse.release(swap);
    expect((await warehouse.ledger()).get('clickstream.clicks')).toEqual({
      tableId: `rename:${fullName(swap.shadow)}|`,
      version: -1,
      mark: undefined,
    });
    expect(await warehouse.swap(swap)).toBe('swapped');
    expect((await warehouse.ledger()).get('clickstream.clicks')).toStrictEqual(to);
  });

  it.each([
    ['pool', 'before the renames'],
    ['pool', 'after them'],
    ['server', 'before the renames'],
    ['server', 'after them'],
  ] as const)('of an earlier release is ended too: on a %s, left %s', async (dialect, left) => {
    const other = await tdsHarness(dialect);
    onTestFinished(() => other.close());
    const by = other.open();
    await by.init([clicksAt]);
    const name = 'clicks__rebuild_5_00000000';
    const shadow = { ...clicksAt, name };
    const mark = '5'.repeat(64);
    await by.createShadow({ table: clicksAt, shadow }, { tableId: 'id', version: 3, mark });
    await by.query(
      `UPDATE ops.load_ledger SET delta_id = 'swap:clickstream.${name}', last_version = 5, last_mark = '${mark}', mark_version = 5 WHERE table_name = 'clickstream.clicks';`,
    );
    const rename = (from: string, to: string) =>
      other.execute(
        dialect === 'pool' ? `RENAME OBJECT ${from} TO ${to}` : `EXEC sp_rename '${from}', '${to}', 'OBJECT'`,
      );
    if (left === 'after them') {
      await rename('clickstream.clicks', `${name}_old`);
      await rename(`clickstream.${name}`, 'clicks');
    }
    const { engine } = other.server;
    const made = engine.table(`clickstream.${left === 'after them' ? 'clicks' : name}`).id;
    expect(await by.swap({ table: clicksAt, shadow })).toBe('swapped');
    expect((await by.ledger()).get('clickstream.clicks')).toStrictEqual({ ...to, mark });
    expect(engine.table('clickstream.clicks').id).toBe(made);
    expect([...engine.tables.keys()].filter((one) => one.includes('__'))).toEqual([]);
  });

  it('gives the table the position that the shadow has when it takes the place', async () => {
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 5) };
    await warehouse.createShadow(swap, to);
    await warehouse.hold(swap);
    const rows = { columns: clicksAt.columns.map(() => [null]), count: 1, rejected: [] };
    const later = { ...to, version: 6, mark: 'six' };
    // Another process loads the shadow while this one waits for its lock.
    server.hold = { batch: /BEGIN TRANSACTION/, ms: () => 100 };
    const loading = open().load({ table: swap.shadow, from: to, to: later, rows });
    const [loaded, swapped] = await Promise.all([loading, warehouse.swap(swap)]);
    expect(swapped).toBe('swapped');
    const has = server.rows('clickstream.clicks').length;
    expect([loaded, has, (await warehouse.ledger()).get('clickstream.clicks')]).toStrictEqual(
      loaded === 'loaded' ? ['loaded', 1, later] : ['overtaken', 0, to],
    );
  });
});

/** What people put on the table, and how it is kept. */
const layout = { distribution: 'HASH ( [sessionid] )', index: 'CLUSTERED COLUMNSTORE INDEX' };

describe('a rebuilt table of a dedicated pool', () => {
  const rebuilt = async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    await follow(delta);
    const before = server.engine.table('clickstream.clicks');
    server.engine.tables.set('clickstream.clicks', { ...before, layout });
    const table = server.engine.table('clickstream.clicks');
    const again = (loss: { mayLose?: boolean } = {}) =>
      rebuild({ warehouse, at: delta.at, table: clicksAt, signal, ...loss });
    return { table, again };
  };

  it.each([
    layout,
    { distribution: 'REPLICATE', index: 'CLUSTERED INDEX ( [sessionid] DESC , [timestamp] )' },
    { distribution: 'HASH ( [productid] , [sessionid] )', index: 'HEAP' },
    {
      distribution: 'ROUND_ROBIN',
      index: 'CLUSTERED COLUMNSTORE INDEX ORDER ( [timestamp] , [productid] )',
    },
  ])('is kept as it was: %o', async (wanted) => {
    const { again } = await rebuilt();
    const before = server.engine.table('clickstream.clicks');
    server.engine.tables.set('clickstream.clicks', { ...before, layout: wanted });
    expect(await again()).toMatchObject({ outcome: 'rebuilt' });
    expect(server.engine.table('clickstream.clicks').id).not.toBe(before.id);
    expect(server.engine.table('clickstream.clicks').layout).toEqual(wanted);
  });

  it('has the rights of the old one, if the login may grant them, and else says before which are lost', async () => {
    const { table, again } = await rebuilt();
    table.grants.push({ state: 'GRANT', permission: 'SELECT', grantee: 'analyst' });
    table.grants.push({ state: 'DENY', permission: 'DELETE', grantee: 'app]x' });
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([]);
    await again();
    expect(server.engine.table('clickstream.clicks').grants).toEqual(table.grants);
    server.engine.mayGrant = false;
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      'Rights on the table are lost, because this login may not grant them again: GRANT SELECT ON [clickstream].[clicks] TO [analyst]; DENY DELETE ON [clickstream].[clicks] TO [app]]x];',
    ]);
    await again();
    expect(server.engine.table('clickstream.clicks').grants).toEqual([]);
    // Without rights of others nothing is lost.
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([]);
    expect(harness.warnings).toEqual([
      'Rights on clickstream.clicks are lost, because this login may not grant them again: GRANT SELECT ON [clickstream].[clicks] TO [analyst]; DENY DELETE ON [clickstream].[clicks] TO [app]]x];',
    ]);
  });

  it('has the rights of the old one also if the connection breaks while they are given, and those to give them on', async () => {
    const { table, again } = await rebuilt();
    table.grants.push({ state: 'GRANT_WITH_GRANT_OPTION', permission: 'SELECT', grantee: 'lead' });
    server.cutAt = /^GRANT/;
    expect(await again()).toMatchObject({ outcome: 'rebuilt' });
    expect(server.cutAt).toBeUndefined();
    expect(server.engine.table('clickstream.clicks').grants).toEqual(table.grants);
    expect(harness.warnings).toEqual([]);
    server.engine.mayGrant = false;
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      expect.stringContaining(': GRANT SELECT ON [clickstream].[clicks] TO [lead] WITH GRANT OPTION;'),
    ]);
  });

  it('says which rights are lost of somebody whom the login may not see', async () => {
    const { table } = await rebuilt();
    table.grants.push({ state: 'GRANT', permission: 'SELECT', grantee: undefined });
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      'Rights are lost that the new table cannot have: GRANT SELECT ON [clickstream].[clicks] TO (somebody whom this login may not see);',
    ]);
  });

  it('has the rights on its columns too, except those on columns that it has no more', async () => {
    const { table, again } = await rebuilt();
    await warehouse.query('ALTER TABLE clickstream.clicks ADD note int;');
    const ofColumn = { state: 'GRANT', permission: 'SELECT', grantee: 'analyst', column: 'sessionid' };
    const ofAll = { state: 'DENY', permission: 'SELECT', grantee: 'analyst' };
    // The right on the table must come first, because it takes back those on columns.
    table.grants.push(ofColumn, { ...ofColumn, column: 'note' }, ofAll);
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      "The values of the columns note, which are not the stream's, are lost.",
      'Rights are lost that the new table cannot have: GRANT SELECT ON [clickstream].[clicks] ([note]) TO [analyst];',
    ]);
    await again();
    expect(server.engine.table('clickstream.clicks').grants).toEqual([ofAll, ofColumn]);
    expect(server.errors).toEqual([]);
  });

  it('is kept in another way, and says so before, if that names columns which it has no more', async () => {
    const { again } = await rebuilt();
    await warehouse.query('ALTER TABLE clickstream.clicks ADD note int;');
    const wanted = {
      distribution: 'HASH ( [note] )',
      index: 'CLUSTERED INDEX ( [sessionid] , [note] DESC )',
    };
    const before = server.engine.table('clickstream.clicks');
    server.engine.tables.set('clickstream.clicks', { ...before, layout: wanted, partitions: 3 });
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      "The values of the columns note, which are not the stream's, are lost.",
      "The table is kept as ROUND_ROBIN and no more as HASH([note]), which names columns that are not the stream's.",
      "The table is kept as HEAP and no more as CLUSTERED INDEX ([sessionid], [note] DESC), which names columns that are not the stream's.",
      'The table has no partitions any more.',
    ]);
    expect(await again()).toMatchObject({ outcome: 'rebuilt' });
    expect(server.engine.table('clickstream.clicks').layout).toEqual({
      distribution: 'ROUND_ROBIN',
      index: 'HEAP',
    });
    expect(server.errors).toEqual([]);
  });

  it('may lose what its login cannot see, which that says before', async () => {
    const { table } = await rebuilt();
    table.grants.push({ state: 'GRANT', permission: 'SELECT', grantee: 'analyst' });
    table.boundViews.push('per_day');
    const script = readFileSync('deploy/sql/loader.sql', 'utf8');
    const granted = rightsOf(script, 'pool');
    const unseen = ['VIEW DEFINITION', 'SELECT sys.sql_expression_dependencies'];
    server.engine.rights = new Set([...granted].filter((one) => !unseen.includes(one)));
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      expect.stringContaining(
        'it lacks SELECT ON sys.sql_expression_dependencies, which deploy/sql/loader.sql',
      ),
      expect.stringContaining('If a security policy is on the table, the rebuild fails at its end'),
      expect.stringContaining('it lacks VIEW DEFINITION in the database, which deploy/sql/loader.sql grants'),
    ]);
    server.engine.rights = granted;
    await expect(warehouse.lostBySwap(clicksAt)).rejects.toThrow('per_day is bound to it');
    table.boundViews.length = 0;
    server.engine.mayGrant = false;
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      'Rights on the table are lost, because this login may not grant them again: GRANT SELECT ON [clickstream].[clicks] TO [analyst];',
    ]);
    expect(server.errors).toEqual([]);
  });

  it('is refused before any work if a view is bound to it', async () => {
    const { table } = await rebuilt();
    table.boundViews.push('per_day');
    await expect(warehouse.lostBySwap(clicksAt)).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining('per_day is bound to it: drop that view'),
    });
  });

  it('is refused before any work if a security policy is on it', async () => {
    const { table, again } = await rebuilt();
    table.policies.push('own_rows', 'own_rows');
    await expect(again({ mayLose: true })).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining('policies are on it: own_rows. Drop them'),
    });
    expect(parseReplacing(await readLedgerPosition(warehouse, clicksAt))).toBeUndefined();
  });

  it('says before that statistics, masks and the order of other columns are lost', async () => {
    const { table, again } = await rebuilt();
    await warehouse.query('ALTER TABLE clickstream.clicks ADD note int;');
    const index = 'CLUSTERED COLUMNSTORE INDEX ORDER ( [note] )';
    server.engine.tables.set('clickstream.clicks', { ...table, layout: { ...layout, index } });
    table.statistics.push('of_product');
    table.masks.push('sessionid');
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      "The values of the columns note, which are not the stream's, are lost.",
      "The table is kept as CLUSTERED COLUMNSTORE INDEX and no more as CLUSTERED COLUMNSTORE INDEX ORDER ([note]), which names columns that are not the stream's.",
      'The statistics of_product are dropped.',
      'The masks of the columns sessionid are lost: everybody who may read the table sees what they hide.',
    ]);
    expect(await again({ mayLose: true })).toMatchObject({ outcome: 'rebuilt' });
    expect(server.engine.table('clickstream.clicks').layout).toEqual(layout);
    expect(server.errors).toEqual([]);
  });

  it('is asked again before the new one takes its place whether something is lost, which may be new', async () => {
    const { table, again } = await rebuilt();
    const { id } = table;
    server.onBatch = (text) => {
      if (/CREATE TABLE.*__reload_/s.test(text)) table.indexes.push({ name: 'by_product', type: 2 });
    };
    const lost = ['The nonclustered indexes by_product are dropped.'];
    expect(await again({ mayLose: false })).toEqual({ outcome: 'would-lose', lost });
    expect(server.engine.table('clickstream.clicks').id).toBe(id);
    server.onBatch = undefined;
    const sent = server.batches.length;
    expect(await again({ mayLose: true })).toMatchObject({ outcome: 'rebuilt' });
    expect(server.batches.slice(sent).join()).not.toMatch(/CREATE TABLE.*__reload_/s);
  });

  it.each([true, false])(
    'keeps its loads if a view was bound to it meanwhile, may it lose something: %s',
    async (mayLose) => {
      const { table, again } = await rebuilt();
      server.onBatch = (text) => {
        if (/CREATE TABLE.*__reload_/s.test(text)) table.boundViews.push('per_day');
      };
      await expect(again({ mayLose })).rejects.toMatchObject({ code: 'warehouse.refused' });
      expect(parseReplacing(await readLedgerPosition(warehouse, clicksAt))).toBeUndefined();
    },
  );

  it('loses nothing of what its engine has no system view for, and is not replaced if one cannot be read', async () => {
    await rebuilt();
    const failAt = (view: string, fail: number) => {
      server.onBatch = (text) => {
        if (text.includes(view)) server.plan({ fail, message: 'No such view, or no right to it.' });
      };
    };
    for (const view of ['sys.security_predicates', 'sys.stats', 'sys.masked_columns']) {
      failAt(view, 208);
      expect(await warehouse.lostBySwap(clicksAt)).toEqual([]);
      failAt(view, 229);
      await expect(warehouse.lostBySwap(clicksAt)).rejects.toMatchObject({ code: 'warehouse.refused' });
    }
  });

  it("says before that its indexes are lost, and columns that are not the stream's", async () => {
    const { table } = await rebuilt();
    table.indexes.push({ name: 'by_product', type: 2 });
    await warehouse.query('ALTER TABLE clickstream.clicks ADD note int;');
    expect(await warehouse.lostBySwap(clicksAt)).toEqual([
      "The values of the columns note, which are not the stream's, are lost.",
      'The nonclustered indexes by_product are dropped.',
    ]);
    expect(await warehouse.lostBySwap({ ...clicksAt, name: 'none' })).toEqual([]);
  });
});

describe('a rebuilt table of SQL Server', () => {
  const startServer = async () => {
    const { server: kept, open, close } = await tdsHarness('server');
    onTestFinished(close);
    const one = open();
    await one.init([clicksAt]);
    return { kept, one };
  };

  it('is refused before any work if another table refers to it', async () => {
    const { kept, one } = await startServer();
    kept.engine.table('clickstream.clicks').foreignKeys.push({ name: 'of_click', of: 'notes' });
    await expect(one.lostBySwap(clicksAt)).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining('of_click of the table notes. Drop these keys, rebuild'),
    });
  });

  it('says before that a security policy may hide rows, which would stay', async () => {
    const { kept, one } = await startServer();
    kept.engine.rights = new Set(['SELECT', 'EXECUTE']);
    expect(await one.lostBySwap(clicksAt)).toEqual([expect.stringContaining('lacks VIEW DEFINITION')]);
    kept.engine.rights = undefined;
    kept.engine.table('clickstream.clicks').policies.push('own_rows');
    expect(await one.lostBySwap(clicksAt)).toEqual([
      'Security policies are on the table (own_rows): rows that are hidden from this login stay, beside the new ones. Let them show this login all rows first.',
    ]);
  });

  it('is the same table, with all that is on it, also if a view is bound to it', async () => {
    const { kept, one } = await startServer();
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    const table = kept.engine.table('clickstream.clicks');
    table.grants.push({ state: 'GRANT', permission: 'SELECT', grantee: 'analyst' });
    table.indexes.push({ name: 'by_product', type: 2 });
    table.boundViews.push('per_day');
    await follow(delta, clicksAt, one);
    expect(await one.lostBySwap(clicksAt)).toEqual([]);
    expect(await one.lostBySwap({ ...clicksAt, identity: 'number' })).toEqual([
      'All rows get new numbers in the column number.',
    ]);
    expect(await rebuild({ warehouse: one, at: delta.at, table: clicksAt, signal })).toMatchObject({
      outcome: 'rebuilt',
    });
    expect(kept.engine.table('clickstream.clicks')).toBe(table);
    expect(table.rows).toHaveLength(4);
    expect(table.unfreedRows).toBe(0);
    expect(kept.errors).toEqual([]);
  });
});
