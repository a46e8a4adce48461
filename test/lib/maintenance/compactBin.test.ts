import { beforeEach, describe, expect, it } from 'vitest';
import type { Add } from '../../../src/lib/delta/actions';
import { putCommit } from '../../../src/lib/delta/commit';
import { commitPath, type TableLocation } from '../../../src/lib/delta/log';
import { TributaryError } from '../../../src/lib/errors';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { type BinTask, compactBin } from '../../../src/lib/maintenance/compactBin';
import { type CompactionPlan, openPlan, planCompaction } from '../../../src/lib/maintenance/planCompaction';
import { appendFiles, newLocation, pathsOf, readRows, snapshotOf } from './table';

let at: TableLocation;
beforeEach(() => {
  at = newLocation();
});

/** A plan with three bins of four files each, as it is passed from one process to another. */
async function planned(): Promise<CompactionPlan> {
  await appendFiles(at, 12);
  const [first] = [...(await snapshotOf(at)).files.values()];
  const found = await planCompaction({ at }, (first?.size ?? 0) * 4.5);
  if (found.outcome === 'no-table') throw new Error(found.outcome);
  expect(found.opened.plan.bins).toBe(3);
  return JSON.parse(JSON.stringify(found.opened.plan));
}

/** Does a bin as a process does that has nothing but the plan. */
async function done(plan: CompactionPlan, bin: number, options: Omit<BinTask, 'at'> = {}) {
  const opened = await openPlan({ at }, plan);
  return opened && compactBin({ at, ...options }, opened, bin);
}

describe('a plan', () => {
  it('has the same bins for everyone who opens it, whatever was committed since', async () => {
    const plan = await planned();
    const before = await openPlan({ at }, plan);
    await appendFiles(at, 3, { first: 120 });
    await done(plan, 0);
    expect((await openPlan({ at }, plan))?.bins).toEqual(before?.bins);
  });

  it('cannot be opened if its version has another entry, or is not in the log any more', async () => {
    const plan = await planned();
    const { version } = plan.position;
    await putCommit(at, version + 1, [], { operation: 'NOTHING', isBlindAppend: true });
    const other = await at.store.get(commitPath(at.table, version + 1));
    await at.store.put(commitPath(at.table, version), other?.bytes ?? Buffer.from(''));
    expect(await openPlan({ at }, plan)).toBeUndefined();
    await at.store.delete(commitPath(at.table, version));
    expect(await openPlan({ at }, plan)).toBeUndefined();
  });
});

