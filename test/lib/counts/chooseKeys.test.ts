import { describe, expect, it } from 'vitest';
import { chooseKeys, chooseKeysOfFiles } from '../../../src/lib/counts/chooseKeys';
import { hashKey, type Key } from '../../../src/lib/counts/keys';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { ClicksTable } from './clicksTable';
import { FaultyStore } from './countsStand';

const choice = (maxKeys: number, ...preferred: Key[]) => ({ maxKeys, preferred: new Set(preferred) });
const list = (keys: ReadonlySet<Key> | undefined) => keys && [...keys];

describe('choosing keys from counts', () => {
  it('takes those with the most rows, equal ones by key, numbers before texts', () => {
    const counts: [Key, number][] = [
      ['b', 2],
      ['a', 2],
      [10, 2],
      [9, 2],
      [1, 1],
      [5, 3],
    ];
    expect(list(chooseKeys(counts, choice(5)))).toEqual([5, 9, 10, 'a', 'b']);
    expect(list(chooseKeys(counts, choice(3)))).toEqual([5, 9, 10]);
    expect(list(chooseKeys(counts.toReversed(), choice(3)))).toEqual([5, 9, 10]);
  });

  it('takes the preferred ones before', () => {
    const counts: [Key, number][] = [
      [1, 9],
      [2, 1],
      [3, 8],
      [4, 2],
    ];
    expect(list(chooseKeys(counts, choice(3, 2, 99)))).toEqual([2, 99, 1]);
    expect(list(chooseKeys(counts, choice(2, 99, 2, 4)))).toEqual([4, 2]);
  });

  it('does not sort all keys again for each one that comes', () => {
    const counts = Array.from({ length: 100_000 }, (_, key): [Key, number] => [key, (key * 7919) % 100_000]);
    const best = counts.toSorted(([, a], [, b]) => b - a).slice(0, 500);
    const started = performance.now();
    expect(list(chooseKeys(counts, choice(500)))).toEqual(best.map(([key]) => key));
    // It takes a few hundredths of a second. Sorting each time took minutes.
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it('takes all if there is room for all', () => {
    expect(
      chooseKeys(
        [
          [1, 1],
          [2, 1],
        ],
        choice(2, 3),
      ),
    ).toBeUndefined();
    expect(
      list(
        chooseKeys(
          [
            [1, 1],
            [2, 1],
            [3, 1],
          ],
          choice(2),
        ),
      ),
    ).toEqual([1, 2]);
  });
});

describe('choosing keys from files', () => {
  it.each([7, 40, 1000])('comes to the same, with %d keys in memory at once', async (atOnce) => {
    const table = await new ClicksTable(new MemoryStore()).create();
    const rows = Array.from({ length: 3000 }, (_, row) => (row * row) % 307);
    for (let at = 0; at < rows.length; at += 500) await table.click(...rows.slice(at, at + 500));
    const counts = new Map<Key, number>();
    for (const row of rows) counts.set(row, (counts.get(row) ?? 0) + 1);
    const state = await openSnapshot(table.at);
    if (!state) throw new Error('There is no table.');
    const files = { state, adds: [...state.files.values()], counted: countedClicks };
    const wanted = choice(10, 5, 99_999);
    expect(list(await chooseKeysOfFiles(files, wanted, atOnce))).toEqual(list(chooseKeys(counts, wanted)));
    expect(await chooseKeysOfFiles(files, choice(1000), atOnce)).toBeUndefined();
  });
});

describe('keys whose hashes without a seed lie close together', () => {
  it('do not make it read the files more often', async () => {
    const keys: number[] = [];
    for (let key = 0; keys.length < 40; key++) if (hashKey(key) < 2 ** 32 / 20_000) keys.push(key);
    const store = new FaultyStore();
    const table = await new ClicksTable(store).create();
    await table.click(...keys);
    const state = await openSnapshot(table.at);
    if (!state) throw new Error('There is no table.');
    const files = { state, adds: [...state.files.values()], counted: countedClicks };
    // About ten readings are enough for spread hashes. One range for each seven of these would be many thousand readings.
    store.reads = [];
    store.fault = () => (store.reads.length > 500 ? 503 : undefined);
    expect(list(await chooseKeysOfFiles(files, choice(5), 7))).toEqual(keys.slice(0, 5));
  });
});

describe('the hash of a key', () => {
  it('stays the same for ever, because cached states hold sums by it', () => {
    expect([0, 1, -1, 2 ** 31, 2 ** 40 + 5, 'a', 'ä', ''].map((key) => hashKey(key))).toMatchInlineSnapshot(`
      [
        0,
        804215951,
        3459073689,
        596704805,
        3492426420,
        444641715,
        2618739704,
        2872998923,
      ]
    `);
    expect(hashKey(7, 1)).not.toBe(hashKey(7, 2));
  });

  it('spreads keys that follow on one another', () => {
    const slots = new Set(Array.from({ length: 1000 }, (_, key) => hashKey(key) % 2 ** 18));
    expect(slots.size).toBeGreaterThan(990);
  });
});
