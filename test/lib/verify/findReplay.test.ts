import { describe, expect, it } from 'vitest';
import { commitPath } from '../../../src/lib/delta/log';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { findReplay } from '../../../src/lib/verify/findReplay';
import { countCalls } from '../../kit/countingStore';

const minute = 60_000;
const start = Date.UTC(2026, 0, 1);

interface Entry {
  readonly path: string;
  /** Undefined for a commit of a writer that tells no time. */
  readonly time?: number;
  readonly appId?: string;
}

async function logOf(entries: readonly Entry[], first = 0) {
  const memory = new MemoryStore();
  for (const [index, { path, time, appId }] of entries.entries()) {
    const version = first + index;
    const actions = [
      ...(time === undefined ? [] : [{ commitInfo: { timestamp: time, operation: 'WRITE' } }]),
      ...(appId === undefined ? [] : [{ txn: { appId, version } }]),
      { add: { path, partitionValues: {}, size: 1, modificationTime: time ?? start, dataChange: true } },
    ];
    const lines = actions.map((action) => JSON.stringify(action)).join('\n');
    await memory.put(commitPath('clicks', version), Buffer.from(lines));
  }
  const { store, counts } = countCalls(memory);
  return { at: { store, table: 'clicks' }, reads: () => counts.get('get') ?? 0 };
}

/** A commit in each minute. The one in the middle is a replay. */
const everyMinute = Array.from({ length: 1001 }, (_, n) => ({
  path: `file${n}`,
  time: start + n * minute,
  ...(n === 500 && { appId: 'replay/clickstream' }),
}));

describe('findReplay', () => {
  it('finds the replay that added a file, with few reads of a long log', async () => {
    const { at, reads } = await logOf(everyMinute, 100);
    const file = { path: 'file500', modificationTime: start + 500 * minute - 200 };
    expect(await findReplay(at, file)).toMatchObject({ version: 600 });
    expect(reads()).toBeLessThan(30);
  });

  it.each([
    { name: 'another commit added', file: { path: 'file400', modificationTime: start + 400 * minute } },
    { name: 'no commit of that time added', file: { path: 'gone', modificationTime: start + 400 * minute } },
    {
      name: 'a deleted part of the log added',
      file: { path: 'gone', modificationTime: start - 900 * minute },
    },
    { name: 'is newer than the log', file: { path: 'gone', modificationTime: start + 2000 * minute } },
  ])('finds none for a file that $name, with few reads of a long log', async ({ file }) => {
    const { at, reads } = await logOf(everyMinute, 100);
    expect(await findReplay(at, file)).toBeUndefined();
    expect(reads()).toBeLessThan(30);
  });

  it('finds the replay between commits of writers that tell no time', async () => {
    const timeless = Array.from({ length: 4 }, (_, n) => ({ path: `other${n}` }));
    const replay = { path: 'replayed', time: start + minute, appId: 'replay/clickstream' };
    const { at } = await logOf([...timeless, replay, ...timeless, ...timeless]);
    const file = { path: 'replayed', modificationTime: start + minute };
    expect(await findReplay(at, file)).toMatchObject({ version: 4 });
  });

  it('finds the replay whose file took minutes to be stored', async () => {
    const { at } = await logOf(everyMinute);
    const file = { path: 'file500', modificationTime: start + 496 * minute };
    expect(await findReplay(at, file)).toMatchObject({ version: 500 });
  });
});
