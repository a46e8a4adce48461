import { expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { hourMs } from '../../../src/lib/duration';
import { LatestFold } from '../../../src/lib/latest/latest';
import { latestStatePath } from '../../../src/lib/latest/latestState';
import { verifyLatest } from '../../../src/lib/latest/verifyLatest';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { latest, PricesTable } from './pricesTable';

const at = Math.floor(Date.now() / hourMs) * hourMs;

it('a saved state that differs from the files is noticed, and nothing is written', async () => {
  const store = new MemoryStore();
  const table = new PricesTable(store);
  const verify = () => verifyLatest({ at: table.at, latest });
  expect(await verify()).toBeUndefined();
  await table.create();
  await table.append([
    { id: 'a', at: at - 2 * hourMs, price: 1.5 },
    { id: 'b', at, price: 2 },
  ]);
  const right = { different: 0, examples: [] };
  expect(await verify()).toEqual({ version: 1, savedVersion: undefined, keys: 2, ...right });
  await new LatestFold({ at: table.at, latest }).save();
  await table.append([{ id: 'c', at, price: 3 }]);
  let progress: number[] = [];
  const onFile = (...told: number[]) => {
    progress = told;
  };
  expect(await verifyLatest({ at: table.at, latest, onFile })).toEqual({
    ...{ version: 2, savedVersion: 1, keys: 3, ...right },
  });
  expect(progress).toEqual([2, 2]);
  // Far behind, an instance of the app would save.
  for (let version = 3; version < 303; version++)
    await putCommit(table.at, version, [], { operation: 'WRITE', isBlindAppend: true });
  const text = async () =>
    Buffer.from((await store.get(latestStatePath('prices')))?.bytes ?? []).toString('utf8');
  const before = await text();
  expect(await verify()).toMatchObject({ version: 302, savedVersion: 1, different: 0 });
  expect(await text()).toBe(before);
  // In the state there is the price of all time, of the hour and of the day.
  await store.put(latestStatePath('prices'), Buffer.from(before.replaceAll('1.5', '1.25')));
  const found = await verify();
  expect(found).toMatchObject({ savedVersion: 1, different: 3 });
  expect(found?.examples).toContainEqual({
    of: 'a',
    served: JSON.stringify([(at - 2 * hourMs) * 1000, 1.25, null]),
    live: JSON.stringify([(at - 2 * hourMs) * 1000, 1.5, null]),
  });
  expect(found?.examples.map(({ of }) => of).join()).toMatch(
    /^a,a, hour \d+ since 1970,a, day \d+ since 1970$/,
  );
});
