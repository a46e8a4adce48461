import { beforeEach, describe, expect, it } from 'vitest';
import type { Counts } from '../../../src/lib/counts/counts';
import { commitPath } from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { ClicksTable } from './clicksTable';
import { cachedState, cachedText, counted, FaultyStore, openCounts, putCached } from './countsStand';

/*
 * Storage goes back in time and then grows other commits. Product 9 is clicked only afterwards, 3 and 4 only in the time that
 * was lost.
 */

let store: FaultyStore;
let table: ClicksTable;
let savedBefore: string;
let seesAll: Counts;
beforeEach(async () => {
  store = new FaultyStore();
  table = await new ClicksTable(store).create();
  await table.click(1);
  await table.click(2);
  seesAll = openCounts(table.at);
  await seesAll.save();
  savedBefore = await cachedText(store);
  await table.click(3);
  await table.click(4);
  await seesAll.save();
  expect((await cachedState(store)).version).toBe(4);
});

/** Goes back to version 2, and then grows by this many versions. */
async function goBackAndGrow(commits: number) {
  await table.goBackTo(2);
  for (let n = 0; n < commits; n++) await table.click(9);
  return { version: 2 + commits, total: 2 + commits, clicks: { 1: 1, 2: 1, 9: commits } };
}

/** The cached state is of the newest version of the present log, and right. */
async function expectCachedIsRight(expected: Awaited<ReturnType<typeof goBackAndGrow>>) {
  const { version, mark } = await cachedState(store);
  expect({ version, mark }).toEqual({ version: expected.version, mark: (await openState(table.at))?.mark });
  store.reads = [];
  expect(await counted(openCounts(table.at))).toEqual(expected);
  expect(store.dataFiles()).toEqual([]);
}

const grown = [
  ['to a lower version', 1],
  ['to the same version', 2],
  ['to a higher version', 3],
] as const;

describe.each(grown)('a log that went back and grew %s', (_how, commits) => {
  it.each(['left as it was', 'gone back too', 'gone'])(
    'is counted right in memory and anew, with a cached state that is %s',
    async (cache) => {
      const expected = await goBackAndGrow(commits);
      if (cache === 'gone back too') await putCached(store, savedBefore);
      if (cache === 'gone') await putCached(store, '');
      expect(await counted(openCounts(table.at))).toEqual(expected);
      expect(await counted(seesAll)).toEqual(expected);
      expect(await seesAll.save()).toBe('saved');
      await expectCachedIsRight(expected);
    },
  );

  it('has the cached state of the lost time replaced by a new instance', async () => {
    const expected = await goBackAndGrow(commits);
    const counts = openCounts(table.at);
    expect(await counted(counts)).toEqual(expected);
    expect(await counts.save()).toBe('saved');
    expect(await counts.save()).toBe('current');
    await expectCachedIsRight(expected);
  });

  it('has it replaced by an instance that had not seen the lost time', async () => {
    const { at } = table;
    await table.goBackTo(2);
    // It only knows the cached state of version 2, which another instance has replaced.
    const lost = await cachedText(store);
    await putCached(store, savedBefore);
    const bystander = openCounts(at);
    await bystander.current();
    await putCached(store, lost);
    const expected = await goBackAndGrow(commits);
    expect(await bystander.save()).toBe('saved');
    await expectCachedIsRight(expected);
  });
});

it('a cached state of the lost time is replaced by an instance that has moved far enough, by itself', async () => {
  const text = await cachedText(store);
  await putCached(store, text.replace('"version":4', '"version":900'));
  await table.goBackTo(2);
  for (let version = 3; version <= 199; version++) await table.putEntry(version, []);
  await openCounts(table.at).current();
  await expect.poll(async () => (await cachedState(store)).version).toBe(199);
});