describe('a bin', () => {
  it('is committed once, however often it is done, and says the same each time', async () => {
    const plan = await planned();
    const before = await readRows(at);
    const first = await done(plan, 1);
    expect(first).toMatchObject({ outcome: 'committed', version: 13, inputs: 4 });
    await appendFiles(at, 2, { first: 120 });
    expect(await done(plan, 1)).toEqual(first);
    const { version, files } = await snapshotOf(at);
    expect([version, files.size]).toEqual([15, 11]);
    expect(await readRows(at, 13)).toEqual(before);
  });

  it('is committed once if several processes do all bins at the same time', async () => {
    const plan = await planned();
    const before = await readRows(at);
    const outcomes = await Promise.all([0, 1, 2, 0, 1, 2, 0, 1, 2].map((bin) => done(plan, bin)));
    expect(outcomes.filter((one) => one?.outcome === 'committed')).toHaveLength(3);
    expect(outcomes.filter((one) => one?.outcome === 'conflict')).toHaveLength(6);
    const { version, files } = await snapshotOf(at);
    expect([version, files.size]).toEqual([15, 3]);
    expect(await readRows(at)).toEqual(before);
  });

  it('commits what it has when its time is up, and does the rest when it is begun again', async () => {
    const plan = await planned();
    const before = await readRows(at);
    const isTimeUp = () => true;
    expect(await done(plan, 0, { isTimeUp })).toMatchObject({ outcome: 'committed', inputs: 2, more: true });
    const last = await done(plan, 0, { isTimeUp });
    expect(last).toMatchObject({ outcome: 'committed', inputs: 2 });
    expect(last).not.toHaveProperty('more');
    expect((await snapshotOf(at)).files.size).toBe(10);
    expect(await readRows(at)).toEqual(before);
  });

  it('goes on reading until its time is up', async () => {
    const plan = await planned();
    let looks = 0;
    expect(await done(plan, 0, { isTimeUp: () => ++looks > 1 })).toMatchObject({ inputs: 3, more: true });
  });

  it('has the rest of its files if a rival removed one, and conflicts if nothing is left to do', async () => {
    const plan = await planned();
    const bins = (await openPlan({ at }, plan))?.bins ?? [];
    const removed = [...(bins[1] ?? []), ...(bins[2] ?? []).slice(0, 1)];
    const removes = removed.map(({ path }) => ({ remove: { path, dataChange: true, deletionTimestamp: 1 } }));
    await putCommit(at, 13, removes, { operation: 'DELETE', isBlindAppend: false });
    expect(await done(plan, 2)).toMatchObject({ outcome: 'committed', version: 14, inputs: 3 });
    expect(await done(plan, 1)).toMatchObject({ outcome: 'conflict', inputs: 4 });
    const { version, files } = await snapshotOf(at);
    expect([version, files.size, (await readRows(at)).length]).toEqual([14, 5, 70]);
  });

  it('is not taken for one that was committed before, if other commits did no more than remove its files', async () => {
    const plan = await planned();
    const [[a, b] = [], [c, d] = [], [e, f] = []] = (await openPlan({ at }, plan))?.bins ?? [];
    if (!a || !b || !c || !d || !e || !f) throw new Error('no bins');
    const remove = ({ path }: Add) => ({ remove: { path, dataChange: false, deletionTimestamp: 1 } });
    const add = (path: string, dataChange = false) => ({
      add: { path, partitionValues: {}, size: 7, modificationTime: 1, dataChange },
    });
    const others = (await openPlan({ at }, plan))?.bins.map((bin) => bin.slice(2)) ?? [];
    // One file by one, files by several, files of several bins by one, and files by one with other rows.
    const commits = [
      [remove(a), add('one')],
      [remove(b), ...(others[0] ?? []).map(remove), add('two'), add('three')],
      [remove(c), remove(d), remove(e), add('four')],
      [remove(f), ...(others[2] ?? []).map(remove), add('five', true)],
      [...(others[1] ?? []).map(remove)],
    ];
    for (const [index, actions] of commits.entries())
      await putCommit(at, 13 + index, actions, { operation: 'OPTIMIZE', isBlindAppend: false });
    for (const bin of [0, 1, 2])
      expect(await done(plan, bin)).toMatchObject({ outcome: 'conflict', inputs: 4 });
  });

  it('conflicts if the log of what removed its files is gone, and fails if it cannot be read', async () => {
    const plan = await planned();
    const opened = await openPlan({ at }, plan);
    if (!opened) throw new Error('no plan');
    const removes = (opened.bins[1] ?? []).map(({ path }) => ({
      remove: { path, dataChange: true, deletionTimestamp: 1 },
    }));
    await putCommit(at, 13, removes, { operation: 'DELETE', isBlindAppend: false });
    await appendFiles(at, 1, { first: 120 });
    await checkpoint({ at });
    const { get } = at.store;
    const wanted = commitPath(at.table, 13);
    for (let answered = 0, isDone = false; !isDone; answered++) {
      let reads = 0;
      at.store.get = async (path) => {
        if (path === wanted && ++reads > answered) throw new TributaryError('storage.unavailable', 'away');
        return get.call(at.store, path);
      };
      const [outcome] = await Promise.allSettled([compactBin({ at }, opened, 1)]);
      isDone = reads <= answered;
      expect(outcome).toMatchObject(
        isDone ? { value: { outcome: 'conflict' } } : { reason: { code: 'storage.unavailable' } },
      );
    }
    at.store.get = get;
    await at.store.delete(wanted);
    expect(await compactBin({ at }, opened, 1)).toMatchObject({ outcome: 'conflict', inputs: 4 });
  });

  it('has nothing to do if there is none of that number', async () => {
    const plan = await planned();
    expect(await done(plan, 3)).toEqual({ outcome: 'conflict', inputs: 0, inputBytes: 0 });
    expect((await snapshotOf(at)).version).toBe(12);
  });

  describe('leaves no file behind that was not to be committed', () => {
    it.each([
      ['the log went back meanwhile', async (): Promise<undefined> => undefined, { outcome: 'conflict' }],
      [
        'the log cannot be read',
        () => Promise.reject(new TributaryError('storage.unavailable', 'away')),
        'away',
      ],
    ] as const)('%s', async (_what, answer, outcome) => {
      const plan = await planned();
      const before = await pathsOf(at);
      const { get, put } = at.store;
      at.store.put = async (path, bytes) => {
        const stored = await put.call(at.store, path, bytes);
        at.store.get = answer;
        return stored;
      };
      const doing = done(plan, 0);
      if (typeof outcome === 'string') await expect(doing).rejects.toThrow(outcome);
      else expect(await doing).toMatchObject(outcome);
      at.store.get = get;
      expect(await pathsOf(at)).toEqual(before);
    });
  });
});
