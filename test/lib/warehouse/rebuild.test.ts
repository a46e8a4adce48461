import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { catchUp } from '../../../src/lib/warehouse/catchUp';
import { rebuild } from '../../../src/lib/warehouse/rebuild';
import { fillingPosition } from '../../../src/lib/warehouse/shadow';
import { fullName, type Load, type Warehouse } from '../../../src/lib/warehouse/warehouse';
import { clicks, clicksTable, type DeltaTable } from './deltaTable';
import { clicksAt, tdsHarness } from './harness';

const signal = new AbortController().signal;

let harness: Awaited<ReturnType<typeof tdsHarness>>;
let warehouse: Warehouse;
let delta: DeltaTable;

beforeEach(async () => {
  harness = await tdsHarness();
  warehouse = harness.open();
  await warehouse.init([clicksAt]);
  delta = await clicksTable();
});
afterEach(() => harness.close());

const options = (by = warehouse) => ({
  ...{ warehouse: by, at: delta.at, table: clicksAt, signal },
  backoff: { firstMs: 1, mostMs: 10 },
});
const shadowOf = (version: number, token: string) => ({
  ...clicksAt,
  name: `clicks__reload_${version}_${token}`,
});
const ledgerNames = async () => [...(await warehouse.ledger()).keys()].sort();

const idOfTable = async () => (await openState(delta.at))?.metaData.id ?? '';

/** The methods of a warehouse as an object, so that one of them can be wrapped. */
const own = (of: Warehouse): Warehouse => ({
  kind: of.kind,
  name: of.name,
  init: (tables) => of.init(tables),
  ledger: () => of.ledger(),
  missingColumns: (table) => of.missingColumns(table),
  keepsMarks: () => of.keepsMarks(),
  load: (load) => of.load(load),
  createShadow: (swap, position) => of.createShadow(swap, position),
  lostBySwap: (table) => of.lostBySwap(table),
  hold: (swap) => of.hold(swap),
  release: (swap) => of.release(swap),
  swap: (swap, least) => of.swap(swap, least),
  dropShadow: (shadow) => of.dropShadow(shadow),
  dropLeftovers: (table) => of.dropLeftovers(table),
  query: (sql) => of.query(sql),
  close: () => of.close(),
});

/** A rebuild whose process is cut off when the ledger says that the tables are being swapped. Returns the shadow's full name. */
async function leaveSwap(): Promise<string> {
  await delta.commit(clicks(4));
  await catchUp({ ...options(), commits: delta.commits });
  const killed = new AbortController();
  harness.server.cutAt = /RENAME OBJECT/;
  harness.server.onBatch = (text) => {
    if (text.includes('RENAME OBJECT')) killed.abort();
  };
  expect(await rebuild({ ...options(harness.open()), signal: killed.signal })).toEqual({
    outcome: 'stopped',
  });
  harness.server.onBatch = undefined;
  expect(harness.server.cutAt).toBeUndefined();
  const shadow = (await ledgerNames()).find((name) => name.includes('__reload_'));
  if (shadow === undefined) throw new Error('There is no shadow.');
  return shadow;
}

