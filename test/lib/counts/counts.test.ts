import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { cachedStatePath } from '../../../src/lib/counts/cachedState';
import { Counts, type CountsOptions } from '../../../src/lib/counts/counts';
import { putCommit } from '../../../src/lib/delta/commit';
import { logPrefix } from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { field, serializeSchema } from '../../../src/lib/delta/schema';
import { TributaryError } from '../../../src/lib/errors';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { ClicksTable, fields } from './clicksTable';

class CountingStore extends MemoryStore {
  reads: string[] = [];
  away = false;
  override async get(path: string) {
    this.reads.push(path);
    if (this.away) throw new TributaryError('storage.unavailable', 'The lake is away.');
    return super.get(path);
  }
  override async getRange(path: string, start: number, length: number) {
    this.reads.push(path);
    return super.getRange(path, start, length);
  }
  dataFiles = () => this.reads.filter((path) => path.endsWith('.parquet'));
}

let store: CountingStore;
let table: ClicksTable;
let nowMs: number;
beforeEach(async () => {
  store = new CountingStore();
  table = await new ClicksTable(store).create();
  nowMs = Date.now();
});

const open = (options: Partial<CountsOptions> = {}) =>
  new Counts({
    at: table.at,
    counted: countedClicks,
    refreshMs: 0,
    now: () => nowMs,
    monotonicNow: () => nowMs,
    ...options,
  });

/** Clicks by product, and the version they are of. */
async function counted(counts: Counts) {
  const { version, tally } = await counts.current();
  const clicks = Object.fromEntries(tally.keys.map((key, index) => [key, tally.counts[index]]));
  return { version, total: tally.total, clicks };
}

const state = async () =>
  JSON.parse(Buffer.from((await store.get(cachedStatePath('clicks')))?.bytes ?? []).toString('utf8'));

