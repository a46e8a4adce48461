import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginning } from '../../../../src/lib/delta/position';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import { rebuild } from '../../../../src/lib/warehouse/rebuild';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import { swapping, type Warehouse } from '../../../../src/lib/warehouse/warehouse';
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
      expect((await warehouse.ledger()).get('clickstream.clicks')?.tableId).not.toContain('swap:');
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

  const mark = (shadow: WarehouseTable) => {
    for (const row of server.engine.tables.get('ops.load_ledger')?.rows ?? [])
      if (row.table_name === 'clickstream.clicks')
        row.delta_id = swapping(shadow, { version: 1, mark: undefined }).tableId;
  };

  it('drops leftovers of killed processes, and no table that is in use', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    await follow(delta);
    const hour = 3_600_000;
    const stage = `ops.stage_${'0123456789abcdef'.repeat(2)}`;
    const made: [name: string, age: number, stays: boolean][] = [
      ['clickstream.clicks__rebuild_1_00000001', 2 * hour, false],
      ['clickstream.clicks__rebuild_1_00000002', 0, true],
      ['clickstream.clicks__rebuild_1_00000003_old', 0, false],
      ['clickstream.clicks_by_hand', 2 * hour, true],
      ['assets.clicks__rebuild_1_00000004', 2 * hour, true],
      [stage, 2 * hour, false],
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

  it('whose shadow is gone is followed by another rebuild', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    await follow(delta);
    const shadow = { ...clicksAt, name: 'clicks__rebuild_1_00000000' };
    mark(shadow);
    const swap = {
      table: clicksAt,
      shadow,
      files: 0,
      to: { tableId: 'another', version: 9, mark: undefined },
    };
    expect(await warehouse.swap(swap)).toBe('not-swapped');
    expect(await follow(delta)).toEqual({ state: 'current', version: 1 });
    mark(shadow);
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
    const shadow = { ...clicksAt, name: 'clicks__rebuild_1_00000000' };
    await warehouse.createShadow(shadow, 'x');
    mark(shadow);
    await warehouse.dropShadow(shadow);
    expect((await warehouse.ledger()).has('clickstream.clicks__rebuild_1_00000000')).toBe(true);
    expect(server.engine.tables.has('clickstream.clicks__rebuild_1_00000000')).toBe(true);
    const aborted = AbortSignal.abort();
    expect(
      await catchUp({ warehouse, commits: new UnloadedCommits(delta.at), table: clicksAt, signal: aborted }),
    ).toMatchObject({
      state: 'behind',
    });
  });

  /** A swap to version 5, whose process is cut off before it renames the tables. */
  async function leaveSwap() {
    const shadow = { ...clicksAt, name: 'clicks__rebuild_5_00000000' };
    const to = { tableId: 'id', version: 5, mark: 'five' };
    const dying = open();
    await dying.createShadow(shadow, 'id', to.mark);
    server.cutAt = /RENAME OBJECT/;
    await expect(dying.swap({ table: clicksAt, shadow, files: 0, to })).rejects.toThrow();
    return { shadow, to };
  }

  it('hands the mark of its version on to another process that ends it', async () => {
    const { shadow, to } = await leaveSwap();
    const begun = (await warehouse.ledger()).get('clickstream.clicks');
    expect(begun).toEqual(swapping(shadow, to));
    expect(begun?.mark).toBe('five');
    const swap = { table: clicksAt, shadow, files: 0, to: { ...to, mark: begun?.mark } };
    expect(await warehouse.swap(swap)).toBe('swapped');
    expect((await warehouse.ledger()).get('clickstream.clicks')).toStrictEqual(to);
  });

  it('keeps the mark of its version if a loader without marks finishes it', async () => {
    const { to } = await leaveSwap();
    await warehouse.query(
      "UPDATE ops.load_ledger SET delta_id = 'id', last_version = 5 WHERE table_name = 'clickstream.clicks' AND delta_id = 'swap:clickstream.clicks__rebuild_5_00000000';",
    );
    expect((await warehouse.ledger()).get('clickstream.clicks')).toStrictEqual(to);
  });

  it('has no mark if a loader without marks began it, until a loader with marks finishes it', async () => {
    const position = { tableId: 'id', version: 4, mark: 'four' };
    const rows = { columns: clicksAt.columns.map(() => []), count: 0, rejected: [] };
    await warehouse.load({ table: clicksAt, from: beginning, to: position, rows });
    const shadow = { ...clicksAt, name: 'clicks__rebuild_5_00000000' };
    await warehouse.createShadow(shadow, 'id');
    await warehouse.query(
      "UPDATE ops.load_ledger SET delta_id = 'swap:clickstream.clicks__rebuild_5_00000000', last_version = 5, batch_token = 'earlier' WHERE table_name = 'clickstream.clicks' AND delta_id NOT LIKE 'swap:%' AND EXISTS (SELECT * FROM ops.load_ledger WHERE table_name = 'clickstream.clicks__rebuild_5_00000000');",
    );
    const begun = (await warehouse.ledger()).get('clickstream.clicks');
    expect(begun).toStrictEqual({
      tableId: 'swap:clickstream.clicks__rebuild_5_00000000',
      version: 5,
      mark: undefined,
    });
    const to = { tableId: 'id', version: 5, mark: 'five' };
    expect(await warehouse.swap({ table: clicksAt, shadow, files: 0, to })).toBe('swapped');
    expect((await warehouse.ledger()).get('clickstream.clicks')).toStrictEqual(to);
  });

  it('turns loads away while it is under way', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    await follow(delta);
    const position = (await warehouse.ledger()).get('clickstream.clicks');
    if (!position) throw new Error('no ledger');
    const ledger = server.engine.tables.get('ops.load_ledger');
    for (const row of ledger?.rows ?? [])
      if (row.table_name === 'clickstream.clicks')
        row.delta_id = swapping({ ...clicksAt, name: 's' }, { version: 1, mark: undefined }).tableId;
    const rows = { columns: clicksAt.columns.map(() => [null]), count: 1, rejected: [] };
    expect(
      await warehouse.load({ table: clicksAt, from: position, to: { ...position, version: 2 }, rows }),
    ).toBe('overtaken');
    expect(server.rows('clickstream.clicks')).toHaveLength(4);
  });
});
