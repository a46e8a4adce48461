import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { positionOfState } from '../../../src/lib/delta/position';
import type { Snapshot } from '../../../src/lib/delta/state';
import { beginOrResume } from '../../../src/lib/warehouse/beginShadow';
import { fillShadow } from '../../../src/lib/warehouse/fillShadow';
import { fillingPosition, newShadow } from '../../../src/lib/warehouse/shadow';
import { fullName, type Warehouse } from '../../../src/lib/warehouse/warehouse';
import { clicks, clicksTable, type DeltaTable } from './deltaTable';
import { clicksAt, tdsHarness } from './harness';

let harness: Awaited<ReturnType<typeof tdsHarness>>;
let warehouse: Warehouse;
let delta: DeltaTable;
let snapshot: Snapshot;

beforeEach(async () => {
  harness = await tdsHarness();
  warehouse = harness.open();
  await warehouse.init([clicksAt]);
  delta = await clicksTable();
  for (let version = 1; version <= 6; version++) await delta.commit(clicks(2, version * 2));
  const opened = await openSnapshot(delta.at);
  if (!opened) throw new Error('There is no table.');
  snapshot = opened;
});
afterEach(() => harness.close());

it('a shadow has each row once, though each process lists the files in another order', async () => {
  const shadow = newShadow(clicksAt, snapshot.version);
  await warehouse.createShadow({ table: clicksAt, shadow }, fillingPosition(positionOfState(snapshot), 0));
  const files = [...snapshot.files];
  const orders = [files, files.toReversed()];
  const steps: string[] = [];
  for (let turn = 0; steps.at(-1) !== 'done'; turn++) {
    const stopped = new AbortController();
    let asked = 0;
    const { step } = await fillShadow({
      ...{ warehouse, shadow, signal: stopped.signal, limits: { rows: 2, bytes: 1e9 } },
      snapshot: { ...snapshot, files: new Map(orders[turn % orders.length]) },
      // One load, and then the next process.
      onProgress: () => ++asked === 2 && stopped.abort(),
    });
    steps.push(step);
  }
  expect(steps).toEqual(['stopped', 'stopped', 'stopped', 'stopped', 'stopped', 'done']);
  const rows = await warehouse.query(`SELECT productid FROM ${fullName(shadow)}`);
  expect(rows.map(({ productid }) => Number(productid)).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 12 }, (_, index) => index + 2),
  );
  expect((await warehouse.ledger()).get(fullName(shadow))).toEqual(positionOfState(snapshot));
});

describe('of several shadows that are left', () => {
  const start = async (files: number | 'all') => {
    const shadow = newShadow(clicksAt, snapshot.version);
    const filled = positionOfState(snapshot);
    await warehouse.createShadow(
      { table: clicksAt, shadow },
      files === 'all' ? filled : fillingPosition(filled, files),
    );
    return shadow;
  };
  const begun = async () => {
    const started = await beginOrResume({ warehouse, at: delta.at, table: clicksAt }, undefined);
    return { name: started?.shadow.name, follows: started && started.snapshot === undefined };
  };

  it.each([
    [1, 4, 2],
    [4, 2, 1],
    [0, 1, 4],
  ])('the one with the most files is gone on with: %i, %i and %i', async (...files) => {
    const shadows = new Map<number, string>();
    for (const count of files) shadows.set(count, (await start(count)).name);
    expect(await begun()).toEqual({ name: shadows.get(4), follows: false });
  });

  it.each([true, false])(
    'one that follows the log comes before all that are being filled',
    async (isFirst) => {
      if (!isFirst) await start(5);
      const { name } = await start('all');
      if (isFirst) await start(5);
      // It has fewer in the column that is a version for one, and a number of files for the other.
      for (let more = 0; more < 3; more++) await start(6 + more);
      expect(await begun()).toEqual({ name, follows: true });
    },
  );
});
