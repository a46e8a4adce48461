import { beforeEach, describe, expect, it } from 'vitest';
import { createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { readCommitsAfter } from '../../../src/lib/delta/readCommits';
import { field } from '../../../src/lib/delta/schema';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countCalls } from '../../kit/countingStore';

/** A store that does not find some objects yet when it is asked for them the first time. */
class LateStore extends MemoryStore {
  readonly late = new Set<string>();

  override async get(path: string) {
    return this.late.delete(path) ? undefined : super.get(path);
  }
}

let store: LateStore;
let at: { store: LateStore; table: string };

beforeEach(async () => {
  store = new LateStore();
  at = { store, table: 'events' };
  await createTable(at, [field('id', 'long', false)]);
  for (let version = 1; version <= 20; version++)
    await putCommit(at, version, [], { operation: 'TEST', isBlindAppend: true });
});

const versionsAfter = async (version: number, last?: number, firstWidth?: number) =>
  (await readCommitsAfter(at, version, last, firstWidth)).map((commit) => commit.version);

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('reading the commits after a version', () => {
  it('ends at the newest one, or at the last one that is asked for', async () => {
    expect(await versionsAfter(0)).toEqual(range(1, 20));
    expect(await versionsAfter(0, 1)).toEqual([1]);
    expect(await versionsAfter(0, 5)).toEqual(range(1, 5));
    expect(await versionsAfter(3, 13, 8)).toEqual(range(4, 13));
    expect(await versionsAfter(20)).toEqual([]);
    expect(await versionsAfter(7, 7)).toEqual([]);
  });

  it.each([
    [20, 1],
    [19, 3],
    [17, 11],
    [1, 27],
  ])('asks for few commits that are not there: after version %d for %d', async (version, asked) => {
    const { store: counting, counts } = countCalls(store);
    await readCommitsAfter({ ...at, store: counting }, version);
    expect(counts.get('get')).toBe(asked);
  });

  it.each([2, 4, 10])('reads version %d if it appears while later versions are read', async (late) => {
    store.late.add(commitPath('events', late));
    expect(await versionsAfter(0)).toEqual(range(1, 20));
    store.late.add(commitPath('events', late));
    expect(await versionsAfter(0, 15)).toEqual(range(1, 15));
  });

  it.each([2, 4, 10])('throws if version %d stays missing below others', async (gone) => {
    await store.delete(commitPath('events', gone));
    await expect(versionsAfter(0)).rejects.toMatchObject({
      code: 'delta.hole',
      message: expect.stringContaining(`memory/events version ${gone} is missing from the log`),
    });
  });
});