describe('counts', () => {
  it('are empty before there is a table, and begin when it is made', async () => {
    table = new ClicksTable(store, 'later');
    const counts = open();
    expect(await counted(counts)).toEqual({ version: -1, total: 0, clicks: {} });
    await table.create();
    await table.click(7);
    expect(await counted(counts)).toEqual({ version: 1, total: 1, clicks: { 7: 1 } });
  });

  it('are per product, with its category, of the newest version', async () => {
    await table.click(7, 7, 3, 11);
    const counts = open();
    const { tally, committedAt } = await counts.current();
    expect(
      tally.ranked().map((index) => [tally.keys[index], tally.attributes[index], tally.counts[index]]),
    ).toEqual([
      [7, 8, 2],
      [3, 4, 1],
      [11, 2, 1],
    ]);
    expect(committedAt).toBeGreaterThan(nowMs - 60_000);
    await table.click(3, 3);
    expect(await counted(counts)).toEqual({ version: 2, total: 6, clicks: { 3: 3, 7: 2, 11: 1 } });
    expect(tally.ranked().map((index) => tally.keys[index])).toEqual([3, 7, 11]);
  });

  it('take the category of the click that was enqueued last, in whatever order files are read', async () => {
    const clicks = [
      { productid: 1, category: 5, at: nowMs - 3000 },
      { productid: 1, category: 9, at: nowMs - 1000 },
      { productid: 1, category: null, at: nowMs - 2000 },
    ];
    for (const click of clicks) await table.append([click]);
    const { tally } = await open().current();
    expect(tally.attributes).toEqual([9]);
  });

  it('read each file once, however often they are asked', async () => {
    await table.click(1);
    await table.click(2);
    const counts = open();
    await Promise.all([counts.current(), counts.current()]);
    await table.click(3);
    await counts.current();
    await counts.current();
    expect(new Set(store.dataFiles()).size).toBe(3);
    expect(store.dataFiles()).toHaveLength(3);
  });

  it('touch the store once per interval, and not at all in between', async () => {
    await table.click(1);
    const counts = open({ refreshMs: 250 });
    await counts.current();
    store.reads = [];
    await table.click(1);
    store.reads = [];
    nowMs += 249;
    expect(await counted(counts)).toMatchObject({ version: 1 });
    expect(store.reads).toEqual([]);
    nowMs += 1;
    const asked = await Promise.all(Array.from({ length: 20 }, () => counted(counts)));
    expect(asked.every(({ version }) => version === 2)).toBe(true);
    expect(store.reads.filter((path) => path.endsWith('00002.json'))).toHaveLength(1);
  });

  it('stay the same when files are compacted, and follow when rows are deleted', async () => {
    await table.click(1, 1);
    await table.click(2);
    const counts = open();
    const before = await counted(counts);
    await table.replaceAll([{ productid: 1 }, { productid: 1 }, { productid: 2 }], false);
    store.reads = [];
    expect(await counted(counts)).toEqual({ ...before, version: 3 });
    expect(store.dataFiles()).toEqual([]);
    expect(await counted(open())).toEqual({ ...before, version: 3 });
    await table.replaceAll([{ productid: 2 }], true);
    expect(await counted(counts)).toEqual({ version: 4, total: 1, clicks: { 2: 1 } });
  });

  it('keep the counts of the last version that could be read', async () => {
    await table.click(1);
    const counts = open();
    await counts.current();
    await table.click(2);
    const newest = (await table.paths()).at(-1) ?? '';
    const file = await store.get(newest);
    await store.delete(newest);
    await expect(counts.current()).rejects.toThrow('version 2');
    await store.put(newest, file?.bytes ?? new Uint8Array());
    nowMs += 60_000;
    expect(await counted(counts)).toEqual({ version: 2, total: 2, clicks: { 1: 1, 2: 1 } });
  });

  it('are counted anew when a file has been vacuumed away since', async () => {
    await table.click(1);
    const counts = open();
    await counts.current();
    await table.click(2);
    const [, gone = ''] = await table.paths();
    await table.replaceAll([{ productid: 1 }, { productid: 2 }], false);
    await store.delete(gone);
    expect(await counted(counts)).toEqual({ version: 3, total: 2, clicks: { 1: 1, 2: 1 } });
  });

  it('notice that another table was made in the place of theirs', async () => {
    await table.click(1, 1, 1);
    const counts = open();
    const { tableId } = await counts.current();
    await table.drop();
    await table.create();
    await table.click(9);
    nowMs += 15_000;
    expect(await counted(counts)).toEqual({ version: 1, total: 1, clicks: { 9: 1 } });
    expect((await counts.current()).tableId).not.toBe(tableId);
  });

  it('are counted anew after a change of the schema', async () => {
    await table.click(1);
    const counts = open();
    await counts.current();
    const metaData = (await openState(table.at))?.metaData;
    if (!metaData) throw new Error('no table');
    const schemaString = serializeSchema([...fields, field('colour', 'string')]);
    const description = { operation: 'ADD COLUMNS', isBlindAppend: false };
    await putCommit(table.at, 2, [{ metaData: { ...metaData, schemaString } }], description);
    store.reads = [];
    expect(await counted(counts)).toEqual({ version: 2, total: 1, clicks: { 1: 1 } });
    expect(store.dataFiles()).toHaveLength(1);
    const properties = { ...metaData, schemaString, configuration: { 'delta.appendOnly': 'true' } };
    await putCommit(table.at, 3, [{ metaData: properties }], description);
    store.reads = [];
    expect(await counted(counts)).toMatchObject({ version: 3, total: 1 });
    expect(store.dataFiles()).toEqual([]);
  });

  it('refuse more distinct products than they have memory for, and say so', async () => {
    await table.click(1, 2, 3);
    const counts = open({ maxKeys: 3 });
    expect(await counted(counts)).toMatchObject({ total: 3 });
    await table.click(4);
    await expect(counts.current()).rejects.toMatchObject({ code: 'counts.keys' });
    await expect(open({ maxKeys: 3 }).current()).rejects.toThrow('more than 3 distinct keys');
  });

  it('are asked for as often as ever after the clock was set back', async () => {
    let elapsedMs = 0;
    const counts = open({ refreshMs: 250, monotonicNow: () => elapsedMs });
    await counts.current();
    await table.click(1);
    nowMs -= 3_600_000;
    elapsedMs += 250;
    expect(await counted(counts)).toMatchObject({ version: 1, total: 1 });
    await table.drop();
    await table.create();
    await table.click(2);
    elapsedMs += 10_000;
    expect(await counted(counts)).toEqual({ version: 1, total: 1, clicks: { 2: 1 } });
  });

  it('give up all reading when a file is gone, and do not begin again for a minute', async () => {
    for (let file = 0; file < 40; file++) await table.click(file);
    const [gone = ''] = await table.paths();
    await store.delete(gone);
    let atOnce = 0;
    let most = 0;
    const getRange = store.getRange.bind(store);
    store.getRange = async (path, start, length) => {
      most = Math.max(most, ++atOnce);
      await sleep(path === gone ? 1 : 5);
      atOnce--;
      return getRange(path, start, length);
    };
    const counts = open({ refreshMs: 250 });
    await expect(counts.current()).rejects.toThrow('is gone');
    expect(atOnce).toBe(0);
    expect(most).toBeLessThanOrEqual(8);
    // Twice, as the file may have gone because the table had moved on.
    expect(new Set(store.dataFiles()).size).toBeLessThanOrEqual(16);
    store.reads = [];
    await sleep(50);
    nowMs += 1000;
    await expect(counts.current()).rejects.toThrow('is gone');
    expect(store.reads).toEqual([]);
    nowMs += 60_000;
    await expect(counts.current()).rejects.toThrow('is gone');
    expect(store.dataFiles()).not.toEqual([]);
  });

  it('ask a lake that is away once per interval, and follow when it is back', async () => {
    await table.click(1);
    const counts = open({ refreshMs: 250 });
    store.reads = [];
    store.away = true;
    const askTwenty = () => Promise.allSettled(Array.from({ length: 20 }, () => counts.current()));
    const failed = await askTwenty();
    expect(failed.every(({ status }) => status === 'rejected')).toBe(true);
    const asked = store.reads.length;
    expect(asked).toBeGreaterThan(0);
    nowMs += 249;
    await askTwenty();
    await expect(counts.current()).rejects.toMatchObject({ code: 'storage.unavailable' });
    expect(store.reads).toHaveLength(asked);
    nowMs += 1;
    await askTwenty();
    expect(store.reads).toHaveLength(2 * asked);
    store.away = false;
    nowMs += 250;
    expect(await counted(counts)).toEqual({ version: 1, total: 1, clicks: { 1: 1 } });
  });

  it.each([
    ['a new instance', false],
    ['one that has counted before', true],
  ])('of too many products are not counted anew for a minute by %s', async (_which, hasCounted) => {
    await table.click(1, 2, 3);
    const counts = open({ refreshMs: 250, maxKeys: 3 });
    if (hasCounted) await counts.current();
    await table.click(4);
    nowMs += 250;
    await expect(counts.current()).rejects.toMatchObject({ code: 'counts.keys' });
    store.reads = [];
    for (let second = 0; second < 59; second++) {
      nowMs += 1000;
      await expect(counts.current()).rejects.toMatchObject({ code: 'counts.keys' });
    }
    expect(store.reads).toEqual([]);
    nowMs += 1000;
    await expect(counts.current()).rejects.toMatchObject({ code: 'counts.keys' });
    expect(store.dataFiles()).not.toEqual([]);
    await table.replaceAll([{ productid: 4 }], true);
    nowMs += 60_000;
    expect(await counted(counts)).toEqual({ version: 3, total: 1, clicks: { 4: 1 } });
  });

  it('count by enqueued time, and forget what is too old', async () => {
    const at = Math.floor(nowMs / 60_000) * 60_000;
    nowMs = at + 30_000;
    await table.append([
      { productid: 1, at: at + 1000 },
      { productid: 1, at: at - 1 },
      { productid: 2, at: at - 60_000 * 5 },
      { productid: 2, at: at - 3_600_000 * 30 },
      { productid: 2, at: at - 86_400_000 * 400 },
    ]);
    const counts = open();
    const { tally } = await counts.current();
    const { minutes, hours, totals } = tally;
    const minute = minutes.bucketOf(nowMs);
    expect([...minutes.sum(minute, minute, 2)]).toEqual([1, 0]);
    expect([...minutes.sum(minute - 5, minute, 2)]).toEqual([2, 1]);
    const hour = hours.bucketOf(nowMs);
    expect([...hours.sum(hour - 48, hour, 2)]).toEqual([2, 2]);
    expect(totals.count(minute - 1, 0)).toBe(1);
    nowMs += 3_600_000 * 50;
    tally.advance(nowMs);
    expect([...minutes.sum(minute - 5, minute, 2)]).toEqual([0, 0]);
    expect([...hours.sum(hour - 48, hour, 2)]).toEqual([0, 0]);
    expect(totals.count(minute - 1, 0)).toBe(1);
    expect(tally.total).toBe(5);
    expect((await counts.current()).tally.stored()).toMatchObject({ counts: [2, 3], minutes: [], hours: [] });
  });
});

