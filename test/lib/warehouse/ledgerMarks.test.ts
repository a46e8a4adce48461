import { beforeEach, describe, expect, it } from 'vitest';
import { beginning, type TablePosition } from '../../../src/lib/delta/position';
import { fillingPosition, newShadow } from '../../../src/lib/warehouse/shadow';
import { fullName, type Load, type Warehouse } from '../../../src/lib/warehouse/warehouse';
import { assetsAt, clicksAt, type Harness, implementations, openWithTables } from './harness';

/*
 * What a warehouse does with the marks of positions, also beside loaders that know of none, and in a ledger that was made
 * before there were marks.
 */

const clicksName = fullName(clicksAt);
const mark = 'f'.repeat(64);

/** One click, with this number as its product and its sequence number. */
const click = (sequenceNumber: number): Load['rows'] => ({
  columns: clicksAt.columns.map(({ name }) => [
    name === 'productid' || name === 'sequence_number' ? sequenceNumber : null,
  ]),
  count: 1,
  rejected: [],
});
const insertClick = (sequenceNumber: number) =>
  `INSERT INTO clickstream.clicks (productid, sequence_number) SELECT ${sequenceNumber}, ${sequenceNumber};`;

/** Two writers of a DuckDB file at once: one of them is turned away with an error. */
const overtakenByConflict = (error: unknown): 'overtaken' => {
  if (!/conflict/i.test(String(error))) throw error;
  return 'overtaken';
};

