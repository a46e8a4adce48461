import { describe, expect, it } from 'vitest';
import { cachedStatePath } from '../../../src/lib/counts/cachedState';
import { Counters } from '../../../src/lib/counts/counters';
import { Counts } from '../../../src/lib/counts/counts';
import { verifyCounts } from '../../../src/lib/counts/verifyCounts';
import { hourMs } from '../../../src/lib/duration';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks as counted } from '../../../src/lib/streams/clickstream';
import { ClicksTable } from './clicksTable';

it('a cached state that differs from the files is noticed', async () => {
  const store = new MemoryStore();
  const { at } = new ClicksTable(store);
  expect(await verifyCounts({ at, counted, maxKeys: 100 })).toBeUndefined();
  const table = await new ClicksTable(store).create();
  await table.click(1, 2, 2);
  expect(await verifyCounts({ at, counted, maxKeys: 100 })).toMatchObject({
    cachedVersion: undefined,
    total: 3,
    different: 0,
  });
  await new Counts({ at, counted }).save();
  await table.click(3);
  let progress: number[] = [];
  const good = await verifyCounts({
    ...{ at, counted, maxKeys: 100 },
    onFile: (...told) => {
      progress = told;
    },
  });
  expect(progress).toEqual([2, 2]);
  expect(good).toEqual({ version: 2, cachedVersion: 1, total: 4, folded: 0, different: 0, examples: [] });
  const text = Buffer.from((await store.get(cachedStatePath('clicks')))?.bytes ?? []).toString('utf8');
  await store.put(cachedStatePath('clicks'), Buffer.from(text.replace('"counts":[1,2]', '"counts":[1,3]')));
  expect(await verifyCounts({ at, counted, maxKeys: 100 })).toMatchObject({
    total: 4,
    different: 1,
    examples: [{ of: '2', served: 3, live: 2 }],
  });
});

/** A cached state, as far as buckets are planted in it. */
interface Stored {
  tally: {
    times: Record<'minutes' | 'hours' | 'days', [bucket: number, counts: string][]>;
    totals: [first: number, counts: string];
    folded?: { times: Record<'minutes' | 'hours' | 'days', [first: number, counts: string]> };
  };
}

const encoded = (counters: Counters) => Buffer.from(counters.encoded()).toString('base64');

/** The same counts with one more of an index. */
function oneMore(text: string, index: number): string {
  const counters = Counters.decode(Buffer.from(text, 'base64'), 100_000);
  counters?.add(index, 1);
  return counters ? encoded(counters) : '';
}

describe('a wrong bucket of the cached state is noticed', () => {
  const nowMs = Math.floor(Date.now() / hourMs) * hourMs;
  /** Clicks of ten days, on more products than are counted on their own. */
  const clicks = Array.from({ length: 400 }, (_, n) => ({
    productid: n % 9,
    at: nowMs - (n ** 2 % 864_000) * 1000,
  }));

  async function verifyWith(plant: (stored: Stored) => void) {
    const store = new MemoryStore();
    const table = await new ClicksTable(store).create();
    await table.append(clicks);
    await new Counts({ at: table.at, counted, maxKeys: 5 }).save();
    const path = cachedStatePath('clicks');
    const stored = JSON.parse(Buffer.from((await store.get(path))?.bytes ?? []).toString('utf8'));
    plant(stored);
    await store.put(path, Buffer.from(JSON.stringify(stored)));
    await table.click(1);
    const found = await verifyCounts({ at: table.at, counted, maxKeys: 5 });
    expect(found?.cachedVersion).toBeGreaterThan(0);
    return found;
  }

  it('and none is found where none is', async () => {
    // Of the products 0 to 8, the five with the most clicks are counted on their own.
    const others = { total: 401, folded: 4 * 44 };
    expect(await verifyWith(() => {})).toMatchObject({ ...others, different: 0, examples: [] });
  });

  it.each(['minutes', 'hours', 'days'] as const)('of a product among the %s', async (name) => {
    const found = await verifyWith(({ tally }) => {
      const [first] = tally.times[name];
      if (first) first[1] = oneMore(first[1], 3);
    });
    expect(found?.different).toBe(1);
    const [{ of = '', served = 0, live = 0 } = {}] = found?.examples ?? [];
    expect(of).toMatch(/^\d from \d{4}-\d\d-\d\dT\d\d:\d\d to \d{4}-\d\d-\d\dT\d\d:\d\d$/);
    expect(served - live).toBe(1);
  });

  it('that has products which the files do not have then, and one that is gone', async () => {
    const gone = await verifyWith(({ tally }) => void tally.times.hours.shift());
    expect(gone?.different).toBeGreaterThan(0);
    for (const { served, live } of gone?.examples ?? []) expect([served, live > 0]).toEqual([0, true]);
    const more = await verifyWith(({ tally }) => {
      const counters = new Counters();
      counters.add(2, 7);
      const free = Math.floor(nowMs / 86_400_000) - 20;
      tally.times.days.push([free, encoded(counters)]);
    });
    expect(more).toMatchObject({ different: 1, examples: [{ served: 7, live: 0 }] });
  });

  it('ten of them by name, and all others by their number', async () => {
    let wrong = 0;
    const plantIn = (most: number) =>
      verifyWith(({ tally }) => {
        wrong = 0;
        for (const hour of tally.times.hours.slice(0, most)) {
          hour[1] = oneMore(hour[1], 3);
          wrong++;
        }
      });
    expect((await plantIn(10))?.examples).toHaveLength(10);
    const found = await plantIn(1000);
    expect(wrong).toBeGreaterThan(10);
    expect([found?.different, found?.examples.length]).toEqual([wrong, 10]);
  });

  it('of all rows, and of those that are not counted on their own', async () => {
    const ofAll = await verifyWith(({ tally }) => {
      tally.totals[1] = oneMore(tally.totals[1], 0);
    });
    expect(ofAll).toMatchObject({ different: 1, examples: [{ of: expect.stringMatching(/^all from /) }] });
    const ofOthers = await verifyWith(({ tally }) => {
      const hours = tally.folded?.times.hours;
      if (hours) hours[1] = oneMore(hours[1], 0);
    });
    expect(ofOthers).toMatchObject({
      different: 1,
      examples: [{ of: expect.stringMatching(/^all others from /) }],
    });
  });
});
