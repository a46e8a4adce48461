import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { putCommit } from '../../../../src/lib/delta/commit';
import { beginning } from '../../../../src/lib/delta/position';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { catchUp } from '../../../../src/lib/warehouse/catchUp';
import { type CheckOptions, checkTable } from '../../../../src/lib/warehouse/check/checkTable';
import { newShadow } from '../../../../src/lib/warehouse/shadow';
import { UnloadedCommits } from '../../../../src/lib/warehouse/unloadedCommits';
import { fullName, type Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { asset, assetsTable, base, clicks, clicksTable, type DeltaTable } from '../deltaTable';
import { assetsAt, clicksAt, type Harness, implementations, openWithTables } from '../harness';

const signal = new AbortController().signal;
const micros = (iso: string) => BigInt(Date.parse(iso)) * 1000n;
const columns = clicksAt.columns.map(({ name }) => name).join(', ');

describe.shuffle.each(implementations)('a check of a table: %s', (_name, make) => {
  let harness: Harness;
  let warehouse: Warehouse;
  beforeEach(async () => {
    ({ harness, warehouse } = await openWithTables(make));
  });

  const follow = (delta: DeltaTable, table: WarehouseTable) =>
    catchUp({ warehouse, commits: new UnloadedCommits(delta.at), table, signal });
  const check = (delta: DeltaTable, table: WarehouseTable, more: Partial<CheckOptions> = {}) =>
    checkTable({ warehouse, at: delta.at, table, signal, pauseMs: 0, ...more });
  const equal = { different: [], unread: [], rejectedWanted: undefined };

  /** Does something before each query. */
  function spyOnQuery(before: (sql: string) => Promise<void>) {
    const ask = warehouse.query.bind(warehouse);
    const query = vi.spyOn(warehouse, 'query');
    onTestFinished(() => query.mockRestore());
    query.mockImplementation(async (sql) => {
      await before(sql);
      return ask(sql);
    });
  }

  /** A table with clicks, as it was loaded. */
  async function loadedClicks(count: number): Promise<DeltaTable> {
    const delta = await clicksTable();
    await delta.commit(clicks(count));
    await follow(delta, clicksAt);
    return delta;
  }

  it('finds nothing in tables that are as they were loaded, whatever their values', async () => {
    const [clicked, priced] = [await clicksTable(), await assetsTable()];
    await clicked.commit([...clicks(50), [1, null, null, null], [2, base + 1, 2n ** 60n, 3]]);
    const times = [
      ...['1753-01-01T00:00:00.000Z', '1969-12-31T23:59:59.495Z', '1969-12-31T23:59:59.999Z'],
      '2026-01-01T00:00:00.005Z',
      ...['2026-01-01T23:59:59.999Z', '2026-05-05T12:00:00.998Z', '9999-12-31T23:59:59.997Z'],
    ];
    await priced.commit([
      ...times.map((at, index) =>
        asset({ id: `a${index}`, at: micros(at), price: index === 0 ? -0 : 0.1 + 0.2 }),
      ),
      // Neither fits: a time that no column holds, and a text that is too long.
      asset({ id: 'early', at: micros('1752-12-31T00:00:00Z') }),
      asset({ id: 'x'.repeat(300) }),
      asset({ id: 'é', name: '', symbol: null, price: 5e-300 }),
    ]);
    await follow(clicked, clicksAt);
    await follow(priced, assetsAt);
    const told: [what: string, done: number, total: number][] = [];
    const checked = await check(clicked, clicksAt, {
      onFile: (...numbers) => told.push(['file', ...numbers]),
      onSlice: (...numbers) => told.push(['slice', ...numbers]),
    });
    expect(told[0]).toEqual(['file', 1, 1]);
    expect(told.at(-1)).toEqual(['slice', told.length - 1, told.length - 1]);
    expect(checked).toEqual({ version: 1, rows: 52, rejected: 0, ...equal });
    expect(await check(priced, assetsAt)).toEqual({ version: 1, rows: 8, rejected: 2, ...equal });
  });

  it('ends with the reason of who aborts it, also between two looks', async () => {
    const delta = await loadedClicks(5);
    await harness.execute('DELETE FROM clickstream.clicks WHERE sequence_number = 4');
    const end = new AbortController();
    let read = 0;
    const during = new Proxy(warehouse, {
      get(target, name) {
        const value = target[name as keyof Warehouse];
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          // The first look reads after the slices were compared; then it waits for the second one.
          if (name === 'query' && ++read === 3) setTimeout(() => end.abort(new Error('Ended.')), 500);
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const options = { warehouse: during, at: delta.at, table: clicksAt, pauseMs: 60_000 };
    await expect(checkTable({ ...options, signal: end.signal })).rejects.toThrow('Ended.');
  });

  it('compares with the version that was loaded, also when the lake has newer ones', async () => {
    const delta = await loadedClicks(5);
    await delta.commit(clicks(3, 5));
    expect(await check(delta, clicksAt)).toEqual({ version: 1, rows: 5, rejected: 0, ...equal });
  });

  it('compares all rows at once where the table has no times', async () => {
    const untimed: WarehouseTable = {
      schema: clicksAt.schema,
      name: `${clicksAt.name}__untimed`,
      columns: clicksAt.columns.filter(({ type }) => !type.startsWith('datetime')),
    };
    await warehouse.init([untimed]);
    const delta = await clicksTable();
    await delta.commit([...clicks(5), [7, null, null, null]]);
    await follow(delta, untimed);
    expect(await check(delta, untimed)).toEqual({ version: 1, rows: 6, rejected: 0, ...equal });
    await harness.execute('DELETE FROM clickstream.clicks__untimed WHERE sequence_number = 4');
    expect((await check(delta, untimed)).different).toEqual([
      { what: 'missing', address: undefined, day: undefined, columns: [] },
    ]);
    const { store, table } = delta.at;
    for await (const { path } of store.list(`${table}/part-`)) await store.delete(path);
    await expect(check(delta, untimed)).rejects.toThrow(/version 1, file part-\S+ is gone/);
  });

  it('names rows that have exchanged values of a column, in which its checksum stays the same', async () => {
    const delta = await loadedClicks(4);
    const read = async (sequenceNumber: number) => {
      const [row] = await warehouse.query(
        `SELECT productid FROM clickstream.clicks WHERE sequence_number = ${sequenceNumber}`,
      );
      return Number(row?.productid);
    };
    const [first, second] = [await read(1), await read(2)];
    expect(first).not.toBe(second);
    await harness.execute(`UPDATE clickstream.clicks SET productid = ${second} WHERE sequence_number = 1`);
    await harness.execute(`UPDATE clickstream.clicks SET productid = ${first} WHERE sequence_number = 2`);
    expect((await check(delta, clicksAt)).different).toHaveLength(2);
  });

  it('names rows that were changed, are missing or doubled, or are not in the lake, by their addresses', async () => {
    const delta = await loadedClicks(6);
    const insert = (what: string) =>
      harness.execute(
        `INSERT INTO clickstream.clicks (${columns}) SELECT ${what} FROM clickstream.clicks WHERE sequence_number = 3`,
      );
    await harness.execute('UPDATE clickstream.clicks SET category = 77 WHERE sequence_number = 1');
    await harness.execute('DELETE FROM clickstream.clicks WHERE sequence_number = 2');
    await insert(columns.replace('sequence_number', '99'));
    await insert(columns);
    const { different, rows } = await check(delta, clicksAt);
    expect(rows).toBe(7);
    expect(
      [...different].sort((a, b) =>
        Number((a.address?.sequenceNumber ?? 0n) - (b.address?.sequenceNumber ?? 0n)),
      ),
    ).toEqual(
      (
        [
          [1n, 'changed', ['category']],
          [2n, 'missing', []],
          [3n, 'doubled', []],
          [99n, 'not in the lake', []],
        ] as const
      ).map(([sequenceNumber, what, changed]) => ({
        ...{ what, day: '2026-01-01', columns: changed },
        address: { hubCreatedAt: BigInt(base), partition: 0, sequenceNumber, element: 0 },
      })),
    );
  });

  it('finds rows of a day that the lake does not have, and rows without a time', async () => {
    const delta = await loadedClicks(3);
    const move = (to: string, sequenceNumber: number) =>
      harness.execute(
        `UPDATE clickstream.clicks SET enqueued_at = ${to} WHERE sequence_number = ${sequenceNumber}`,
      );
    await move("'2020-02-02T00:00:00.000000'", 0);
    await move('NULL', 1);
    const { different } = await check(delta, clicksAt);
    expect(different.map(({ what, columns: changed }) => [what, changed])).toEqual([
      ['changed', ['enqueued_at']],
      ['changed', ['enqueued_at']],
    ]);
  });

  it('names the days where the table has no addresses', async () => {
    const delta = await assetsTable();
    await delta.commit([asset({ id: 'a' }), asset({ id: 'b', at: base + 86_400_000_000 })]);
    await follow(delta, assetsAt);
    await harness.execute("UPDATE assets.asset_statistics_history_v3 SET symbol = 'X' WHERE id = 'b'");
    const { different } = await check(delta, assetsAt);
    expect(different.map(({ what, address, day }) => [what, address, day]).sort()).toEqual([
      ['missing', undefined, '2026-01-02'],
      ['not in the lake', undefined, '2026-01-02'],
    ]);
  });

  it('finds a rejected row that is missing', async () => {
    const delta = await assetsTable();
    await delta.commit([asset(), asset({ id: 'x'.repeat(300) }), asset({ id: 'y'.repeat(300) })]);
    await follow(delta, assetsAt);
    await harness.execute('DELETE FROM ops.rejected_rows WHERE sequence_number = 2');
    const found = { rejected: 1, rejectedWanted: 2, different: [] };
    expect(await check(delta, assetsAt)).toMatchObject(found);
    // A load that goes on meanwhile adds some, and takes none away.
    let loads = 0;
    spyOnQuery(async () => {
      if (++loads > 1) return;
      await delta.commit([asset({ id: 'later' })]);
      await follow(delta, assetsAt);
    });
    expect(await check(delta, assetsAt)).toMatchObject(found);
  });

  it('finds rejected rows that are too many, but takes later ones for no difference', async () => {
    const delta = await assetsTable();
    await delta.commit([asset(), asset({ id: 'x'.repeat(300) })]);
    await follow(delta, assetsAt);
    const query = vi.spyOn(warehouse, 'query');
    onTestFinished(() => query.mockRestore());
    // Loaded after the lake was read, and before the rejected rows are counted.
    const onSlice = async () => {
      await delta.commit([asset({ id: 'y'.repeat(300) })]);
      await follow(delta, assetsAt);
    };
    query.mockImplementationOnce(async (sql) => {
      await onSlice();
      return warehouse.query(sql);
    });
    expect(await check(delta, assetsAt)).toEqual({ version: 1, rows: 1, rejected: 2, ...equal });
    const names = 'table_name, hub_created_at, hub_partition, sequence_number, element, reason, row_json';
    await harness.execute(
      `INSERT INTO ops.rejected_rows (${names}) SELECT ${names} FROM ops.rejected_rows WHERE sequence_number = 1`,
    );
    expect(await check(delta, assetsAt)).toMatchObject({ rejected: 3, rejectedWanted: 2 });
  });

  it('compares ten days row by row, and tells of further ones in what they differ', async () => {
    const delta = await assetsTable();
    const at = (day: number) => base + day * 86_400_000_000;
    await delta.commit(Array.from({ length: 12 }, (_, day) => asset({ id: `a${day}`, at: at(day) })));
    await follow(delta, assetsAt);
    await harness.execute("UPDATE assets.asset_statistics_history_v3 SET symbol = 'X'");
    const { different, unread } = await check(delta, assetsAt);
    expect(new Set(different.map(({ day }) => day))).toEqual(
      new Set(Array.from({ length: 10 }, (_, day) => `2026-01-${String(day + 1).padStart(2, '0')}`)),
    );
    expect(unread).toEqual(
      [10, 11].map((day) => ({
        slice: { from: at(day) / 60_000_000, to: at(day + 1) / 60_000_000 },
        ...{ rows: 1, wanted: 1, columns: ['symbol'] },
      })),
    );
  });

  it('goes on with further days at once if the first ten are equal by the time of a look', async () => {
    const delta = await assetsTable();
    const at = (day: number) => base + day * 86_400_000_000;
    await delta.commit(Array.from({ length: 12 }, (_, day) => asset({ id: `a${day}`, at: at(day) })));
    await follow(delta, assetsAt);
    const setSymbol = (symbol: string, which: string) =>
      harness.execute(`UPDATE assets.asset_statistics_history_v3 SET symbol = '${symbol}' WHERE ${which}`);
    await setSymbol('X', "symbol = 'BTC'");
    spyOnQuery(async (sql) => {
      if (sql.includes('ops.rejected_rows')) await setSymbol('BTC', "id <> 'a11'");
    });
    const { different, unread } = await check(delta, assetsAt);
    expect(new Set(different.map(({ day }) => day))).toEqual(new Set(['2026-01-12']));
    expect(unread).toEqual([]);
    await setSymbol('X', "id = 'a0'");
    await setSymbol('BTC', "id = 'a11'");
    // Without a pause, because nothing is left to be looked at again.
    expect(await check(delta, assetsAt, { pauseMs: 600_000 })).toMatchObject(equal);
  });

  it('looks three times at rows that differ', async () => {
    const delta = await loadedClicks(5);
    await harness.execute('DELETE FROM clickstream.clicks WHERE sequence_number = 4');
    const asked: string[] = [];
    spyOnQuery(async (sql) => void asked.push(sql));
    expect((await check(delta, clicksAt)).different).toHaveLength(1);
    const ofTheDay = asked.filter((sql) => sql.includes(">= '2026-01-01T") && sql.includes("< '2026-01-02T"));
    // Once for the checksums.
    expect(ofTheDay).toHaveLength(4);
  });

  it('has no rows to compare if nothing is loaded but the making of the table', async () => {
    const delta = await clicksTable();
    await follow(delta, clicksAt);
    expect(await check(delta, clicksAt)).toEqual({ version: 0, rows: 0, rejected: 0, ...equal });
  });

  it.each(['onFile', 'onSlice'] as const)('is aborted at once: %s', async (when) => {
    const delta = await loadedClicks(2);
    await delta.commit(clicks(1));
    await follow(delta, clicksAt);
    const end = new AbortController();
    let told = 0;
    const abort = () => {
      told++;
      end.abort(new Error('Ended.'));
    };
    const checking = check(delta, clicksAt, { signal: end.signal, [when]: abort });
    await expect(checking).rejects.toThrow('Ended.');
    expect(told).toBe(1);
  });

  it('takes no load that goes on meanwhile for a difference, and finds one that is there', async () => {
    const delta = await loadedClicks(5);
    let [loads, most] = [0, 0];
    const load = async () => {
      await delta.commit(clicks(20, 50 * ++loads));
      await follow(delta, clicksAt);
    };
    // Loads between all steps of the check: each time that it asks the ledger or reads rows.
    const during = new Proxy(warehouse, {
      get(target, name) {
        const value = target[name as keyof Warehouse];
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (/^(?:query|ledger)$/.test(String(name)) && loads < most) await load();
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const checkDuring = (times: number) => {
      most = loads + times;
      return checkTable({ warehouse: during, at: delta.at, table: clicksAt, signal, pauseMs: 0 });
    };
    // Loads before it reads rows, and after it has compared them once.
    expect(await checkDuring(100)).toMatchObject(equal);
    expect(loads).toBeGreaterThan(8);
    await harness.execute('DELETE FROM clickstream.clicks WHERE sequence_number = 4');
    expect((await checkDuring(4)).different).toMatchObject([
      { what: 'missing', address: { sequenceNumber: 4n } },
    ]);
  });

  it('refuses a table that was never loaded, or needs a rebuild', async () => {
    const delta = await clicksTable();
    await expect(check(delta, clicksAt)).rejects.toThrow('was never loaded');
    await delta.commit(clicks(1));
    await follow(delta, clicksAt);
    await expect(check(await clicksTable(), clicksAt)).rejects.toThrow('needs a rebuild');
  });

  it('refuses a table whose lake is gone, or lacks a data file of the version that was loaded', async () => {
    const delta = await loadedClicks(2);
    const refused = (message: string) =>
      expect(check(delta, clicksAt)).rejects.toMatchObject({
        code: 'warehouse.refused',
        message: expect.stringContaining(message),
      });
    const { store, table } = delta.at;
    const files: [path: string, size: number][] = [];
    for await (const { path, size } of store.list(`${table}/part-`)) files.push([path, size]);
    for (const [path, size] of files) await store.put(path, Buffer.alloc(size));
    await expect(check(delta, clicksAt)).rejects.toMatchObject({ code: 'parquet.invalid' });
    for (const [path] of files) await store.delete(path);
    await expect(check(delta, clicksAt)).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: expect.stringMatching(/\/clicks version 1, file part-\S+ is gone\.$/),
    });
    const removes = files.map(([path]) => ({
      remove: { path: path.slice(table.length + 1), dataChange: false, deletionTimestamp: Date.now() },
    }));
    await putCommit(delta.at, 2, removes, { operation: 'OPTIMIZE', isBlindAppend: false });
    await refused('is loaded up to version 1, which the lake does not hold any more');
    for await (const { path } of store.list(`${table}/`)) await store.delete(path);
    await refused('needs a rebuild before it can be compared');
  });

  it('cannot compare a table while another one takes its place', async () => {
    const delta = await loadedClicks(1);
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 1) };
    const position = (await warehouse.ledger()).get(fullName(clicksAt));
    await warehouse.createShadow(swap, position ?? beginning);
    await warehouse.hold(swap);
    await expect(check(delta, clicksAt)).rejects.toMatchObject({
      code: 'warehouse.unavailable',
      message: expect.stringContaining('is being replaced by a rebuilt table'),
    });
  });
});
