import { beforeEach, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { beginning, positionOfState, type TablePosition } from '../../../src/lib/delta/position';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { UnloadedCommits } from '../../../src/lib/warehouse/unloadedCommits';
import { countCalls } from '../../kit/countingStore';
import { clicks, clicksTable, type DeltaTable } from './deltaTable';

let delta: DeltaTable;
/** The paths that were read through `recorded`. */
let reads: string[];
let unloaded: UnloadedCommits;

beforeEach(async () => {
  delta = await clicksTable();
  reads = [];
  const { store, table } = delta.at;
  const get = (path: string) => {
    reads.push(path);
    return store.get(path);
  };
  unloaded = new UnloadedCommits({ store: { ...countCalls(store).store, get }, table });
});

const commitMore = async (count: number) => {
  for (let n = 0; n < count; n++) await delta.commit(clicks(1));
};

async function positionAt(version: number): Promise<TablePosition> {
  const state = await openState(delta.at, { version });
  if (!state) throw new Error('no table');
  return positionOfState(state);
}

const timesRead = (version: number) =>
  reads.filter((path) => path === commitPath(delta.at.table, version)).length;

/** The versions after a position, or the reason why there are none. */
async function behind(position: TablePosition) {
  const found = await unloaded.after(position);
  if (found.step === 'commits') return found.commits.map(({ version }) => version);
  return 'because' in found ? found.because : found.step;
}

async function goBackTo(version: number) {
  const newest = (await openState(delta.at))?.version ?? 0;
  for (let each = newest; each > version; each--)
    await delta.at.store.delete(commitPath(delta.at.table, each));
}

describe('the commits that are not loaded yet', () => {
  it('are read once, however many loads take them', async () => {
    await commitMore(6);
    expect(await behind(beginning)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await behind(await positionAt(0))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await behind(await positionAt(2))).toEqual([3, 4, 5, 6]);
    expect(await behind(await positionAt(5))).toEqual([6]);
    expect([0, 1, 2, 3, 4, 5, 6].map(timesRead)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    // A load that was overtaken, or failed, asks for the same again.
    expect(await behind(await positionAt(5))).toEqual([6]);
    expect(timesRead(6)).toBe(1);
    expect(await behind(await positionAt(6))).toBe('current');
  });

  it('are read once even if another process loads some of them, or more than was read', async () => {
    await commitMore(3);
    await behind(beginning);
    await commitMore(4);
    // Also versions that were not there yet were asked for.
    reads.length = 0;
    expect(await behind(await positionAt(5))).toEqual([6, 7]);
    expect([4, 5, 6, 7].map(timesRead)).toEqual([1, 1, 1, 1]);
    expect(await behind(await positionAt(7))).toBe('current');
  });

  it("begin after the ledger's position in a new process", async () => {
    await commitMore(4);
    await checkpoint({ at: delta.at });
    await commitMore(3);
    expect(await behind(await positionAt(5))).toEqual([6, 7]);
    expect([6, 7].map(timesRead)).toEqual([1, 1]);
  });

  it('are all of them, however far a checkpoint is ahead', async () => {
    await commitMore(1);
    const position = await positionAt(1);
    for (let version = 2; version <= 600; version++)
      await putCommit(delta.at, version, [], { operation: 'WRITE', isBlindAppend: true });
    await checkpoint({ at: delta.at });
    const first = await behind(position);
    expect(first).toEqual(Array.from({ length: 512 }, (_, n) => n + 2));
    expect(await behind(await positionAt(513))).toEqual(Array.from({ length: 87 }, (_, n) => n + 514));
  });

  it('are none before there is a table', async () => {
    await goBackTo(-1);
    expect(await behind(beginning)).toBe('no-table');
  });

  it('are asked for again after the ledger went back', async () => {
    await commitMore(4);
    const early = await positionAt(1);
    await behind(await positionAt(4));
    expect(await behind(early)).toEqual([2, 3, 4]);
    await behind(await positionAt(4));
    // An older loader keeps no marks.
    expect(await behind({ ...early, mark: undefined })).toEqual([2, 3, 4]);
  });
});

describe('a log that went back in time', () => {
  it.each([0, 1, 2, 5])('is noticed with %d commits since', async (grown) => {
    await commitMore(5);
    const position = await positionAt(5);
    expect(await behind(position)).toBe('current');
    await goBackTo(3);
    await commitMore(grown);
    expect(await behind(position)).toBe('rolled-back');
    // The answer stays the same until the table is rebuilt.
    expect(await behind(position)).toBe('rolled-back');
    expect(await behind(await positionAt(3 + grown))).toBe('current');
  });

  it('is noticed by a process that has just started, by the mark alone', async () => {
    await commitMore(5);
    const position = await positionAt(5);
    await goBackTo(3);
    await commitMore(4);
    expect(await behind(position)).toBe('rolled-back');
    unloaded.forget();
    // A ledger that an older loader moved has no mark, so any entry of that version is accepted.
    expect(await behind({ ...position, mark: undefined })).toEqual([6, 7]);
  });

  it('is noticed at the version to which the log was read, by the mark alone', async () => {
    await commitMore(3);
    await behind(beginning);
    const { tableId } = await positionAt(3);
    expect(await behind({ tableId, version: 3, mark: 'of an entry that is gone' })).toBe('rolled-back');
  });

  it('does not matter to a table that another process has rebuilt since', async () => {
    await commitMore(5);
    expect(await behind(await positionAt(5))).toBe('current');
    await goBackTo(3);
    await commitMore(5);
    // The rebuilt table is at a version of the log as it is now; what was read of the old one says nothing about it.
    expect(await behind(await positionAt(7))).toEqual([8]);
  });

  it('does not lend its commits to a position of the log as it is now', async () => {
    await commitMore(5);
    expect(await behind(await positionAt(2))).toEqual([3, 4, 5]);
    await goBackTo(3);
    await commitMore(3);
    // Another process has rebuilt the table meanwhile. Its position has a version of the buffer, and is another entry.
    expect(await behind(await positionAt(4))).toEqual([5, 6]);
  });

  it('is noticed when commits that are not loaded yet are read', async () => {
    await commitMore(5);
    const loaded = await positionAt(4);
    expect(await behind(await positionAt(2))).toEqual([3, 4, 5]);
    await goBackTo(3);
    await commitMore(1);
    // These were read before; the entry that they end with is gone.
    expect(await behind(loaded)).toEqual([5]);
    unloaded.forget();
    expect(await behind(loaded)).toBe('rolled-back');
  });
});

it('a commit that makes the table another one is among the commits after a position, and ends the search', async () => {
  await commitMore(2);
  const before = await positionAt(2);
  const state = await openState(delta.at);
  if (!state) throw new Error('no table');
  const metaData = { ...state.metaData, id: 'another' };
  await putCommit(delta.at, 3, [{ metaData }], { operation: 'REPLACE TABLE', isBlindAppend: false });
  expect(await behind(before)).toEqual([3]);
  expect(await behind(before)).toEqual([3]);
});
