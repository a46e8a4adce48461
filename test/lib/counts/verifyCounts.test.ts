import { expect, it } from 'vitest';
import { cachedStatePath } from '../../../src/lib/counts/cachedState';
import { Counts } from '../../../src/lib/counts/counts';
import { verifyCounts } from '../../../src/lib/counts/verifyCounts';
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
