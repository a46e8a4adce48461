import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it } from 'vitest';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { beginning } from '../../../src/lib/delta/position';
import { catchUp } from '../../../src/lib/warehouse/catchUp';
import { cutIntoLoads, readRows } from '../../../src/lib/warehouse/deltaVersions';
import { rebuild } from '../../../src/lib/warehouse/rebuild';
import { fillingPosition, newShadow } from '../../../src/lib/warehouse/shadow';
import { UnloadedCommits } from '../../../src/lib/warehouse/unloadedCommits';
import { fullName, type Load, type Warehouse } from '../../../src/lib/warehouse/warehouse';
import { asset, assetsTable, base, clicks, clicksTable, type DeltaTable } from './deltaTable';
import { assetsAt, clicksAt, type Harness, implementations, openWithTables } from './harness';

/** Runs garbage collection, so that objects which a client has lost are finalized now. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const forever = new AbortController().signal;

// In random order, because a database and its connections are used by one test after the other.
describe.shuffle.each(implementations)('a warehouse: %s', (_name, make) => {
  let harness: Harness;
  let warehouse: Warehouse;
  beforeEach(async () => {
    ({ harness, warehouse } = await openWithTables(make));
  });

  const follow = (
    delta: DeltaTable,
    table = clicksAt,
    limits?: { rows: number; bytes: number },
    by = warehouse,
  ) =>
    catchUp({
      warehouse: by,
      // The log as each loader has read it by itself.
      commits: by === warehouse ? delta.commits : new UnloadedCommits(delta.at),
      table,
      signal: forever,
      ...(limits ? { limits } : {}),
    });

  const count = async (what: string) =>
    Number(Object.values((await warehouse.query(`SELECT COUNT(*) AS n FROM ${what}`))[0] ?? {})[0]);

  /** The products of all clicks, in order. */
  const products = async () =>
    (await warehouse.query('SELECT productid, sequence_number FROM clickstream.clicks'))
      .map(({ productid, sequence_number }) => `${sequence_number}:${productid}`)
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));

  /** The load that takes the table from the ledger's position to the end of the log. */
  async function nextLoad(delta: DeltaTable): Promise<Load> {
    const from = (await warehouse.ledger()).get(fullName(clicksAt)) ?? beginning;
    const found = await new UnloadedCommits(delta.at).after(from);
    if (found.step !== 'commits') throw new Error(found.step);
    const { commits, state } = found;
    const tableId = state.metaData.id;
    const [range] = cutIntoLoads(commits, tableId, { rows: 1e9, bytes: 1e9 }).ranges;
    const rows = await readRows(state, range?.files ?? [], clicksAt);
    if ('gone' in rows) throw new Error(rows.gone);
    return { table: clicksAt, from, to: { tableId, version: range?.to ?? -1, mark: range?.mark }, rows };
  }

  it('has the rows of the log, version by version', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 5; version++) {
      await delta.commit(clicks(3, version * 10));
      expect(await follow(delta)).toEqual({ state: 'current', version: version + 1 });
    }
    expect(await products()).toEqual(
      [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42].map(
        (product, index) => `${index}:${product}`,
      ),
    );
  });

  it('takes several versions in one load, cut by rows', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 6; version++) await delta.commit(clicks(10));
    const loads: [number, number, number][] = [];
    await catchUp({
      warehouse,
      commits: delta.commits,
      table: clicksAt,
      signal: forever,
      limits: { rows: 25, bytes: 1e9 },
      onLoad: ({ from, to, rows }) => loads.push([from, to, rows]),
    });
    expect(loads).toEqual([
      [-1, 2, 20],
      [2, 4, 20],
      [4, 6, 20],
    ]);
    expect(await count('clickstream.clicks')).toBe(60);
  });

  it('moves past versions without rows', async () => {
    const delta = await clicksTable();
    await delta.commit([]);
    expect(await follow(delta)).toEqual({ state: 'current', version: 1 });
    expect(await follow(delta)).toEqual({ state: 'current', version: 1 });
    expect(await count('clickstream.clicks')).toBe(0);
    expect((await warehouse.ledger()).get('clickstream.clicks')?.version).toBe(1);
  });

  it('steps over compactions, before and after they are loaded', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 3; version++) await delta.commit(clicks(5, version * 5));
    await delta.compact();
    expect(await follow(delta)).toEqual({ state: 'current', version: 4 });
    await delta.compact();
    await delta.commit(clicks(5, 15));
    expect(await follow(delta)).toEqual({ state: 'current', version: 6 });
    expect(await products()).toEqual(Array.from({ length: 20 }, (_, index) => `${index}:${index}`));
  });

  it('can be made again and again', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(2));
    await follow(delta);
    await warehouse.init([clicksAt, assetsAt]);
    expect(await count('clickstream.clicks')).toBe(2);
    expect((await warehouse.ledger()).get('clickstream.clicks')?.version).toBe(1);
  });

  it('is made by eight processes at once', async () => {
    // A database in which nothing was made yet.
    const others = await make();
    try {
      const processes = Array.from({ length: 8 }, () => others.open());
      await Promise.all(processes.map((one) => one.init([clicksAt, assetsAt])));
      const ledger = await others.open().query('SELECT table_name FROM ops.load_ledger');
      expect(ledger.map(({ table_name }) => table_name).sort()).toEqual([
        fullName(assetsAt),
        fullName(clicksAt),
      ]);
    } finally {
      await others.close();
    }
  });

  it('takes a load once, however often it comes', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(4));
    const load = await nextLoad(delta);
    expect(await warehouse.load(load)).toBe('loaded');
    expect(await warehouse.load(load)).toBe('overtaken');
    expect(await harness.open().load(load)).toBe('overtaken');
    expect(await count('clickstream.clicks')).toBe(4);
  });

  it.each([4, 3000])('keeps nothing of a load of %i rows that fails', async (rows) => {
    const delta = await clicksTable();
    await delta.commit(clicks(rows));
    const load = await nextLoad(delta);
    // After the fence, and after rows that are well.
    const columns = load.rows.columns.map((column, index) =>
      clicksAt.columns[index]?.name === 'sessionid' ? [...column.slice(0, -1), 'no_number'] : column,
    );
    const failing = harness.open().load({ ...load, rows: { ...load.rows, columns } });
    await expect(failing).rejects.toMatchObject({ code: 'warehouse.refused' });
    await collectGarbage();
    expect(await count('clickstream.clicks')).toBe(0);
    expect((await warehouse.ledger()).get('clickstream.clicks')).toEqual(beginning);
    expect(await warehouse.load(load)).toBe('loaded');
    await collectGarbage();
    expect(await count('clickstream.clicks')).toBe(rows);
  });

  it.each(['before-commit', 'after-commit'] as const)(
    'has every row once after three loaders raced and one was killed %s',
    async (when) => {
      const delta = await clicksTable();
      for (let version = 0; version < 4; version++) await delta.commit(clicks(50, version * 50));
      await follow(delta, clicksAt, { rows: 50, bytes: 1e9 });
      for (let version = 4; version < 8; version++) await delta.commit(clicks(50, version * 50));
      await harness.loadAndDie(await nextLoad(delta), when);
      warehouse = harness.open();
      for (let version = 8; version < 12; version++) await delta.commit(clicks(50, version * 50));
      const loaders = [harness.open(), harness.open(), harness.open()];
      const done = await Promise.all(
        loaders.map((loader) => follow(delta, clicksAt, { rows: 50, bytes: 1e9 }, loader)),
      );
      expect(done).toEqual(loaders.map(() => ({ state: 'current', version: 12 })));
      expect(await products()).toEqual(Array.from({ length: 600 }, (_, index) => `${index}:${index}`));
    },
  );

  it('keeps assets that fit to the last digit, and rejects the others with the reason', async () => {
    const delta = await assetsTable();
    const smile = String.fromCodePoint(0x1f600);
    await delta.commit([
      asset({ name: "O'Brien \\\n'; DROP TABLE x --", symbol: '€', price: 0.1 + 0.2, explorer: null }),
      asset({ id: 'cents', price: 5e-300, name: '' }),
      asset({ id: 'x'.repeat(255) }),
      asset({ id: 'x'.repeat(256) }),
      asset({ id: 'smile', name: smile }),
      asset({ id: 'old', at: BigInt(Date.UTC(1700, 0, 1)) * 1000n }),
      asset({ id: 'last', at: 253_402_300_799_990_000n }),
      asset({ id: 'nobody', price: Number.NaN }),
    ]);
    await follow(delta, assetsAt);
    const rows = await warehouse.query(
      'SELECT id, asset_name, symbol, priceUsd, explorer FROM assets.asset_statistics_history_v3',
    );
    expect(rows).toHaveLength(5);
    expect(rows).toContainEqual({
      id: 'bitcoin',
      asset_name: "O'Brien \\\n'; DROP TABLE x --",
      symbol: '€',
      priceUsd: 0.1 + 0.2,
      explorer: null,
    });
    expect(rows).toContainEqual(expect.objectContaining({ id: 'cents', asset_name: '', priceUsd: 5e-300 }));
    expect(rows).toContainEqual(expect.objectContaining({ id: 'nobody', priceUsd: null }));
    const rejected = await warehouse.query(
      'SELECT table_name, sequence_number, reason, row_json FROM ops.rejected_rows',
    );
    expect(rejected.map(({ sequence_number, reason }) => `${sequence_number} ${reason}`).sort()).toEqual([
      '3 id: 256 characters, varchar(255) takes 255',
      '4 asset_name: U+1F600 is not in code page 1252 of varchar(255)',
      '5 runtime_timestamp: out of the range of datetime',
    ]);
    for (const { table_name, row_json } of rejected) {
      expect(table_name).toBe('assets.asset_statistics_history_v3');
      expect(JSON.parse(String(row_json))).toMatchObject({ hub_partition: 0, hub_created_at: base });
    }
  });

  it('rejects rows whose times do not fit, with the nearest possible address', async () => {
    const delta = await clicksTable();
    const [late, later] = [400_000_000_000_000_000n, 9_000_000_000_000_000_000n];
    const [time, two] = [BigInt(base), 2n];
    const click = (at: bigint, sequenceNumber: bigint) => [1, time, two, 3, time, at, 0, sequenceNumber, 0];
    await delta.commitForeign([click(late, 0n), click(-later, 1n), click(later, 2n), click(time, 3n)]);
    expect(await follow(delta)).toEqual({ state: 'current', version: 1 });
    expect(await products()).toEqual(['3:1']);
    const rejected = await warehouse.query('SELECT hub_created_at, reason, row_json FROM ops.rejected_rows');
    // The two late ones are at the same, last moment.
    expect(new Set(rejected.map(({ hub_created_at }) => String(hub_created_at))).size).toBe(2);
    expect(rejected.map(({ reason }) => reason)).toEqual(
      new Array(3).fill('hub_created_at: out of the range of datetime2(6)'),
    );
    expect(
      rejected.map(({ row_json }) => String(JSON.parse(String(row_json)).hub_created_at)).sort(),
    ).toEqual([String(-later), String(late), String(later)].sort());
  });

  it('takes 100,000 rows at once', { timeout: 60_000 }, async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(100_000));
    expect(await follow(delta)).toEqual({ state: 'current', version: 1 });
    expect(await count('clickstream.clicks')).toBe(100_000);
    expect(await count('clickstream.clicks WHERE productid >= 99999')).toBe(1);
  });

  it('is rebuilt during a running ingestion, and then continues', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 3; version++) await delta.commit(clicks(20, version * 20));
    await follow(delta);
    const outcome = await rebuild({
      warehouse,
      at: delta.at,
      table: clicksAt,
      signal: forever,
      limits: { rows: 20, bytes: 1e9 },
      onProgress: () => void delta.commit(clicks(1, 60)),
    });
    expect(outcome).toMatchObject({ outcome: 'rebuilt' });
    expect(await follow(delta)).toMatchObject({ state: 'current' });
    const snapshot = await openSnapshot(delta.at);
    expect(await count('clickstream.clicks')).toBe(60 + (snapshot?.files.size ?? 0) - 3);
    expect([...(await warehouse.ledger()).keys()].sort()).toEqual([fullName(assetsAt), fullName(clicksAt)]);
  });

  it('is rebuilt although somebody dropped its table', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(3));
    await follow(delta);
    await harness.execute('DROP TABLE clickstream.clicks');
    const options = { warehouse, at: delta.at, table: clicksAt, signal: forever };
    expect(await rebuild(options)).toEqual({ outcome: 'rebuilt', version: 1 });
    await delta.commit(clicks(2, 3));
    expect(await follow(delta)).toEqual({ state: 'current', version: 2 });
    expect(await products()).toEqual(['0:0', '1:1', '2:2', '3:3', '4:4']);
  });

  it('loads all rows again into a table that somebody dropped, once init has made it again', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(3));
    await follow(delta);
    await harness.execute('DROP TABLE clickstream.clicks');
    await warehouse.init([clicksAt, assetsAt]);
    expect((await warehouse.ledger()).get(fullName(clicksAt))).toMatchObject({ tableId: '', version: -1 });
    await delta.commit(clicks(2, 3));
    expect(await follow(delta)).toEqual({ state: 'current', version: 2 });
    expect(await products()).toEqual(['0:0', '1:1', '2:2', '3:3', '4:4']);
    // Now it is there, and is left as it is.
    await warehouse.init([clicksAt, assetsAt]);
    expect((await warehouse.ledger()).get(fullName(clicksAt))).toMatchObject({ version: 2 });
  });

  it('has two tables rebuilt at once through one client', async () => {
    const [one, two] = [await clicksTable(), await assetsTable()];
    await one.commit(clicks(5));
    await two.commit([asset(), asset({ id: 'ether' })]);
    await Promise.all([follow(one), follow(two, assetsAt)]);
    const rebuilt = await Promise.all([
      rebuild({ warehouse, at: one.at, table: clicksAt, signal: forever }),
      rebuild({ warehouse, at: two.at, table: assetsAt, signal: forever }),
    ]);
    expect(rebuilt.map(({ outcome }) => outcome)).toEqual(['rebuilt', 'rebuilt']);
    expect(await count(fullName(clicksAt))).toBe(5);
    expect(await count(fullName(assetsAt))).toBe(2);
  });

  it('is rebuilt by another process after an interruption', async () => {
    const delta = await assetsTable();
    for (let version = 0; version < 4; version++)
      await delta.commit([asset({ id: `asset-${version}` }), asset({ id: 'x'.repeat(300) })]);
    await follow(delta, assetsAt);
    const stopped = new AbortController();
    const options = { at: delta.at, table: assetsAt, limits: { rows: 2, bytes: 1e9 } };
    const first = await rebuild({
      ...options,
      warehouse,
      signal: stopped.signal,
      onProgress: ({ files }) => files === 2 && stopped.abort(),
    });
    expect(first).toEqual({ outcome: 'stopped' });
    // The table itself is as it was.
    expect(await count(fullName(assetsAt))).toBe(4);
    let begins: number | undefined;
    const others = await Promise.all(
      [harness.open(), harness.open()].map((one) =>
        rebuild({
          ...options,
          warehouse: one,
          signal: forever,
          onProgress: ({ files }) => {
            begins ??= files;
          },
        }),
      ),
    );
    expect(begins).toBe(2);
    expect(others.map(({ outcome }) => outcome)).toContain('rebuilt');
    expect(await count(fullName(assetsAt))).toBe(4);
    expect(await count("ops.rejected_rows WHERE table_name = 'assets.asset_statistics_history_v3'")).toBe(4);
    expect(await count('ops.rejected_rows')).toBe(4);
  });

  it('puts no shadow in place that holds less than it should', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    await follow(delta);
    const shadow = newShadow(clicksAt, 9);
    const swap = { table: clicksAt, shadow };
    const filled = { tableId: 'id', version: 9, mark: 'nine' };
    const filling = fillingPosition(filled, 1);
    await warehouse.createShadow(swap, filling);
    expect(await warehouse.hold(swap)).toBe(false);
    expect(await warehouse.swap(swap)).toBe('not-swapped');
    const rows = { columns: clicksAt.columns.map(() => []), count: 0, rejected: [] };
    expect(await warehouse.load({ table: shadow, from: filling, to: filled, rows })).toBe('loaded');
    // Loads of the table are not held yet.
    expect(await warehouse.swap(swap)).toBe('not-swapped');
    expect(await count('clickstream.clicks')).toBe(5);
    expect(await warehouse.hold(swap)).toBe(true);
    expect(await count('clickstream.clicks')).toBe(5);
    for (const wrong of [{ version: 10 }, { tableId: 'another' }])
      expect(await warehouse.swap(swap, { ...filled, ...wrong })).toBe('not-swapped');
    expect(await count('clickstream.clicks')).toBe(5);
    expect(await warehouse.swap(swap, filled)).toBe('swapped');
    expect(await count('clickstream.clicks')).toBe(0);
    expect((await warehouse.ledger()).get(fullName(clicksAt))).toEqual(filled);
  });

  it('has no loads held for a shadow that its ledger does not know, nor those of a table that it does not know', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 1) };
    expect(await warehouse.hold(swap)).toBe(false);
    expect(await warehouse.swap(swap)).toBe('not-swapped');
    await warehouse.release(swap);
    expect(await follow(delta)).toEqual({ state: 'current', version: 1 });
    const position = (await warehouse.ledger()).get(fullName(clicksAt)) ?? beginning;
    await warehouse.createShadow(swap, position);
    const unknown = { ...swap, table: { ...clicksAt, name: 'unknown' } };
    expect(await warehouse.hold(unknown)).toBe(false);
    expect(await warehouse.swap(unknown)).toBe('not-swapped');
    await warehouse.release(unknown);
    expect((await warehouse.ledger()).get(fullName(swap.shadow))).toEqual(position);
    expect(await count('clickstream.clicks')).toBe(5);
  });

  it('turns loads away while a shadow takes its place, until the shadow gives up', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    await follow(delta);
    await delta.commit(clicks(1));
    const load = await nextLoad(delta);
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 1) };
    const another = { table: clicksAt, shadow: newShadow(clicksAt, 1) };
    for (const one of [swap, another]) await warehouse.createShadow(one, load.from);
    expect(await warehouse.hold(swap)).toBe(true);
    expect([await warehouse.hold(swap), await warehouse.hold(another)]).toEqual([true, false]);
    expect((await warehouse.ledger()).get(fullName(clicksAt))).toMatchObject({
      version: load.from.version,
      mark: load.from.mark,
    });
    expect(await warehouse.load(load)).toBe('overtaken');
    // It is in use.
    await warehouse.dropShadow(swap.shadow);
    expect((await warehouse.ledger()).has(fullName(swap.shadow))).toBe(true);
    await warehouse.release(another);
    expect(await warehouse.load(load)).toBe('overtaken');
    await warehouse.release(swap);
    expect((await warehouse.ledger()).get(fullName(clicksAt))).toEqual(load.from);
    expect(await warehouse.load(load)).toBe('loaded');
    for (const { shadow } of [swap, another]) await warehouse.dropShadow(shadow);
    expect([...(await warehouse.ledger()).keys()].sort()).toEqual([fullName(assetsAt), fullName(clicksAt)]);
  });

  it('is not given back to its loads by a shadow that is known to be complete', async () => {
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 1) };
    await warehouse.createShadow(swap, { tableId: 'id', version: 1, mark: undefined });
    expect(await warehouse.hold(swap)).toBe(true);
    const complete = `rename:${fullName(swap.shadow)}|id`;
    await harness.execute(
      `UPDATE ops.load_ledger SET delta_id = '${complete}' WHERE table_name = '${fullName(clicksAt)}'`,
    );
    await warehouse.release(swap);
    expect((await warehouse.ledger()).get(fullName(clicksAt))?.tableId).toBe(complete);
  });

  it('goes on with its loads if the shadow that should take its place is gone', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    await follow(delta);
    const position = (await warehouse.ledger()).get(fullName(clicksAt)) ?? beginning;
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 1) };
    await warehouse.createShadow(swap, position);
    await warehouse.hold(swap);
    const gone = { ...position, tableId: `replace:clickstream.clicks__reload_1_gone|${position.tableId}` };
    const held = (await warehouse.ledger()).get(fullName(clicksAt)) ?? beginning;
    const rows = { columns: clicksAt.columns.map(() => []), count: 0, rejected: [] };
    await warehouse.load({ table: clicksAt, from: held, to: gone, rows });
    await delta.commit(clicks(2, 5));
    expect(await follow(delta)).toEqual({ state: 'current', version: 2 });
    expect(await count('clickstream.clicks')).toBe(7);
  });

  it('starts the rebuild again if the log cannot be followed from its version', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 2; version++) await delta.commit(clicks(5, version * 5));
    await follow(delta);
    const options = { warehouse, at: delta.at, table: clicksAt, limits: { rows: 5, bytes: 1e9 } };
    const stopped = new AbortController();
    const onProgress = ({ files }: { files: number }) => files === 1 && stopped.abort();
    expect(await rebuild({ ...options, signal: stopped.signal, onProgress })).toEqual({ outcome: 'stopped' });
    await delta.removeAll();
    await delta.commit(clicks(1));
    expect(await rebuild({ ...options, signal: forever })).toEqual({ outcome: 'rebuilt', version: 4 });
    expect(await follow(delta)).toEqual({ state: 'current', version: 4 });
    expect(await count('clickstream.clicks')).toBe(1);
    expect([...(await warehouse.ledger()).keys()].sort()).toEqual([fullName(assetsAt), fullName(clicksAt)]);
  });

  it('does the first load of a log that has lost its beginning through a rebuild', async () => {
    const delta = await clicksTable();
    for (let version = 0; version < 3; version++) await delta.commit(clicks(5, version * 5));
    await delta.checkpointAndClean();
    expect(await follow(delta)).toEqual({ state: 'current', version: 3 });
    expect(await count('clickstream.clicks')).toBe(15);
  });

  it('stops for a table that was made again, a version that is gone and rows taken away', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    await follow(delta);
    const another = await clicksTable();
    expect(await follow(another)).toMatchObject({
      state: 'needs-rebuild',
      version: 1,
      reason: expect.stringContaining('another one'),
    });
    await delta.commit(clicks(5));
    await delta.removeAll();
    await follow(delta);
    expect(await follow(delta)).toMatchObject({
      state: 'needs-rebuild',
      version: 2,
      reason: 'version 3 takes rows away',
    });
    await delta.commit(clicks(1));
    await delta.checkpointAndClean();
    expect(await follow(delta)).toMatchObject({
      state: 'needs-rebuild',
      version: 2,
      reason: 'the log was cleaned: what follows version 2 is not in it any more',
    });
    expect(await count('clickstream.clicks')).toBe(10);
    await rebuild({ warehouse, at: delta.at, table: clicksAt, signal: forever });
    expect(await follow(delta)).toEqual({ state: 'current', version: 4 });
    expect(await count('clickstream.clicks')).toBe(1);
  });

  it('stops for a data file that is gone', async () => {
    const delta = await clicksTable();
    await delta.commit(clicks(5));
    const snapshot = await openSnapshot(delta.at);
    for (const path of snapshot?.files.keys() ?? []) await delta.at.store.delete(`clicks/${path}`);
    expect(await follow(delta)).toMatchObject({
      state: 'needs-rebuild',
      version: -1,
      reason: expect.stringContaining('is gone'),
    });
  });

  it('says so when its ledger does not know the table', async () => {
    const delta = await clicksTable();
    const unknown = { ...clicksAt, name: 'unknown' };
    await expect(follow(delta, unknown)).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining('warehouse -- init'),
    });
  });
});