describe('a swap that was left half done', () => {
  it('is finished with the shadow that the ledger names, and nothing is loaded again', async () => {
    await leaveSwap();
    const { mark } = (await warehouse.ledger()).get(fullName(clicksAt)) ?? {};
    const sent = harness.server.batches.length;
    await delta.commit(clicks(1, 4));
    expect(await rebuild(options())).toEqual({ outcome: 'rebuilt', version: 1 });
    expect(harness.server.batches.slice(sent).join('\n')).not.toMatch(/INSERT INTO|CREATE TABLE/);
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(4);
    expect(mark).toMatch(/^[0-9a-f]+$/);
    const after = (await warehouse.ledger()).get(fullName(clicksAt));
    expect(after).toMatchObject({ version: 1, mark });
    expect(after?.tableId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('takes the other shadows of the table with it, and only those', async () => {
    const shadow = await leaveSwap();
    const position = { tableId: 'id', version: 1, mark: undefined };
    const names = ['clicks__reload_1_00000001', 'clicks__rebuild_1_00000002'];
    for (const name of names)
      await warehouse.createShadow({ table: clicksAt, shadow: { ...clicksAt, name } }, position);
    const other = { ...shadowOf(1, '00000003'), schema: 'other' };
    await warehouse.query('CREATE SCHEMA other;');
    await warehouse.createShadow({ table: clicksAt, shadow: other }, position);
    expect(await ledgerNames()).toContain(shadow);
    expect(await rebuild(options())).toMatchObject({ outcome: 'rebuilt' });
    expect(await ledgerNames()).toEqual([fullName(clicksAt), fullName(other)]);
  });

  it('is nothing that a load could finish if the shadow and the Delta table are gone', async () => {
    const shadow = await leaveSwap();
    await warehouse.query(`DELETE FROM ops.load_ledger WHERE table_name = '${shadow}';`);
    const { store, table } = delta.at;
    for await (const { path } of store.list(`${table}/`)) await store.delete(path);
    expect(await catchUp({ ...options(), commits: delta.commits })).toEqual({ state: 'no-table' });
  });
});

describe('a table that is rebuilt', () => {
  /** The versions that the table had in the ledger, whenever a batch was sent. */
  const versionsSeen = () => {
    const seen: number[] = [];
    harness.server.onBatch = () => {
      const row = harness.server
        .rows('ops.load_ledger')
        .find(({ table_name }) => table_name === fullName(clicksAt));
      seen.push(Number(row?.last_version));
    };
    return seen;
  };

  it('goes on after each broken connection as long as it makes progress', async () => {
    for (let version = 0; version < 6; version++) await delta.commit(clicks(5, version * 5));
    let cuts = 0;
    harness.server.onBatch = (text) => {
      // Each load of the shadow is cut once, and loaded by the next try.
      if (/BEGIN TRANSACTION.*__reload_/s.test(text) && cuts++ % 2 === 0) harness.server.cutAt = /./;
    };
    const rebuilt = await rebuild({ ...options(), limits: { rows: 5, bytes: 1e9 } });
    expect(rebuilt.outcome).toBe('rebuilt');
    expect(cuts).toBeGreaterThanOrEqual(12);
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(30);
  });

  it('is done if only the answer to its last commit is lost', async () => {
    await delta.commit(clicks(5));
    harness.server.onBatch = (text) => {
      if (text.includes('RENAME OBJECT')) harness.server.plan({ drop: 'after-commit' });
    };
    expect(await rebuild(options())).toEqual({ outcome: 'rebuilt', version: 1 });
    expect(harness.server.planned).toBe(0);
    expect(harness.server.batches.filter((text) => /CREATE TABLE .*__reload_/.test(text))).toHaveLength(1);
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(5);
    expect(await ledgerNames()).toEqual([fullName(clicksAt)]);
    // Without the table that was replaced.
    expect([...harness.server.engine.tables.keys()].filter((name) => name.includes('__'))).toEqual([]);
  });

  it('is not taken for done if its shadow is gone after it could not take its place', async () => {
    await delta.commit(clicks(3));
    let swaps = 0;
    let lost: Parameters<Warehouse['swap']>[0] | undefined;
    const late = {
      ...own(warehouse),
      swap: async (swap: Parameters<Warehouse['swap']>[0]) => {
        if (swaps++ > 0) return warehouse.swap(swap);
        lost = swap;
        return 'not-swapped' as const;
      },
      // Another process drops the shadow, after this one has seen that it is still there.
      ledger: async () => {
        const ledger = await warehouse.ledger();
        if (lost) {
          await warehouse.release(lost);
          await warehouse.dropShadow(lost.shadow);
        }
        lost = undefined;
        return ledger;
      },
    };
    expect(await rebuild(options(late))).toEqual({ outcome: 'rebuilt', version: 1 });
    expect(swaps).toBe(2);
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(3);
  });

  it('is given up when the database cannot be reached several times in a row', async () => {
    await delta.commit(clicks(5));
    harness.server.refuseLogins = { number: 42108, message: 'The pool is paused.' };
    await expect(rebuild(options())).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    expect(harness.server.logins).toBeGreaterThanOrEqual(5);
  });

  it('never goes back in time, while it is loaded and its log grows', async () => {
    for (let version = 0; version < 3; version++) await delta.commit(clicks(5, version * 5));
    await catchUp({ ...options(), commits: delta.commits });
    const loader = harness.open();
    const seen = versionsSeen();
    const rebuilt = await rebuild({
      ...options(),
      limits: { rows: 5, bytes: 1e9 },
      warehouse: {
        ...own(warehouse),
        hold: async (swap) => {
          // The table is ahead of the shadow when its loads are turned away.
          for (let commit = 0; commit < 3; commit++) await delta.commit(clicks(5, 100));
          await catchUp({ ...options(loader), commits: delta.commits });
          return warehouse.hold(swap);
        },
      },
      onProgress: () => void delta.commit(clicks(5, 50)),
    });
    expect(rebuilt.outcome).toBe('rebuilt');
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await catchUp({ ...options(), commits: delta.commits })).toMatchObject({ state: 'current' });
    const state = await openState(delta.at);
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(5 * (state?.version ?? 0));
  });

  it('does not go back because the ledger told a position of its shadow that was undone', async () => {
    for (let version = 0; version < 3; version++) await delta.commit(clicks(5, version * 5));
    await catchUp({ ...options(), commits: delta.commits });
    const seen = versionsSeen();
    let [isHeld, swaps] = [false, 0];
    const rebuilt = await rebuild({
      ...options(),
      backoff: { firstMs: 1, mostMs: 1 },
      warehouse: {
        ...own(warehouse),
        hold: async (swap) => {
          if (!isHeld) {
            await delta.commit(clicks(5, 100));
            await catchUp({ ...options(harness.open()), commits: delta.commits });
          }
          isHeld = await warehouse.hold(swap);
          return isHeld;
        },
        swap: async (swap, least) => {
          swaps++;
          return warehouse.swap(swap, least);
        },
        // As if another process were loading the shadow, and were killed before it committed that.
        ledger: async () => {
          const ledger = await warehouse.ledger();
          if (!isHeld || swaps > 0) return ledger;
          return new Map(
            [...ledger].map(([name, position]) => [
              name,
              name.includes('__reload_') ? { ...position, version: 4 } : position,
            ]),
          );
        },
      },
    });
    expect(swaps).toBe(2);
    expect(rebuilt).toEqual({ outcome: 'rebuilt', version: 4 });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(20);
  });

  it.each([
    ['of no table, because nothing was loaded', '', -1],
    ['of another table, which was there before', 'another', 1000],
  ])('ends also if the log grows with each load, and its own version is one %s', async (_what, id, at) => {
    await delta.commit(clicks(5));
    await warehouse.query(`UPDATE ops.load_ledger SET delta_id = '${id}', last_version = ${at};`);
    let commits = 0;
    const rebuilt = await rebuild({
      ...options(),
      warehouse: {
        ...own(warehouse),
        load: async (load) => {
          if (commits++ < 100) await delta.commit(clicks(1, 100 + commits));
          return warehouse.load(load);
        },
      },
    });
    expect(rebuilt.outcome).toBe('rebuilt');
    expect(commits).toBeLessThan(20);
  });

  it('goes back with its log, if that was rolled back', async () => {
    for (let version = 0; version < 4; version++) await delta.commit(clicks(5, version * 5));
    await catchUp({ ...options(), commits: delta.commits });
    for (const version of [3, 4])
      await delta.at.store.delete(`clicks/_delta_log/${String(version).padStart(20, '0')}.json`);
    expect(await rebuild(options())).toEqual({ outcome: 'rebuilt', version: 2 });
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(10);
  });

  it.each(['hold', 'swap'] as const)(
    'is finished by the next load if the process ends at its %s',
    async (step) => {
      await delta.commit(clicks(5));
      await catchUp({ ...options(), commits: delta.commits });
      const ends = async () => {
        throw new Error('killed');
      };
      const dying = { ...own(warehouse), [step]: ends };
      await expect(rebuild({ ...options(), warehouse: dying })).rejects.toThrow('killed');
      await delta.commit(clicks(2, 5));
      expect(await catchUp({ ...options(), commits: delta.commits })).toEqual({
        state: 'current',
        version: 2,
      });
      expect(harness.server.rows(fullName(clicksAt))).toHaveLength(7);
    },
  );

  it('is loaded on if its log takes rows away while the shadow is about to take its place', async () => {
    await delta.commit(clicks(5));
    await catchUp({ ...options(), commits: delta.commits });
    let held = 0;
    const rebuilt = await rebuild({
      ...options(),
      warehouse: {
        ...own(warehouse),
        hold: async (swap) => {
          const isHeld = await warehouse.hold(swap);
          if (++held === 1) {
            const position = (await warehouse.ledger()).get(fullName(clicksAt));
            await delta.removeAll();
            await delta.commit(clicks(1));
            // As if the table had been loaded past the shadow.
            await warehouse.query(
              `UPDATE ops.load_ledger SET last_version = 3, mark_version = NULL WHERE delta_id = '${position?.tableId}';`,
            );
          }
          return isHeld;
        },
      },
    });
    expect([rebuilt, held]).toEqual([{ outcome: 'rebuilt', version: 3 }, 2]);
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(1);
    expect(await ledgerNames()).toEqual([fullName(clicksAt)]);
  });
});

describe('a rebuild that comes to nothing', () => {
  it('ends after some tries, with the reason', async () => {
    await delta.commit(clicks(4));
    let swaps = 0;
    const failing = {
      ...own(warehouse),
      swap: async () => {
        swaps++;
        return 'not-swapped' as const;
      },
    };
    await expect(rebuild({ ...options(), warehouse: failing })).rejects.toMatchObject({
      code: 'warehouse.unavailable',
      message: expect.stringMatching(
        /the rebuild of clickstream\.clicks did not end in 5 tries: another process loads the shadow/,
      ),
    });
    expect(swaps).toBe(5);
    expect(await rebuild(options())).toMatchObject({ outcome: 'rebuilt' });
  });

  it('ends after some tries if all loads of its shadow are overtaken once it has its files', async () => {
    await delta.commit(clicks(4));
    let turnedAway = 0;
    const overtaken = {
      ...own(warehouse),
      load: async (load: Load) => {
        // The log grows when the shadow has got the files, so that it has commits to follow.
        if (load.to.version === 1) await delta.commit(clicks(1, 4));
        else turnedAway++;
        return load.to.version === 1 ? warehouse.load(load) : ('overtaken' as const);
      },
    };
    const short = { firstMs: 1, mostMs: 1 };
    await expect(rebuild({ ...options(), backoff: short, warehouse: overtaken })).rejects.toMatchObject({
      message: expect.stringMatching(
        /did not end in 5 tries: another process loads the shadow, but does not get on/,
      ),
    });
    expect(turnedAway).toBe(25);
    expect(await rebuild(options())).toMatchObject({ outcome: 'rebuilt', version: 2 });
  });

  it('waits before the next try, and ends at once when it is told to meanwhile', async () => {
    await delta.commit(clicks(4));
    const ended = new AbortController();
    let looks = 0;
    let isSwapped = false;
    const failing = {
      ...own(warehouse),
      swap: async () => {
        isSwapped = true;
        return 'not-swapped' as const;
      },
      // Each try begins with a look at the ledger, and the first one also ends with it.
      ledger: async () => {
        const found = await warehouse.ledger();
        if (isSwapped && ++looks === 1) setImmediate(() => ended.abort());
        return found;
      },
    };
    const backoff = { firstMs: 600_000, mostMs: 600_000 };
    expect(await rebuild({ ...options(), warehouse: failing, signal: ended.signal, backoff })).toEqual({
      outcome: 'stopped',
    });
    expect(looks).toBe(1);
  });

  it('ends between two loads of its shadow when it is told to', async () => {
    for (let commit = 0; commit < 3; commit++) await delta.commit(clicks(4));
    const ended = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ files }: { files: number }) => {
      seen.push(files);
      if (files === 1) ended.abort();
    };
    const limits = { rows: 1, bytes: 1e9 };
    expect(await rebuild({ ...options(), limits, signal: ended.signal, onProgress })).toEqual({
      outcome: 'stopped',
    });
    expect(seen).toEqual([0, 1]);
  });

  it('ends when it is told to at the end of the log, before anything takes the place of the table', async () => {
    await delta.commit(clicks(4));
    const ended = new AbortController();
    const onProgress = ({ files, of }: { files: number; of: number }) => files === of && ended.abort();
    expect(await rebuild({ ...options(), signal: ended.signal, onProgress })).toEqual({ outcome: 'stopped' });
    expect((await warehouse.ledger()).get(fullName(clicksAt))?.version).toBe(-1);
  });

  it('gives up at once when a data file of the newest version is gone, and leaves no shadow', async () => {
    await delta.commit(clicks(4));
    for await (const { path } of delta.at.store.list('clicks/'))
      if (path.endsWith('.parquet')) await delta.at.store.delete(path);
    await expect(rebuild(options())).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: expect.stringMatching(/^memory\/clicks version 1: data file .*\.parquet is gone\.$/),
    });
    expect(
      harness.server.batches.filter((text) => text.startsWith('CREATE TABLE [clickstream].[clicks__reload')),
    ).toHaveLength(1);
    expect(await ledgerNames()).toEqual([fullName(clicksAt)]);
  });

  it('does nothing without a table in the lake', async () => {
    await delta.at.store.delete('clicks/_delta_log/00000000000000000000.json');
    expect(await rebuild(options())).toEqual({ outcome: 'no-table' });
    expect(await ledgerNames()).toEqual([fullName(clicksAt)]);
  });

  it('loads as many files at once as the limits of rows and bytes allow, and reports after each load', async () => {
    for (const rows of [10, 10, 10, 40, 10]) await delta.commit(clicks(rows));
    const seen: number[] = [];
    const onProgress = ({ files, of, version }: { files: number; of: number; version: number }) => {
      seen.push(files);
      expect([of, version]).toEqual([5, 5]);
    };
    expect(await rebuild({ ...options(), limits: { rows: 1e9, bytes: 1e9 }, onProgress })).toMatchObject({
      outcome: 'rebuilt',
    });
    expect(seen.splice(0)).toEqual([0, 5]);
    // A file that is larger than the limit goes alone.
    await rebuild({ ...options(), limits: { rows: 1e9, bytes: 1 }, onProgress });
    expect(seen.splice(0)).toEqual([0, 1, 2, 3, 4, 5]);
    await rebuild({ ...options(), limits: { rows: 1, bytes: 1e9 }, onProgress });
    expect(seen.splice(0)).toEqual([0, 1, 2, 3, 4, 5]);
    // A load may be as large as the limit.
    await rebuild({ ...options(), limits: { rows: 80, bytes: 1e9 }, onProgress });
    expect(seen.splice(0)).toEqual([0, 5]);
    let bytes = 0;
    for (const { size } of (await openSnapshot(delta.at))?.files.values() ?? []) bytes += size;
    await rebuild({ ...options(), limits: { rows: 1e9, bytes }, onProgress });
    expect(seen).toEqual([0, 5]);
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(80);
  });

  it('leaves the table to another process that was faster, wherever it stands', async () => {
    for (const rows of [1, 2, 3]) await delta.commit(clicks(rows));
    const limits = { rows: 1, bytes: 1e9 };
    for (const overtaken of [0, 1, 2, 3]) {
      let isFirst = true;
      const other = harness.open();
      const started = rebuild({
        ...options(),
        limits,
        // The other one ends the same rebuild while this one is between two loads.
        warehouse: {
          ...own(warehouse),
          ledger: async () => {
            const ledger = await warehouse.ledger();
            const shadow = [...ledger].find(([name]) => name.includes('__reload_'))?.[1];
            if (isFirst && shadow?.version === overtaken) {
              isFirst = false;
              expect(await rebuild(options(other))).toEqual({ outcome: 'rebuilt', version: 3 });
            }
            return ledger;
          },
        },
      });
      expect(await started).toEqual({ outcome: 'rebuilt-elsewhere' });
      expect(isFirst).toBe(false);
      expect(harness.server.rows(fullName(clicksAt))).toHaveLength(6);
      expect(await ledgerNames()).toEqual([fullName(clicksAt)]);
    }
  });

  it('is no rebuild as long as another shadow holds the table', async () => {
    await delta.commit(clicks(3));
    const other = { table: clicksAt, shadow: shadowOf(1, '0000000f') };
    let isHeld = false;
    const late = {
      ...own(warehouse),
      // Another process holds the table, just before this one would.
      hold: async (swap: Parameters<Warehouse['hold']>[0]) => {
        if (!isHeld) {
          isHeld = true;
          const at = (await warehouse.ledger()).get(fullName(swap.shadow));
          await warehouse.createShadow(other, at ?? { tableId: 'none', version: 0, mark: undefined });
          expect(await warehouse.hold(other)).toBe(true);
        }
        return warehouse.hold(swap);
      },
      // It stays as it is.
      swap: async () => 'not-swapped' as const,
    };
    await expect(rebuild(options(late))).rejects.toMatchObject({
      code: 'warehouse.unavailable',
      message: expect.stringContaining('did not end in 5 tries'),
    });
    expect(harness.server.rows(fullName(clicksAt))).toEqual([]);
  });

  it.each([true, false])(
    'waits for another process that holds the table, which ends it: %s',
    async (ends) => {
      await delta.commit(clicks(3));
      const shadow = shadowOf(1, '0000000f');
      let isHeld = false;
      const late = {
        ...own(warehouse),
        hold: async (swap: Parameters<Warehouse['hold']>[0]) => {
          if (isHeld) return warehouse.hold(swap);
          isHeld = true;
          const at = (await warehouse.ledger()).get(fullName(swap.shadow));
          await warehouse.createShadow(
            { table: clicksAt, shadow },
            at ?? { tableId: '', version: 0, mark: '' },
          );
          await warehouse.hold({ table: clicksAt, shadow });
          const held = await warehouse.hold(swap);
          if (ends) {
            await warehouse.swap({ table: clicksAt, shadow });
            await warehouse.dropShadow(swap.shadow);
          }
          return held;
        },
      };
      expect(await rebuild(options(late))).toEqual(
        ends ? { outcome: 'rebuilt-elsewhere' } : { outcome: 'rebuilt', version: 1 },
      );
      expect(await ledgerNames()).toEqual([fullName(clicksAt)]);
    },
  );

  it('waits between loads that another process overtakes, and says so in the end', async () => {
    for (const rows of [1, 2]) await delta.commit(clicks(rows));
    for (const filled of [0, 2]) {
      let loads = 0;
      const overtaken: Warehouse = {
        ...own(warehouse),
        load: async (load) => {
          if (filled > 0 && load.to.tableId.startsWith('fill:')) return warehouse.load(load);
          loads++;
          return 'overtaken';
        },
      };
      await expect(rebuild({ ...options(overtaken), limits: { rows: 1, bytes: 1e9 } })).rejects.toMatchObject(
        {
          code: 'warehouse.unavailable',
          message: expect.stringContaining('another process loads the shadow, but does not get on'),
        },
      );
      // Five tries of five loads.
      expect(loads).toBe(25);
    }
  });

  it('ends between loads that another process overtakes if it must', async () => {
    await delta.commit(clicks(1));
    const ended = new AbortController();
    let loads = 0;
    const overtaken: Warehouse = {
      ...own(warehouse),
      load: async () => {
        loads++;
        if (loads === 2) setImmediate(() => ended.abort());
        return 'overtaken';
      },
    };
    const backoff = { firstMs: 1e6, mostMs: 1e6 };
    expect(await rebuild({ ...options(overtaken), signal: ended.signal, backoff })).toEqual({
      outcome: 'stopped',
    });
    expect(loads).toBe(2);
  });

  it.each([
    ['goes on with its shadow', 'nothing', 3, 5],
    ['begins again', 'rows', 600, 0],
  ])('that was interrupted %s if later commits take away %s', async (_what, taken, commits, rows) => {
    await delta.commit(clicks(5));
    const ended = new AbortController();
    const onProgress = () => ended.abort();
    expect(await rebuild({ ...options(), signal: ended.signal, onProgress })).toEqual({ outcome: 'stopped' });
    // More than are read at once.
    for (let version = 2; version <= commits; version++)
      await putCommit(delta.at, version, [], { operation: 'WRITE', isBlindAppend: true });
    if (taken === 'rows') await delta.removeAll();
    const version = taken === 'rows' ? commits + 1 : commits;
    const begun = async () => (await ledgerNames()).filter((name) => name.includes('__reload_'));
    const [shadow] = await begun();
    const seen = new Set<string>();
    const watched: Warehouse = {
      ...own(warehouse),
      load: async (load) => {
        seen.add(fullName(load.table));
        return warehouse.load(load);
      },
    };
    expect(await rebuild(options(watched))).toEqual({ outcome: 'rebuilt', version });
    expect(seen.has(shadow ?? '')).toBe(taken === 'nothing');
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(rows);
  });

  it('begins again if the log has gone back, or cannot be followed, since its shadow was begun', async () => {
    for (const rows of [1, 2, 3]) await delta.commit(clicks(rows));
    for (const [shadow, tableId, mark] of [
      [shadowOf(3, '00000001'), 'another', undefined],
      [shadowOf(3, '00000002'), await idOfTable(), 'ffff'],
      [shadowOf(9, '00000003'), await idOfTable(), undefined],
    ] as const)
      await warehouse.createShadow({ table: clicksAt, shadow }, fillingPosition({ tableId, mark }, 0));
    const following = [
      { tableId: 'another', version: 3, mark: undefined },
      { tableId: await idOfTable(), version: 3, mark: 'ffff' },
      { tableId: await idOfTable(), version: 9, mark: undefined },
    ];
    for (const [index, position] of following.entries())
      await warehouse.createShadow({ table: clicksAt, shadow: shadowOf(1, `1000000${index}`) }, position);
    expect(await rebuild(options())).toEqual({ outcome: 'rebuilt', version: 3 });
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(6);
    expect(await ledgerNames()).toEqual([fullName(clicksAt)]);
  });
});
