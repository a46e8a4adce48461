import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { beginning, type TablePosition } from '../../../../src/lib/delta/position';
import { newShadow } from '../../../../src/lib/warehouse/shadow';
import { SqlClient } from '../../../../src/lib/warehouse/synapse/sqlClient';
import { openSynapse } from '../../../../src/lib/warehouse/synapse/synapseWarehouse';
import { fullName, type Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { Session } from '../../../kit/tds/session';
import { assetsAt, clicksAt, tdsHarness } from '../harness';

/*
 * When and how the columns of the marks come into a ledger that was made before them. The other tests of marks hold for every
 * warehouse: ledgerMarks.test.ts.
 */

const clicksName = fullName(clicksAt);
const old = { tableId: 'id', version: 7, mark: undefined };
const next = { tableId: 'id', version: 8, mark: 'mark' };
const none = { columns: clicksAt.columns.map(() => []), count: 0, rejected: [] };

let harness: Awaited<ReturnType<typeof tdsHarness>>;
let server: typeof harness.server;
/** A warehouse of a process that starts now. */
let start: typeof harness.open;

beforeEach(async () => {
  harness = await tdsHarness();
  ({ server, open: start } = harness);
  await start().init([clicksAt]);
});
afterEach(() => harness.close());

/** Creates a ledger without marks, and begins to count requests. */
const makeOldLedger = async () => {
  await harness.earlier.makeLedger(clicksName, old);
  [server.batches.length, server.errors.length] = [0, 0];
};
const load = (warehouse: Warehouse, from: TablePosition = old, to: TablePosition = next) =>
  warehouse.load({ table: clicksAt, from, to, rows: none });
/** Without the options of a new connection, and the question for the engine, which each process asks once. */
const requests = () =>
  server.batches.filter((batch) => !batch.startsWith('set ansi_nulls') && !batch.includes('EngineEdition'));
const batchesLike = (text: string) => server.batches.filter((batch) => batch.includes(text)).length;

describe('a ledger with the columns', () => {
  it('costs no request more than one without', async () => {
    await load(start(), beginning, next);
    server.batches.length = 0;
    const warehouse = start();
    expect(warehouse.keepsMarks()).toBeUndefined();
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual(next);
    expect(warehouse.keepsMarks()).toBe(true);
    expect(requests()).toHaveLength(1);
    await load(warehouse, next, { tableId: 'id', version: 9, mark: undefined });
    expect(requests()).toHaveLength(2);
    await warehouse.ledger();
    expect(requests()).toHaveLength(3);
    expect(server.errors).toEqual([]);
  });
});

describe('a ledger without the columns', () => {
  it('gets them at the first read, without further questions afterwards', async () => {
    await makeOldLedger();
    const warehouse = start();
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual(old);
    expect(server.errors).toEqual([207]);
    expect(requests()).toHaveLength(3);
    await load(warehouse);
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual(next);
    expect(requests()).toHaveLength(5);
    expect(harness.warnings).toEqual([]);
  });

  it('gets them at the first load, if that comes first', async () => {
    await makeOldLedger();
    expect(await load(start())).toBe('loaded');
    expect((await start().ledger()).get(clicksName)).toStrictEqual(next);
  });

  it('gets them once if two processes add them at the same time', async () => {
    await makeOldLedger();
    // Both look whether the columns are there, and both wait with their ALTER TABLE for a load that is under way.
    const holder = new Session(server.engine);
    await server.engine.lock('ops.load_ledger', holder);
    const warehouses = [start(), start()];
    const reads = warehouses.map((warehouse) => warehouse.ledger());
    await vi.waitFor(() => expect(batchesLike('ALTER TABLE')).toBe(2));
    server.engine.release(holder);
    for (const read of reads) expect((await read).get(clicksName)).toStrictEqual(old);
    expect(server.errors).toEqual([207, 207, 2705]);
    expect(warehouses.map((warehouse) => warehouse.keepsMarks())).toEqual([true, true]);
    const outcomes = await Promise.all(warehouses.map((warehouse) => load(warehouse)));
    expect(outcomes.sort()).toEqual(['loaded', 'overtaken']);
    expect((await start().ledger()).get(clicksName)).toStrictEqual(next);
    expect(harness.warnings).toEqual([]);
  });

  it('is altered once, however many tables of a process begin at once', async () => {
    await makeOldLedger();
    const holder = new Session(server.engine);
    await server.engine.lock('ops.load_ledger', holder);
    const warehouse = start();
    const reads = [warehouse.ledger(), warehouse.ledger()];
    await vi.waitFor(() => expect(server.errors).toEqual([207, 207]));
    server.engine.release(holder);
    for (const read of reads) expect((await read).get(clicksName)).toStrictEqual(old);
    expect(batchesLike('ALTER TABLE')).toBe(1);
  });

  it('gets them later if the server is away', async () => {
    await makeOldLedger();
    server.engine.alterRefusal = { number: 42108, message: 'The pool is paused.' };
    const warehouse = start();
    await expect(warehouse.ledger()).rejects.toMatchObject({ code: 'warehouse.unavailable' });
    expect(warehouse.keepsMarks()).toBeUndefined();
    server.engine.alterRefusal = undefined;
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual(old);
    expect(warehouse.keepsMarks()).toBe(true);
    expect(harness.warnings).toEqual([]);
  });

  it('gains them again when somebody has put an older ledger in its place', async () => {
    const warehouse = start();
    await warehouse.ledger();
    await makeOldLedger();
    await expect(load(warehouse)).rejects.toMatchObject({ code: 'warehouse.refused' });
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual(old);
    expect(await load(warehouse)).toBe('loaded');
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual(next);
  });

  it('gains them through the script for people, which can run again', async () => {
    await makeOldLedger();
    const client = new SqlClient(server);
    for (const round of [1, 2])
      for (const batch of readFileSync('deploy/sql/warehouse.sql', 'utf8').split(/^GO$/m))
        if (batch.trim() !== '') await client.batch(batch).catch((error) => expect([round, error]).toBe(''));
    await client.close();
    const warehouse = start();
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual(old);
    expect(warehouse.keepsMarks()).toBe(true);
    expect(server.errors).toEqual([]);
  });
});

describe('a ledger that may not be altered', () => {
  it('is worked with also if nobody listens to warnings', async () => {
    await makeOldLedger();
    server.engine.alterRefusal = { number: 229, message: 'The ALTER permission was denied.' };
    const silent = openSynapse({ address: server.address });
    onTestFinished(() => silent.close());
    expect((await silent.ledger()).get(clicksName)).toStrictEqual(old);
  });

  it.each([
    [
      1088,
      'Cannot find the object "ops.load_ledger" because it does not exist or you do not have permissions.',
    ],
    [
      4902,
      'Cannot find the object "ops.load_ledger" because it does not exist or you do not have permissions.',
    ],
    [229, "The ALTER permission was denied on the object 'load_ledger'."],
  ])('is worked with as it is (error %i), and the right is asked for once', async (number, message) => {
    await makeOldLedger();
    server.engine.alterRefusal = { number, message };
    const warehouse = start();
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual(old);
    expect(warehouse.keepsMarks()).toBe(false);
    expect(await load(warehouse)).toBe('loaded');
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 9) };
    await warehouse.createShadow(swap, { tableId: 'id', version: 9, mark: 'mark' });
    expect(await warehouse.hold(swap)).toBe(true);
    expect(await warehouse.swap(swap)).toBe('swapped');
    expect((await warehouse.ledger()).get(clicksName)).toStrictEqual({
      tableId: 'id',
      version: 9,
      mark: undefined,
    });
    expect(batchesLike('ALTER TABLE')).toBe(1);
    expect(server.errors).toEqual([207, number, 207]);
    expect(harness.warnings).toEqual([expect.stringContaining(`error ${number}`)]);
    expect(harness.warnings[0]).toContain('warehouse -- init');
    // Now the right is granted.
    server.engine.alterRefusal = undefined;
    await warehouse.ledger();
    expect(batchesLike('ALTER TABLE')).toBe(1);
    expect(warehouse.keepsMarks()).toBe(false);
    const later = start();
    await later.ledger();
    expect(later.keepsMarks()).toBe(true);
    // The one that began without goes on without, and the mark of another version than its own counts for nothing.
    await load(
      later,
      { tableId: 'id', version: 9, mark: undefined },
      { tableId: 'id', version: 10, mark: 'ten' },
    );
    await load(
      warehouse,
      { tableId: 'id', version: 10, mark: undefined },
      { tableId: 'id', version: 11, mark: 'eleven' },
    );
    expect((await later.ledger()).get(clicksName)).toStrictEqual({
      tableId: 'id',
      version: 11,
      mark: undefined,
    });
  });

  it('has every row and every swap once, in any order of the processes', async () => {
    await makeOldLedger();
    server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
    const warehouses = [start(), start(), start()];
    const insert = { ...none, columns: clicksAt.columns.map(() => [1]), count: 1 };
    for (let version = 8; version < 12; version++) {
      const from = { tableId: 'id', version: version - 1, mark: `${version - 1}` };
      const to = { tableId: 'id', version, mark: `${version}` };
      const loads = warehouses.map((one) => one.load({ table: clicksAt, from, to, rows: insert }));
      expect((await Promise.all(loads)).sort()).toEqual(['loaded', 'overtaken', 'overtaken']);
    }
    expect(server.rows(clicksName)).toHaveLength(4);
    const swap = { table: clicksAt, shadow: newShadow(clicksAt, 20) };
    await warehouses[0]?.createShadow(swap, { tableId: 'id', version: 20, mark: 'mark' });
    await warehouses[0]?.hold(swap);
    const swaps = warehouses.map((one) => one.swap(swap));
    expect((await Promise.all(swaps)).sort()).toEqual(['not-swapped', 'not-swapped', 'swapped']);
    expect((await warehouses[1]?.ledger())?.get(clicksName)).toStrictEqual({
      tableId: 'id',
      version: 20,
      mark: undefined,
    });
    expect(server.rows(clicksName)).toEqual([]);
    expect(warehouses.map((one) => one.keepsMarks())).toEqual([false, false, false]);
  });

  it('does not stop init from creating the missing tables', async () => {
    await makeOldLedger();
    server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
    const warehouse = start();
    await warehouse.init([clicksAt, assetsAt]);
    expect((await warehouse.ledger()).get(fullName(assetsAt))).toStrictEqual(beginning);
    expect(harness.warnings).toHaveLength(1);
  });
});