describe.shuffle.each(implementations)('the marks in a warehouse: %s', (_name, make) => {
  let harness: Harness;
  let warehouse: Warehouse;
  beforeEach(async () => {
    ({ harness, warehouse } = await openWithTables(make));
  });

  const ledgerPosition = async (name = clicksName, by = warehouse) => (await by.ledger()).get(name);

  /** Loads one click, numbered by the version. */
  const load = (from: TablePosition, to: TablePosition, table = clicksAt, by = warehouse) =>
    by.load({ table, from, to, rows: click(to.version) });

  const sequenceNumbers = async () =>
    (await warehouse.query('SELECT sequence_number FROM clickstream.clicks'))
      .map(({ sequence_number }) => Number(sequence_number))
      .sort((a, b) => a - b);

  it('are read back with their versions, and cleared by a load without a mark', async () => {
    expect(await ledgerPosition()).toStrictEqual(beginning);
    const first = { tableId: 'id', version: 0, mark };
    expect(await load(beginning, first)).toBe('loaded');
    expect(await ledgerPosition()).toStrictEqual(first);
    const second = { tableId: 'id', version: 1, mark: 'two' };
    expect(await load(first, second)).toBe('loaded');
    expect(await ledgerPosition(clicksName, harness.open())).toStrictEqual(second);
    expect(await load(second, { tableId: 'id', version: 2, mark: undefined })).toBe('loaded');
    expect(await ledgerPosition()).toStrictEqual({ tableId: 'id', version: 2, mark: undefined });
    expect(warehouse.keepsMarks()).toBe(true);
  });

  it('show another log entry of the same version: commits read before storage went back are not loaded', async () => {
    await load(beginning, { tableId: 'id', version: 0, mark });
    const lost = { tableId: 'id', version: 0, mark: 'of-a-lost-entry' };
    expect(await load(lost, { tableId: 'id', version: 1, mark: 'two' })).toBe('overtaken');
    expect(await ledgerPosition()).toStrictEqual({ tableId: 'id', version: 0, mark });
    expect(await sequenceNumbers()).toEqual([0]);
  });

  it('that are not known let a load through', async () => {
    await load(beginning, { tableId: 'id', version: 0, mark });
    expect(
      await load(
        { tableId: 'id', version: 0, mark: undefined },
        { tableId: 'id', version: 1, mark: undefined },
      ),
    ).toBe('loaded');
    const to = { tableId: 'id', version: 2, mark: 'three' };
    expect(await load({ tableId: 'id', version: 1, mark: 'two' }, to)).toBe('loaded');
    expect(await ledgerPosition()).toStrictEqual(to);
  });

  it('are unknown after a load of an earlier loader, and known again after the next', async () => {
    const first = { tableId: 'id', version: 0, mark };
    await load(beginning, first);
    const second = { tableId: 'id', version: 1, mark: undefined };
    expect(
      await harness.earlier.load({ name: clicksName, from: first, to: second, body: insertClick(1) }),
    ).toBe('loaded');
    expect(await ledgerPosition()).toStrictEqual(second);
    const third = { tableId: 'id', version: 2, mark: 'three' };
    expect(await load(second, third)).toBe('loaded');
    expect(await ledgerPosition()).toStrictEqual(third);
    expect(await sequenceNumbers()).toEqual([0, 1, 2]);
  });

  it('are right, and each row is there once, if earlier and newer loaders load together', async () => {
    const last = 20;
    let from: TablePosition = beginning;
    for (let version = 0; version <= last; version++) {
      const to = { tableId: 'id', version, mark: `mark-${version}` };
      const newer = () => load(from, to, clicksAt, harness.open()).catch(overtakenByConflict);
      const earlier = () =>
        harness.earlier
          .load({ name: clicksName, from, to, body: insertClick(version) })
          .catch(overtakenByConflict);
      // Usually the loader that begins wins. Sometimes the earlier loader runs alone.
      const all = [[earlier, newer, newer], [newer, earlier, newer], [earlier]][version % 3];
      const outcomes = await Promise.all((all ?? []).map(async (one) => [one, await one()] as const));
      const winners = outcomes.filter(([, outcome]) => outcome === 'loaded').map(([one]) => one);
      expect(winners).toHaveLength(1);
      const position = await ledgerPosition();
      expect(position).toStrictEqual(winners[0] === newer ? to : { tableId: 'id', version, mark: undefined });
      from = position ?? beginning;
    }
    expect(await sequenceNumbers()).toEqual(
      Array.from({ length: last + 1 }, (_, sequenceNumber) => sequenceNumber),
    );
  });

  it('are added to an older ledger, which keeps its positions', async () => {
    const old = { tableId: 'id', version: 7, mark: undefined };
    await harness.earlier.makeLedger(clicksName, old);
    const upgraded = await harness.restart();
    expect(await ledgerPosition(clicksName, upgraded)).toStrictEqual(old);
    expect(upgraded.keepsMarks()).toBe(true);
    const to = { tableId: 'id', version: 8, mark };
    expect(await load(old, to, clicksAt, upgraded)).toBe('loaded');
    expect(await ledgerPosition(clicksName, upgraded)).toStrictEqual(to);
    expect(await harness.earlier.position(clicksName)).toEqual({
      tableId: 'id',
      version: 8,
      mark: undefined,
    });
  });

  it('find place there also through init', async () => {
    await harness.earlier.makeLedger(clicksName, { tableId: 'id', version: 7, mark: undefined });
    const upgraded = harness.open();
    await upgraded.init([clicksAt, assetsAt]);
    const columns = await upgraded.query('SELECT last_version, last_mark, mark_version FROM ops.load_ledger');
    expect(columns).toContainEqual({ last_version: '7', last_mark: null, mark_version: null });
    expect(await ledgerPosition(clicksName, upgraded)).toStrictEqual({
      tableId: 'id',
      version: 7,
      mark: undefined,
    });
    expect(await ledgerPosition(fullName(assetsAt), upgraded)).toStrictEqual(beginning);
    const to = { tableId: 'id', version: 8, mark };
    await load({ tableId: 'id', version: 7, mark: undefined }, to, clicksAt, upgraded);
    expect(await ledgerPosition(clicksName, upgraded)).toStrictEqual(to);
  });

  it('find place there once, however many processes make it at once', async () => {
    const old = { tableId: 'id', version: 7, mark: undefined };
    await harness.earlier.makeLedger(clicksName, old);
    const processes = [await harness.restart(), harness.open(), harness.open()];
    const positions = await Promise.all(processes.map((one) => ledgerPosition(clicksName, one)));
    expect(positions).toStrictEqual(processes.map(() => old));
    const to = { tableId: 'id', version: 8, mark };
    const outcomes = await Promise.all(processes.map((one) => load(old, to, clicksAt, one)));
    expect(outcomes.sort()).toEqual(['loaded', 'overtaken', 'overtaken']);
    expect(await ledgerPosition()).toStrictEqual(to);
    expect(processes.map((one) => one.keepsMarks())).toEqual(processes.map(() => true));
  });

  it('go with a shadow, and with the swap that puts it in place', async () => {
    await load(beginning, { tableId: 'id', version: 0, mark: 'zero' });
    const to = { tableId: 'id', version: 5, mark };
    const shadow = newShadow(clicksAt, 5);
    const swap = { table: clicksAt, shadow };
    const filling = fillingPosition(to, 0);
    await warehouse.createShadow(swap, filling);
    expect(await ledgerPosition(fullName(shadow))).toStrictEqual(filling);
    await load(filling, to, shadow);
    expect(await ledgerPosition(fullName(shadow))).toStrictEqual(to);
    expect(await warehouse.hold(swap)).toBe(true);
    expect(await warehouse.swap(swap)).toBe('swapped');
    expect(await ledgerPosition()).toStrictEqual(to);
    expect(await sequenceNumbers()).toEqual([5]);
    // Another table of the same version, with an unknown mark.
    await warehouse.createShadow(swap, { ...to, mark: undefined });
    await warehouse.hold(swap);
    await warehouse.swap(swap);
    expect(await ledgerPosition()).toStrictEqual({ tableId: 'id', version: 5, mark: undefined });
  });
});
