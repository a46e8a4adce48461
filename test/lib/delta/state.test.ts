import { describe, expect, it } from 'vitest';
import type { Action } from '../../../src/lib/delta/actions';
import { createTable, ourConfiguration, putCommit } from '../../../src/lib/delta/commit';
import { followSnapshot, followState } from '../../../src/lib/delta/follow';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { ourProtocol } from '../../../src/lib/delta/protocol';
import { field, serializeSchema } from '../../../src/lib/delta/schema';
import { advanceState, LogReplay } from '../../../src/lib/delta/state';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const add = {
  add: { path: 'a.parquet', partitionValues: {}, size: 1, modificationTime: 1, dataChange: true },
};
const remove = { remove: { path: 'a.parquet', dataChange: true, deletionTimestamp: 1 } };

/** A table with these actions, one a commit: its snapshot as it is opened, and as it is followed commit by commit. */
async function snapshotsOf(...actions: readonly Action[]) {
  const at = { store: new MemoryStore(), table: 'events' };
  await createTable(at, [field('id', 'long', false)]);
  const follower = followSnapshot(at);
  await follower.toHead();
  for (const [index, action] of actions.entries()) {
    await putCommit(at, index + 1, [action], { operation: 'TEST', isBlindAppend: false });
    await follower.advance();
  }
  return [await openSnapshot(at), follower.state].map((snapshot) => ({
    live: [...(snapshot?.files.keys() ?? [])],
    tombstones: [...(snapshot?.tombstones.keys() ?? [])],
  }));
}

it('a tombstone of a file with a deletion vector, in a checkpoint, does not take away the file without one', () => {
  const replay = new LogReplay({ store: new MemoryStore(), table: 'events' }, true);
  const metaData = {
    id: 'ours',
    format: { provider: 'parquet' },
    schemaString: serializeSchema([field('id', 'long', false)]),
    partitionColumns: [],
    configuration: ourConfiguration,
  };
  const none = { version: 7, adds: [], removes: [], txns: [] };
  replay.apply({ ...none, protocol: ourProtocol, metaData, adds: [add.add] });
  // As a checkpoint's columns give it: what the vector does not have is null.
  const deletionVector = { storageType: 'u', pathOrInlineDv: 'ab', offset: null };
  replay.apply({ ...none, removes: [{ ...remove.remove, deletionVector }] });
  const { files, tombstones } = replay.snapshot();
  expect([[...files.keys()], tombstones.size]).toEqual([['a.parquet'], 1]);
  // So it gives that a file has no vector.
  replay.apply({ ...none, adds: [{ ...add.add, deletionVector: null }] });
  expect([...replay.snapshot().files.keys()]).toEqual(['a.parquet']);
  replay.apply({
    ...none,
    version: 8,
    adds: [{ ...add.add, deletionVector: { storageType: 'u', pathOrInlineDv: 'ab' } }],
  });
  // As long as such a file is live, the table is refused.
  expect(() => replay.snapshot()).toThrow('version 8: the file a.parquet has a deletion vector');
  replay.apply({ ...none, version: 9, removes: [{ ...remove.remove, deletionVector }] });
  expect(replay.snapshot().tombstones.size).toBe(1);
});

it('a snapshot is the same from a checkpoint as from the commits', async () => {
  const at = { store: new MemoryStore(), table: 'events' };
  await createTable(at, [field('id', 'long', false)]);
  const deletionTimestamp = Date.now();
  const actions: Action[] = [
    { remove: { path: 'a', dataChange: true, deletionTimestamp } },
    {
      remove: {
        path: 'b',
        dataChange: true,
        deletionTimestamp,
        extendedFileMetadata: true,
        partitionValues: {},
        size: 5,
      },
    },
    add,
    { txn: { appId: 'p0', version: 3 } },
  ];
  await putCommit(at, 1, actions, { operation: 'TEST', isBlindAppend: false });
  const byCommits = await openSnapshot(at);
  await checkpoint({ at });
  for (const version of [0, 1]) await at.store.delete(commitPath('events', version));
  const byCheckpoint = await openSnapshot(at);
  // A checkpoint changes no data, and says so.
  const unchanging = (actions: Iterable<object> | undefined) =>
    [...(actions ?? [])].map((action) => ({ ...action, dataChange: false }));
  expect(unchanging(byCheckpoint?.tombstones.values())).toEqual(unchanging(byCommits?.tombstones.values()));
  expect(unchanging(byCheckpoint?.files.values())).toEqual(unchanging(byCommits?.files.values()));
  expect(byCheckpoint?.txns).toEqual(byCommits?.txns);
  expect(byCheckpoint?.metaData).toEqual(byCommits?.metaData);
  expect(byCheckpoint?.protocol).toEqual(byCommits?.protocol);
});

describe('a file of a snapshot', () => {
  it('has a tombstone once it was removed', async () => {
    const removed = { live: [], tombstones: ['a.parquet'] };
    expect(await snapshotsOf(add, remove)).toEqual([removed, removed]);
  });

  it('is live without a tombstone once it was added again, as RESTORE does', async () => {
    const live = { live: ['a.parquet'], tombstones: [] };
    expect(await snapshotsOf(add, remove, add)).toEqual([live, live]);
  });

  it('keeps its tombstone while others are committed', async () => {
    const other = { add: { ...add.add, path: 'b.parquet' } };
    const snapshot = { live: ['b.parquet'], tombstones: ['a.parquet'] };
    expect(await snapshotsOf(add, remove, other)).toEqual([snapshot, snapshot]);
  });
});

it("a state has the store's time of its newest entry, however it was reached", async () => {
  let now = Date.UTC(2026, 0, 1);
  const at = { store: new MemoryStore('memory', () => now), table: 'events' };
  await createTable(at, [field('id', 'long', false)]);
  const [snapshots, states] = [followSnapshot(at), followState(at)];
  for (const version of [1, 2, 3]) {
    await Promise.all([snapshots.toHead(), states.toHead()]);
    now += 1000;
    await putCommit(at, version, [], { operation: 'TEST', isBlindAppend: false });
  }
  await Promise.all([snapshots.toHead(), states.toHead()]);
  const opened = await openSnapshot(at);
  expect([opened, snapshots.state, states.state].map((state) => state?.storedAt)).toEqual([now, now, now]);
});

describe('a state to which commits are applied', () => {
  it('is the same after none, and keeps the time of its last read entry where a commit was not read', async () => {
    const at = { store: new MemoryStore(), table: 'events' };
    await createTable(at, [field('id', 'long', false)]);
    await putCommit(at, 1, [add, { txn: { appId: 'p0', version: 3 } }], {
      operation: 'TEST',
      isBlindAppend: true,
    });
    await putCommit(at, 2, [remove], { operation: 'TEST', isBlindAppend: false });
    const [snapshot, state] = [await openSnapshot(at), await openState(at)];
    if (!snapshot || !state) throw new Error('no table');
    expect([typeof state.storedAt, typeof state.committedAt]).toEqual(['number', 'number']);
    expect(advanceState(state, [])).toEqual(state);
    const { files, tombstones, ...same } = advanceState(snapshot, []);
    expect(same).toEqual(state);
    expect([files.size, [...tombstones.keys()]]).toEqual([0, ['a.parquet']]);
    const ours = { version: 3, adds: [], removes: [], txns: [], commitInfo: { timestamp: 5 } };
    expect(advanceState(state, [ours])).toMatchObject({
      version: 3,
      committedAt: 5,
      storedAt: state.storedAt,
      reachedFrom: { version: 2, mark: state.mark },
    });
  });
});
