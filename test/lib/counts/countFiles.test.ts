import { expect, it } from 'vitest';
import { asMilliseconds, countFiles } from '../../../src/lib/counts/countFiles';
import { createTable } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import { field, type Value } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const second = 1_000_000;
const now = 1_700_000_000;
const time = now * second;

/** What rows with a key, an attribute and a time come to. */
async function counted(keyType: 'string' | 'long', rows: readonly Value[][], maxKeys = 100) {
  const at = { store: new MemoryStore(), table: 'sales' };
  const fields = [field('shop', keyType), field('city', 'string'), field('enqueued_at', 'timestamp')];
  await createTable(at, fields);
  const state = await openState(at);
  if (!state) throw new Error('There is no table.');
  const columns = fields.map((_, column) => rows.map((row) => row[column] ?? null));
  const add = await writeDataFile({ at, fields, columns });
  const counts = { key: 'shop', attribute: 'city' };
  const tally = await countFiles({
    state,
    adds: [add],
    counted: counts,
    nowMs: now * 1000,
    room: { maxKeys },
  });
  if (tally === 'no-room') return tally;
  return {
    total: tally.total,
    keys: tally.keys,
    counts: Object.fromEntries(tally.keys.map((key, index) => [key, tally.counts[index]])),
    attributes: tally.attributes,
  };
}

it('rows are counted by their key, and those without one are not', async () => {
  const rows = [
    ['a', 'Bern', time],
    [null, 'Bern', time],
    ['', 'Chur', time],
    ['a', 'Bern', time],
  ];
  expect(await counted('string', rows)).toMatchObject({
    total: 3,
    counts: { a: 2, '': 1 },
    attributes: ['Bern', 'Chur'],
  });
});

it('an attribute may be missing, and a number that is not exact is a key as text', async () => {
  const rows = [
    [2n ** 60n, null, time],
    [7, 'Bern', time],
  ];
  expect(await counted('long', rows)).toMatchObject({
    keys: expect.arrayContaining([`${2n ** 60n}`, 7]),
    counts: { [`${2n ** 60n}`]: 1, 7: 1 },
    attributes: expect.arrayContaining([null, 'Bern']),
  });
});

it('more keys than there is room for are not counted at all', async () => {
  const rows = [
    ['a', null, time],
    ['b', null, time],
    [null, null, time],
    ['a', null, time],
  ];
  expect(await counted('string', rows, 2)).toMatchObject({ total: 3 });
  expect(await counted('string', rows, 1)).toBe('no-room');
});

it('a time is whole milliseconds, rounded down, and none is no number', () => {
  const times = [0, 999, 1000, -1, -1000, 1_999n, -1n, 2n ** 60n];
  expect(times.map((each) => asMilliseconds(each))).toEqual([0, 0, 1, -1, -1, 1, -1, 1152921504606847]);
  for (const none of [null, undefined, '1000', true]) expect(asMilliseconds(none)).toBeNaN();
});
