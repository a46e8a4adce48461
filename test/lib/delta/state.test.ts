import { describe, expect, it } from 'vitest';
import type { Action } from '../../../src/lib/delta/actions';
import { createTable, putCommit } from '../../../src/lib/delta/commit';
import { followSnapshot } from '../../../src/lib/delta/follow';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
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

describe('a file of a snapshot', () => {
  it('has a tombstone once it was removed', async () => {
    const removed = { live: [], tombstones: ['a.parquet'] };
    expect(await snapshotsOf(add, remove)).toEqual([removed, removed]);
  });

  it('is live without a tombstone once it was added again, as RESTORE does', async () => {
    const live = { live: ['a.parquet'], tombstones: [] };
    expect(await snapshotsOf(add, remove, add)).toEqual([live, live]);
  });
});