it('counts that move on while they look for the version of the cached state are saved as they are then', async () => {
  const bystander = openCounts(table.at);
  await table.goBackTo(2);
  await table.click(9);
  await bystander.current();
  // Another instance writes the state of the lost version 4 after this one has read the file.
  await putCached(store, await cachedText(store));
  const get = store.get.bind(store);
  let isWriting = false;
  store.get = async (path) => {
    const found = await get(path);
    if (path.endsWith('state.json')) isWriting = true;
    if (!isWriting || path !== commitPath('clicks', 4)) return found;
    isWriting = false;
    await table.click(9);
    await bystander.current();
    return found;
  };
  expect(await bystander.save()).toBe('saved');
  const { version, tally } = await cachedState(store);
  expect([version, tally.counts]).toEqual([4, [1, 1, 2]]);
});

it('a log that went back and did not grow is counted anew, and the cached state replaced', async () => {
  await table.goBackTo(2);
  expect(await counted(seesAll)).toEqual({ version: 2, total: 2, clicks: { 1: 1, 2: 1 } });
  expect(await seesAll.save()).toBe('saved');
  expect((await cachedState(store)).version).toBe(2);
});

it('a view tells its version from another version of the same number', async () => {
  const { version, mark } = await seesAll.current();
  await goBackAndGrow(2);
  const view = await seesAll.current();
  expect(view.version).toBe(version);
  expect(view.mark).not.toBe(mark);
  expect(view.mark).toBe((await openState(table.at))?.mark);
});

it('a cached state of the lost time without a mark is not used while its version is above the log', async () => {
  const { mark: _, ...old } = await cachedState(store);
  await putCached(store, JSON.stringify(old));
  const expected = await goBackAndGrow(1);
  const counts = openCounts(table.at);
  expect(await counted(counts)).toEqual(expected);
  expect(await counts.save()).toBe('saved');
  await expectCachedIsRight(expected);
});

it('a commit that says nothing of itself is noticed when another takes its place', async () => {
  const first = await table.write([{ productid: 5 }]);
  const second = await table.write([{ productid: 6 }]);
  await table.putEntry(5, [{ add: first }]);
  expect((await counted(seesAll)).clicks).toMatchObject({ 5: 1 });
  await seesAll.save();
  await table.putEntry(5, [{ add: second }]);
  const expected = { version: 5, total: 5, clicks: { 1: 1, 2: 1, 3: 1, 4: 1, 6: 1 } };
  expect(await counted(openCounts(table.at))).toEqual(expected);
  expect(await counted(seesAll)).toEqual(expected);
});

describe('a log with a hole', () => {
  it('is an error for a minute at a time, and followed again when the stray entry is moved away', async () => {
    let nowMs = 0;
    const counts = openCounts(table.at, { monotonicNow: () => nowMs });
    await counts.current();
    await table.click(5);
    const stray = await store.get(commitPath('clicks', 5));
    await table.goBackTo(2);
    // This commit was under way when storage went back in time.
    await store.put(commitPath('clicks', 5), stray?.bytes ?? new Uint8Array());
    await expect(counts.current()).rejects.toMatchObject({ code: 'delta.hole' });
    store.reads = [];
    nowMs += 59_000;
    await expect(counts.current()).rejects.toMatchObject({ code: 'delta.hole' });
    expect(store.reads).toEqual([]);
    await table.removeEntry(5);
    nowMs += 1000;
    expect(await counted(counts)).toEqual({ version: 2, total: 2, clicks: { 1: 1, 2: 1 } });
    expect(await counts.save()).toBe('saved');
  });

  it('is counted up to the hole from a cached state that lies below it', async () => {
    await putCached(store, savedBefore);
    await table.removeEntry(3);
    expect(await counted(openCounts(table.at))).toEqual({ version: 2, total: 2, clicks: { 1: 1, 2: 1 } });
    // There is no cached state of a version above the hole.
    await store.delete('clicks/_counts/state.json');
    await expect(openCounts(table.at).current()).rejects.toMatchObject({ code: 'delta.hole' });
  });
});
