import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import { beginning } from '../../../src/lib/delta/position';
import { catchUp } from '../../../src/lib/warehouse/catchUp';
import { finishSwap, rebuild } from '../../../src/lib/warehouse/rebuild';
import { fullName, type Warehouse } from '../../../src/lib/warehouse/warehouse';
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

const options = (by = warehouse) => ({ warehouse: by, at: delta.at, table: clicksAt, signal });
const shadowOf = (version: number, token: string) => ({
  ...clicksAt,
  name: `clicks__rebuild_${version}_${token}`,
});
const ledgerNames = async () => [...(await warehouse.ledger()).keys()].sort();

const idOfTable = async () => (await openState(delta.at))?.metaData.id ?? '';

/** The methods of a warehouse as an object, so that one of them can be wrapped. */
const own = (of: Warehouse): Warehouse => ({
  name: of.name,
  init: (tables) => of.init(tables),
  ledger: () => of.ledger(),
  missingColumns: (table) => of.missingColumns(table),
  keepsMarks: () => of.keepsMarks(),
  load: (load) => of.load(load),
  createShadow: (shadow, tableId, mark) => of.createShadow(shadow, tableId, mark),
  swap: (swap) => of.swap(swap),
  dropShadow: (shadow) => of.dropShadow(shadow),
  dropLeftovers: (table) => of.dropLeftovers(table),
  query: (sql) => of.query(sql),
  close: () => of.close(),
});

/** A rebuild whose process is cut off when the ledger says that the tables are being swapped. Returns the shadow's full name. */
async function leaveSwap(): Promise<string> {
  await delta.commit(clicks(4));
  await catchUp({ ...options(), commits: delta.commits });
  harness.server.cutAt = /RENAME OBJECT/;
  await expect(rebuild(options(harness.open()))).rejects.toMatchObject({ code: 'warehouse.unavailable' });
  expect(harness.server.cutAt).toBeUndefined();
  const shadow = (await ledgerNames()).find((name) => name.includes('__rebuild_'));
  if (shadow === undefined) throw new Error('There is no shadow.');
  return shadow;
}

describe('a swap that was left half done', () => {
  it('is finished with the shadow that the ledger names, and nothing is loaded again', async () => {
    await leaveSwap();
    const position = (await warehouse.ledger()).get(fullName(clicksAt));
    const sent = harness.server.batches.length;
    expect(await finishSwap(options())).toBe('swapped');
    expect(harness.server.batches.slice(sent).join('\n')).not.toMatch(/INSERT INTO|CREATE TABLE/);
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(4);
    const { mark } = position ?? {};
    expect(mark).toMatch(/^[0-9a-f]+$/);
    const after = (await warehouse.ledger()).get(fullName(clicksAt));
    expect(after).toMatchObject({ version: 1, mark });
    expect(after?.tableId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await finishSwap(options())).toBe('not-swapped');
  });

  it('is finished by a rebuild, which then has no more to do', async () => {
    await leaveSwap();
    await delta.commit(clicks(1, 4));
    expect(await rebuild(options())).toEqual({ outcome: 'rebuilt', version: 1 });
  });

  it('takes the other shadows of the table with it, and only those', async () => {
    const shadow = await leaveSwap();
    for (const token of ['00000001', '00000002']) await warehouse.createShadow(shadowOf(1, token), 'id');
    const other = { ...shadowOf(1, '00000003'), schema: 'other' };
    await warehouse.query('CREATE SCHEMA other;');
    await warehouse.createShadow(other, 'id');
    expect(await ledgerNames()).toContain(shadow);
    expect(await finishSwap(options())).toBe('swapped');
    expect(await ledgerNames()).toEqual([fullName(clicksAt), fullName(other)]);
  });

  it('cannot be finished if the ledger does not have the shadow any more', async () => {
    const shadow = await leaveSwap();
    await warehouse.query(`DELETE FROM ops.load_ledger WHERE table_name = '${shadow}';`);
    expect(await finishSwap(options())).toBe('shadow-missing');
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(4);
  });

  it('is nothing that a load could finish if the shadow and the Delta table are gone', async () => {
    const shadow = await leaveSwap();
    await warehouse.query(`DELETE FROM ops.load_ledger WHERE table_name = '${shadow}';`);
    const { store, table } = delta.at;
    for await (const { path } of store.list(`${table}/`)) await store.delete(path);
    expect(await catchUp({ ...options(), commits: delta.commits })).toEqual({ state: 'no-table' });
  });

  it('is not there if no swap was begun, or if the ledger does not know the table', async () => {
    expect(await finishSwap(options())).toBe('not-swapped');
    expect(await finishSwap({ ...options(), table: { ...clicksAt, name: 'unknown' } })).toBe('not-swapped');
    expect((await warehouse.ledger()).get(fullName(clicksAt))).toEqual(beginning);
  });
});

describe('a rebuild', () => {
  it('gives up when a data file of the newest version stays away, and leaves no shadow', async () => {
    await delta.commit(clicks(4));
    for await (const { path } of delta.at.store.list('clicks/'))
      if (path.endsWith('.parquet')) await delta.at.store.delete(path);
    await expect(rebuild(options())).rejects.toMatchObject({
      code: 'delta.invalid',
      message: expect.stringMatching(/^memory\/clicks version 1: data file .*\.parquet is gone\.$/),
    });
    expect(
      harness.server.batches.filter((text) => text.startsWith('CREATE TABLE [clickstream].[clicks__rebuild')),
    ).toHaveLength(3);
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
    await rebuild({ ...options(), limits: { rows: 80, bytes: 1e9 }, onProgress });
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
            const shadow = [...ledger.values()].find((_, index) =>
              [...ledger.keys()][index]?.includes('__rebuild_'),
            );
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
    const version = taken === 'rows' ? commits + 1 : 1;
    expect(await rebuild(options())).toEqual({ outcome: 'rebuilt', version });
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(rows);
  });

  it('begins again if the log has gone back, or cannot be followed, since its shadow was begun', async () => {
    for (const rows of [1, 2, 3]) await delta.commit(clicks(rows));
    for (const [shadow, tableId, mark] of [
      [shadowOf(3, '00000001'), 'another', undefined],
      [shadowOf(3, '00000002'), await idOfTable(), 'ffff'],
      [shadowOf(9, '00000003'), await idOfTable(), undefined],
    ] as const)
      await warehouse.createShadow(shadow, tableId, mark);
    expect(await rebuild(options())).toEqual({ outcome: 'rebuilt', version: 3 });
    expect(harness.server.rows(fullName(clicksAt))).toHaveLength(6);
    expect(await ledgerNames()).toEqual([fullName(clicksAt)]);
  });
});
