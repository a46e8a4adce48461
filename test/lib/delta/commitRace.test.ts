import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { serializeCommit } from '../../../src/lib/delta/actions';
import { append, createTable } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

/** A store in which another writer is faster a given number of times. */
class CrowdedStore extends MemoryStore {
  rivals = 0;
  #written = 0;

  override async putIfAbsent(path: string, bytes: Uint8Array) {
    if (this.rivals > 0) {
      this.rivals--;
      const txn = { appId: 'rival', version: this.#written++ };
      await super.putIfAbsent(path, serializeCommit([{ txn }]));
    }
    return super.putIfAbsent(path, bytes);
  }
}

const fields = [field('id', 'long', false)];
let store: CrowdedStore;

beforeEach(() => {
  store = new CrowdedStore();
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

async function appendAmong(rivals: number, limitMs: number) {
  const at = { store, table: 'events' };
  await createTable(at, fields);
  const state = await openState(at);
  if (!state) throw new Error('There is no table.');
  store.rivals = rivals;
  return append({ state, fields, adds: [], txns: [{ appId: 'ours', version: 1 }], limitMs });
}

it("a commit is tried again if the rival's version is gone when it is read", async () => {
  let taken = 2;
  store.putIfAbsent = async (path, bytes) => {
    // As where storage goes back in time just then.
    if (path !== commitPath('events', 1) || taken-- <= 0)
      return MemoryStore.prototype.putIfAbsent.call(store, path, bytes);
    return { outcome: 'exists' };
  };
  expect(await appendAmong(0, 30_000)).toMatchObject({ outcome: 'committed', state: { version: 1 } });
  expect(taken).toBe(-1);
});

describe('a commit that loses one race after the other', () => {
  it('is tried again after pauses that grow to half a second and no further', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const sleep = vi.spyOn(timers, 'setTimeout').mockResolvedValue(undefined);
    syncBuiltinESMExports();
    expect(await appendAmong(10, 30_000)).toMatchObject({ outcome: 'committed', state: { version: 11 } });
    expect(sleep.mock.calls.map(([ms]) => ms)).toEqual([10, 20, 40, 80, 160, 320, 500, 500, 500, 500]);
  });

  it('is given up when its time is over', async () => {
    await expect(appendAmong(Number.POSITIVE_INFINITY, 50)).rejects.toMatchObject({
      code: 'delta.contention',
      message: expect.stringMatching(/^memory\/events version \d+: \d+ commits lost the race in 0.05 s\.$/),
    });
    store = new CrowdedStore();
    // Its time is over at once, after a single race.
    await expect(appendAmong(1, -1)).rejects.toThrow('memory/events version 1: 1 commits lost the race');
  });
});
