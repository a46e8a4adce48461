import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { positionOfState, type TablePosition } from '../../../src/lib/delta/position';
import type { Snapshot } from '../../../src/lib/delta/state';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import { beginOrResume } from '../../../src/lib/warehouse/beginShadow';
import { fillShadow, followLog } from '../../../src/lib/warehouse/fillShadow';
import { fillingPosition, newShadow } from '../../../src/lib/warehouse/shadow';
import { UnloadedCommits } from '../../../src/lib/warehouse/unloadedCommits';
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

describe('a filled shadow that follows the log', () => {
  const filled = async () => {
    const shadow = newShadow(clicksAt, snapshot.version);
    await warehouse.createShadow({ table: clicksAt, shadow }, positionOfState(snapshot));
    return shadow;
  };
  const signal = new AbortController().signal;
  const follow = async (shadow: WarehouseTable, commits = delta.commits, until?: TablePosition) => {
    const step = await followLog({ warehouse, shadow, signal, commits, ...(until && { until }) });
    return { step, stands: (await warehouse.ledger()).get(fullName(shadow))?.version };
  };

  it.each([
    [20, 'after loading them', 6],
    [21, 'after another look', 27],
  ])('is near the end of the log with %i commits to go: %s', async (more, _when, known) => {
    const shadow = await filled();
    for (let n = 0; n < more; n++) await delta.commit([]);
    expect(await follow(shadow)).toMatchObject({
      step: { step: 'done', position: { version: known } },
      stands: 6 + more,
    });
  });

  it('of which there are always more counts as near it after a hundred steps', async () => {
    const shadow = await filled();
    let steps = 0;
    class Growing extends UnloadedCommits {
      override async after(position: TablePosition) {
        steps++;
        const state = await openState(delta.at);
        if (!state) throw new Error('There is no table.');
        for (let version = state.version + 1; version <= state.version + 21; version++)
          await putCommit(delta.at, version, [], { operation: 'WRITE', isBlindAppend: true });
        return super.after(position);
      }
    }
    expect(await follow(shadow, new Growing(delta.at))).toMatchObject({ step: { step: 'done' } });
    expect(steps).toBe(101);
  });

  it('is complete at the version that it must reach, and follows no further', async () => {
    const shadow = await filled();
    for (let n = 0; n < 3; n++) await delta.commit([]);
    expect(await follow(shadow, delta.commits, positionOfState(snapshot))).toMatchObject({
      step: { step: 'done' },
      stands: 6,
    });
  });

  it('cannot become complete if the table is made again', async () => {
    const shadow = await filled();
    const other = await clicksTable();
    expect(await follow(shadow, other.commits)).toMatchObject({
      step: { step: 'unloadable', reason: 'the log cannot be followed any more' },
      stands: 6,
    });
  });
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

  it('none is gone on with from which the log cannot be followed to its end', async () => {
    const shadows = [await start('all'), await start(5)];
    for (let version = 7; version <= 9; version++) await delta.commit(clicks(2, version * 2));
    await delta.checkpointAndClean();
    const { name, follows } = await begun();
    expect(shadows.map((shadow) => shadow.name)).not.toContain(name);
    expect(follows).toBe(false);
    const kept = [...(await warehouse.ledger()).keys()];
    expect(kept).toContain(`clickstream.${name}`);
    for (const shadow of shadows) expect(kept).not.toContain(fullName(shadow));
  });
});
