import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  fullName,
  type Load,
  neverLoaded,
  type Position,
  type Warehouse,
} from '../../../src/lib/warehouse/warehouse';
import { assetsAt, clicksAt, type Harness, implementations } from './harness';

/*
 * What a warehouse does with the marks of positions, also beside loaders that know of none, and in a ledger that was made
 * before there were marks.
 */

const clicksName = fullName(clicksAt);
const mark = 'f'.repeat(64);

/** One click, with this number as its product and its sequence number. */
const click = (sequence: number): Load['rows'] => ({
  columns: clicksAt.columns.map(({ name }) => [
    name === 'productid' || name === 'sequence_number' ? sequence : null,
  ]),
  count: 1,
  rejected: [],
});
const insertClick = (sequence: number) =>
  `INSERT INTO clickstream.clicks (productid, sequence_number) SELECT ${sequence}, ${sequence};`;

/** Two writers of a DuckDB file at once: one of them is turned away with an error. */
const lostByConflict = (error: unknown): 'lost' => {
  if (!/conflict/i.test(String(error))) throw error;
  return 'lost';
};

describe.each(implementations)('the marks in a warehouse: %s', (_name, make) => {
  let harness: Harness;
  let warehouse: Warehouse;
  beforeEach(async () => {
    harness = await make();
    warehouse = harness.open();
    await warehouse.init([clicksAt, assetsAt]);
  });
  afterEach(() => harness.close());

  const positionOf = async (name = clicksName, by = warehouse) => (await by.ledger()).get(name);

  /** Loads one click, numbered by the version. */
  const load = (from: Position, to: Position, table = clicksAt, by = warehouse) =>
    by.load({ table, from, to, rows: click(to.version) });

  const sequences = async () =>
    (await warehouse.query('SELECT sequence_number FROM clickstream.clicks'))
      .map(({ sequence_number }) => Number(sequence_number))
      .sort((a, b) => a - b);

  it('come back with their versions, and are gone where a load brings none', async () => {
    expect(await positionOf()).toStrictEqual({ deltaId: '', version: -1 });
    const first = { deltaId: 'id', version: 0, mark };
    expect(await load(neverLoaded, first)).toBe('loaded');
    expect(await positionOf()).toStrictEqual(first);
    const second = { deltaId: 'id', version: 1, mark: 'two' };
    expect(await load(first, second)).toBe('loaded');
    expect(await positionOf(clicksName, harness.open())).toStrictEqual(second);
    expect(await load(second, { deltaId: 'id', version: 2 })).toBe('loaded');
    expect(await positionOf()).toStrictEqual({ deltaId: 'id', version: 2 });
    expect(warehouse.keepsMarks()).toBe(true);
  });

  it('of the same version tell another log entry: what was read before storage went back in time is not loaded', async () => {
    await load(neverLoaded, { deltaId: 'id', version: 0, mark });
    const lost = { deltaId: 'id', version: 0, mark: 'of-a-lost-entry' };
    expect(await load(lost, { deltaId: 'id', version: 1, mark: 'two' })).toBe('lost');
    expect(await positionOf()).toStrictEqual({ deltaId: 'id', version: 0, mark });
    expect(await sequences()).toEqual([0]);
  });

  it('that are not known let a load through', async () => {
    await load(neverLoaded, { deltaId: 'id', version: 0, mark });
    expect(await load({ deltaId: 'id', version: 0 }, { deltaId: 'id', version: 1 })).toBe('loaded');
    const to = { deltaId: 'id', version: 2, mark: 'three' };
    expect(await load({ deltaId: 'id', version: 1, mark: 'two' }, to)).toBe('loaded');
    expect(await positionOf()).toStrictEqual(to);
  });

  it('are unknown after a load of an earlier loader, and known again after the next', async () => {
    const first = { deltaId: 'id', version: 0, mark };
    await load(neverLoaded, first);
    const second = { deltaId: 'id', version: 1 };
    expect(
      await harness.earlier.load({ name: clicksName, from: first, to: second, body: insertClick(1) }),
    ).toBe('loaded');
    expect(await positionOf()).toStrictEqual(second);
    const third = { deltaId: 'id', version: 2, mark: 'three' };
    expect(await load(second, third)).toBe('loaded');
    expect(await positionOf()).toStrictEqual(third);
    expect(await sequences()).toEqual([0, 1, 2]);
  });

  it('are right, and each row is there once, where earlier loaders load beside newer ones', async () => {
    const last = 20;
    let from: Position = neverLoaded;
    for (let version = 0; version <= last; version++) {
      const to = { deltaId: 'id', version, mark: `mark-${version}` };
      const newer = () => load(from, to, clicksAt, harness.open()).catch(lostByConflict);
      const earlier = () =>
        harness.earlier
          .load({ name: clicksName, from, to, body: insertClick(version) })
          .catch(lostByConflict);
      // Whoever begins is mostly the one who wins; now and then the earlier one is alone.
      const all = [[earlier, newer, newer], [newer, earlier, newer], [earlier]][version % 3];
      const outcomes = await Promise.all((all ?? []).map(async (one) => [one, await one()] as const));
      const winners = outcomes.filter(([, outcome]) => outcome === 'loaded').map(([one]) => one);
      expect(winners).toHaveLength(1);
      const position = await positionOf();
      expect(position).toStrictEqual(winners[0] === newer ? to : { deltaId: 'id', version });
      from = position ?? neverLoaded;
    }
    expect(await sequences()).toEqual(Array.from({ length: last + 1 }, (_, sequence) => sequence));
  });

  it('find place in a ledger that was made before them, which keeps its positions', async () => {
    const old = { deltaId: 'id', version: 7 };
    await harness.earlier.makeLedger(clicksName, old);
    const upgraded = await harness.restart();
    expect(await positionOf(clicksName, upgraded)).toStrictEqual(old);
    expect(upgraded.keepsMarks()).toBe(true);
    const to = { deltaId: 'id', version: 8, mark };
    expect(await load(old, to, clicksAt, upgraded)).toBe('loaded');
    expect(await positionOf(clicksName, upgraded)).toStrictEqual(to);
    expect(await harness.earlier.position(clicksName)).toEqual({ deltaId: 'id', version: 8 });
  });

  it('find place there also through init', async () => {
    await harness.earlier.makeLedger(clicksName, { deltaId: 'id', version: 7 });
    const upgraded = harness.open();
    await upgraded.init([clicksAt, assetsAt]);
    const columns = await upgraded.query('SELECT last_version, last_mark, mark_version FROM ops.load_ledger');
    expect(columns).toContainEqual({ last_version: '7', last_mark: null, mark_version: null });
    expect(await positionOf(clicksName, upgraded)).toStrictEqual({ deltaId: 'id', version: 7 });
    expect(await positionOf(fullName(assetsAt), upgraded)).toStrictEqual(neverLoaded);
    const to = { deltaId: 'id', version: 8, mark };
    await load({ deltaId: 'id', version: 7 }, to, clicksAt, upgraded);
    expect(await positionOf(clicksName, upgraded)).toStrictEqual(to);
  });

  it('find place there once, however many processes make it at once', async () => {
    const old = { deltaId: 'id', version: 7 };
    await harness.earlier.makeLedger(clicksName, old);
    const processes = [await harness.restart(), harness.open(), harness.open()];
    const positions = await Promise.all(processes.map((one) => positionOf(clicksName, one)));
    expect(positions).toStrictEqual(processes.map(() => old));
    const to = { deltaId: 'id', version: 8, mark };
    const outcomes = await Promise.all(processes.map((one) => load(old, to, clicksAt, one)));
    expect(outcomes.sort()).toEqual(['loaded', 'lost', 'lost']);
    expect(await positionOf()).toStrictEqual(to);
    expect(processes.map((one) => one.keepsMarks())).toEqual(processes.map(() => true));
  });

  it('go with a shadow, and with the swap that puts it in place', async () => {
    await load(neverLoaded, { deltaId: 'id', version: 0, mark: 'zero' });
    const to = { deltaId: 'id', version: 5, mark };
    const shadow = { ...clicksAt, name: 'clicks__rebuild_5_00000000' };
    await warehouse.createShadow(shadow, 'id', mark);
    expect(await positionOf(fullName(shadow))).toStrictEqual({ deltaId: 'id', version: 0, mark });
    await load({ deltaId: 'id', version: 0 }, { deltaId: 'id', version: 1, mark }, shadow);
    expect(await positionOf(fullName(shadow))).toStrictEqual({ deltaId: 'id', version: 1, mark });
    expect(await warehouse.swap({ table: clicksAt, shadow, files: 1, to })).toBe('swapped');
    expect(await positionOf()).toStrictEqual(to);
    expect(await sequences()).toEqual([1]);
    // Another table of the same version, whose mark nobody knows.
    await warehouse.createShadow(shadow, 'id');
    await warehouse.swap({ table: clicksAt, shadow, files: 0, to: { deltaId: 'id', version: 5 } });
    expect(await positionOf()).toStrictEqual({ deltaId: 'id', version: 5 });
  });
});