describe('the cached state', () => {
  it('saves a new instance the reading of the files, and holds the same', async () => {
    const at = nowMs - 90_000;
    await table.append([
      { productid: 1, at },
      { productid: 2, at: at - 7_200_000 },
    ]);
    const first = open();
    expect(await first.save()).toBe('saved');
    expect(await first.save()).toBe('current');
    await table.click(2);
    store.reads = [];
    const second = open();
    expect(await counted(second)).toEqual({ version: 2, total: 3, clicks: { 1: 1, 2: 2 } });
    expect(store.dataFiles()).toHaveLength(1);
    const fromFiles = (await first.current()).tally.stored();
    expect((await second.current()).tally.stored()).toEqual(fromFiles);
  });

  it('is written by an instance that has moved far past it, and then left alone for as long', async () => {
    const counts = open();
    for (let version = 1; version <= 199; version++) {
      const description = { operation: 'WRITE', isBlindAppend: true };
      await putCommit(table.at, version, [], description);
    }
    await counts.current();
    await counts.current();
    expect((await state()).version).toBe(199);
    await table.click(1);
    await counts.current();
    await counts.current();
    expect((await state()).version).toBe(199);
  });

  it('of a newer version is never replaced by an older one', async () => {
    await table.click(1);
    const slow = open();
    await slow.current();
    const rival = open();
    await rival.current();
    await table.click(2);
    // The slow one has seen neither the newer version nor that there is a state by now.
    slow.current = async () => rival.current();
    expect(await rival.save()).toBe('saved');
    expect(await slow.save()).toBe('current');
    expect((await state()).version).toBe(2);
  });

  it.each([
    ['is no JSON', () => 'nonsense'],
    ['is cut short', (text: string) => text.slice(0, -20)],
    ['is of another format', (text: string) => text.replace('"format":2', '"format":1')],
    ['is of another table', (text: string) => text.replace(/"tableId":"[^"]*"/, '"tableId":"other"')],
    ['is of a version that is not committed', (text: string) => text.replace('"version":1', '"version":99')],
    ['has a key twice', (text: string) => text.replace('"keys":[1,2]', '"keys":[1,1]')],
    ['has a count that is none', (text: string) => text.replace('"counts":[1,1]', '"counts":[1,-1]')],
  ])('is not used when it %s, and is mended', async (_what, damage) => {
    await table.click(1, 2);
    await open().save();
    const good = Buffer.from((await store.get(cachedStatePath('clicks')))?.bytes ?? []).toString('utf8');
    const bad = damage(good);
    expect(bad).not.toBe(good);
    await store.put(cachedStatePath('clicks'), Buffer.from(bad));
    const counts = open();
    expect(await counted(counts)).toEqual({ version: 1, total: 2, clicks: { 1: 1, 2: 1 } });
    expect(await counts.save()).toBe('saved');
    expect(await state()).toMatchObject({ version: 1, tally: { keys: [1, 2] } });
  });

  it('is passed over when the log no longer leads on from it', async () => {
    await table.click(1);
    await open().save();
    await table.click(2);
    await table.click(3);
    await store.delete(`${logPrefix('clicks')}${'2'.padStart(20, '0')}.json`);
    // Without a checkpoint the table itself is damaged now; that must not be hidden by a cached state.
    await expect(open().current()).rejects.toMatchObject({ code: 'delta.invalid' });
  });

  it('is passed over when rows that it counted were deleted', async () => {
    await table.click(1, 1);
    await open().save();
    await table.replaceAll([{ productid: 2 }], true);
    expect(await counted(open())).toEqual({ version: 2, total: 1, clicks: { 2: 1 } });
  });

  it.each(['storage.unavailable', 'storage.refused'] as const)(
    'that cannot be read (%s) is no error, and is replaced once it can be',
    async (code) => {
      await table.click(1, 2);
      await open().save();
      await table.click(2);
      const get = store.get.bind(store);
      const written: string[] = [];
      const putIfMatch = store.putIfMatch.bind(store);
      const putIfAbsent = store.putIfAbsent.bind(store);
      store.putIfAbsent = (path, bytes) => {
        written.push('blindly');
        return putIfAbsent(path, bytes);
      };
      store.putIfMatch = (path, bytes, etag) => {
        written.push(etag);
        return putIfMatch(path, bytes, etag);
      };
      store.get = async (path) => {
        if (path === cachedStatePath('clicks')) throw new TributaryError(code, 'Too large.');
        return get(path);
      };
      const warnings: string[] = [];
      const counts = open({ warn: (message) => warnings.push(message) });
      expect(await counted(counts)).toEqual({ version: 2, total: 3, clicks: { 1: 1, 2: 2 } });
      expect(warnings.join()).toContain('Too large.');
      await expect(counts.save()).rejects.toMatchObject({ code });
      expect(written).toEqual([]);
      store.get = get;
      const etag = (await get(cachedStatePath('clicks')))?.etag;
      expect(await counts.save()).toBe('saved');
      expect(written).toEqual([etag]);
      expect((await state()).version).toBe(2);
    },
  );

  it('that cannot be written is tried again only after as many versions', async () => {
    const commit = (version: number) =>
      putCommit(table.at, version, [], { operation: 'WRITE', isBlindAppend: true });
    for (let version = 1; version <= 200; version++) await commit(version);
    let tries = 0;
    store.putIfAbsent = async (path, bytes) => {
      if (path !== cachedStatePath('clicks'))
        return MemoryStore.prototype.putIfAbsent.call(store, path, bytes);
      tries++;
      throw new Error('The disk is full.');
    };
    const counts = open({ warn: () => undefined });
    for (let version = 201; version <= 205; version++) {
      await counts.current();
      await sleep(1);
      await commit(version);
    }
    expect(tries).toBe(1);
  });

  it('that cannot be written is no error', async () => {
    for (let version = 1; version <= 200; version++)
      await putCommit(table.at, version, [], { operation: 'WRITE', isBlindAppend: true });
    const warnings: string[] = [];
    store.putIfAbsent = async () => {
      throw new Error('The disk is full.');
    };
    const counts = open({ warn: (message) => warnings.push(message) });
    expect(await counted(counts)).toMatchObject({ version: 200 });
    await expect.poll(() => warnings.join()).toContain('The disk is full.');
  });
});
