import { beforeEach, describe, expect, it } from 'vitest';
import type { Counts } from '../../../src/lib/counts/counts';
import { FoldedLog } from '../../../src/lib/counts/foldLog';
import type { Add } from '../../../src/lib/delta/actions';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath, lastCheckpointPath } from '../../../src/lib/delta/log';
import { openState } from '../../../src/lib/delta/openTable';
import { serializeSchema } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { ClicksTable, fields } from './clicksTable';
import { counted, FaultyStore, foldOptions, openCounts } from './countsStand';
import { plainTally } from './plainTally';

let store: FaultyStore;
let table: ClicksTable;
beforeEach(async () => {
  store = new FaultyStore();
  table = await new ClicksTable(store).create();
});

const entry = (version: number) => commitPath('clicks', version);
const description = { operation: 'TEST', isBlindAppend: true };

/** Counts that have seen one click on product 1, at version 1. */
async function countedOne(): Promise<Counts> {
  await table.click(1);
  const counts = openCounts(table.at);
  await counts.current();
  await counts.current();
  store.reads = [];
  return counts;
}

async function newestFile(): Promise<string> {
  return (await table.paths()).at(-1) ?? '';
}

describe('a refresh', () => {
  it('with nothing new is two small reads', async () => {
    const counts = await countedOne();
    await counts.current();
    expect(store.reads).toEqual([entry(1), entry(2)]);
  });

  it('after one commit reads the entries up to the end of the log, and its file', async () => {
    const counts = await countedOne();
    await table.click(2);
    store.reads = [];
    expect(await counted(counts)).toEqual({ version: 2, total: 2, clicks: { 1: 1, 2: 1 } });
    const logReads = store.reads.filter((path) => path.endsWith('.json'));
    expect(logReads.slice(0, 2)).toEqual([entry(1), entry(2)]);
    expect(logReads.length).toBeLessThanOrEqual(10);
    expect(store.reads.slice(logReads.length)).toEqual([await newestFile()]);
    store.reads = [];
    await counts.current();
    expect(store.reads).toEqual([entry(2), entry(1), entry(3)]);
  });

  it('is never seen half done: rows and the version that they are of change at once', async () => {
    await table.click(1);
    const log = new FoldedLog(foldOptions(table.at));
    await log.countAnew(undefined);
    await table.click(2, 3);
    let isDone = false;
    const counting = log.countNew().finally(() => {
      isDone = true;
    });
    const seen = new Set<string>();
    // Looks between any two steps of the counting, but lets timers and the like have their turn.
    for (let look = 1; !isDone; look++) {
      seen.add(`version ${log.counted?.state.version}, total ${log.counted?.tally.total}`);
      await (look % 1000 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined);
    }
    expect(await counting).toBe(true);
    seen.add(`version ${log.counted?.state.version}, total ${log.counted?.tally.total}`);
    expect([...seen]).toEqual(['version 1, total 1', 'version 2, total 3']);
  });

  it('that is far behind reads each entry and each file once', async () => {
    const counts = await countedOne();
    for (let version = 2; version <= 600; version++) {
      const adds = version % 100 === 0 ? [{ add: await table.write([{ productid: version }]) }] : [];
      await putCommit(table.at, version, adds, description);
    }
    store.reads = [];
    const clicks = { 1: 1, 200: 1, 300: 1, 400: 1, 500: 1, 600: 1, 100: 1 };
    expect(await counted(counts)).toEqual({ version: 600, total: 7, clicks });
    expect(store.dataFiles()).toHaveLength(6);
    expect(store.reads.filter((path) => path === entry(300))).toHaveLength(1);
  });

  it('after files were rewritten with the same rows reads none of them', async () => {
    const counts = await countedOne();
    await table.click(2);
    await counts.current();
    await table.replaceAll([{ productid: 1 }, { productid: 2 }], false);
    store.reads = [];
    expect(await counted(counts)).toEqual({ version: 3, total: 2, clicks: { 1: 1, 2: 1 } });
    expect(store.dataFiles()).toEqual([]);
  });
});

describe('what a commit does to the counts', () => {
  it('an add that does not say whether it changes data is counted, in memory and anew', async () => {
    const counts = await countedOne();
    const { dataChange: _, ...add } = await table.write([{ productid: 2 }]);
    await table.putEntry(2, [{ add: add as Add }]);
    const expected = { version: 2, total: 2, clicks: { 1: 1, 2: 1 } };
    expect(await counted(counts)).toEqual(expected);
    expect(await counted(openCounts(table.at))).toEqual(expected);
  });

  it('a remove that does not say whether it changes data has the table counted anew', async () => {
    const counts = await countedOne();
    const path = (await newestFile()).slice('clicks/'.length);
    await store.put(entry(2), Buffer.from(`{"remove":{"path":"${path}"}}\n`));
    expect(await counted(counts)).toEqual({ version: 2, total: 0, clicks: {} });
  });

  it('rows that come and go in one refresh are counted as they are at its end', async () => {
    const counts = await countedOne();
    await table.click(2);
    await table.replaceAll([{ productid: 3 }], true);
    await table.click(4);
    expect(await counted(counts)).toEqual({ version: 4, total: 2, clicks: { 3: 1, 4: 1 } });
  });

  it('a column that comes later is no reason to count anew: older files lack it', async () => {
    const [without = [], later = []] = [false, true].map((isLater) =>
      fields.filter(({ name }) => ['category', '_rescued_data'].includes(name) === isLater),
    );
    table = new ClicksTable(store, 'grows');
    await createTable(table.at, without);
    const state = await openState(table.at);
    if (!state) throw new Error('no table');
    const columns = without.map(({ name }) => [name === 'productid' ? 5 : 0]);
    const add = await writeDataFile({ at: table.at, fields: without, columns });
    await append({ state, fields: without, adds: [add], txns: [] });
    const counts = openCounts(table.at);
    expect((await counts.current()).tally).toMatchObject({ keys: [5], attributes: [null] });

    const schemaString = serializeSchema([...without, ...later]);
    await putCommit(table.at, 2, [{ metaData: { ...state.metaData, schemaString } }], description);
    store.reads = [];
    expect(await counted(counts)).toEqual({ version: 2, total: 1, clicks: { 5: 1 } });
    expect(store.dataFiles()).toEqual([]);
    const newer = await table.write([{ productid: 5, category: 7 }]);
    await putCommit(table.at, 3, [{ add: newer }], description);
    for (const each of [counts, openCounts(table.at)]) {
      const { version, tally } = await each.current();
      expect({ version, ...plainTally(tally) }).toMatchObject({
        version: 3,
        keys: [5],
        attributes: [7],
        counts: [2],
      });
    }
  });

  it('a commit that makes the table another one has it counted anew', async () => {
    const counts = await countedOne();
    const metaData = (await openState(table.at))?.metaData;
    if (!metaData) throw new Error('no table');
    await putCommit(table.at, 2, [{ metaData: { ...metaData, id: 'another' } }], description);
    await table.click(2);
    expect(await counted(counts)).toEqual({ version: 3, total: 2, clicks: { 1: 1, 2: 1 } });
    expect((await counts.current()).tableId).toBe('another');
  });
});

describe('a refresh that fails', () => {
  it.each([2, 514])('at a file leaves counts and position unchanged (version %d)', async (last) => {
    const counts = await countedOne();
    const { tally } = await counts.current();
    await table.click(2);
    for (let version = 3; version < last; version++) await putCommit(table.at, version, [], description);
    if (last > 2) await table.click(3);
    const before = plainTally(tally);
    const failing = await newestFile();
    store.fault = (path) => (path === failing ? 503 : undefined);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(counts.current()).rejects.toMatchObject({ code: 'storage.unavailable' });
      expect(plainTally(tally)).toEqual(before);
    }
    store.fault = () => undefined;
    store.reads = [];
    const clicks = last > 2 ? { 1: 1, 2: 1, 3: 1 } : { 1: 1, 2: 1 };
    expect(await counted(counts)).toMatchObject({ version: last, clicks });
    // It continues with the same tally, and with the entry and the files that were not counted yet.
    expect((await counts.current()).tally).toBe(tally);
    expect(store.reads).toContain(entry(2));
    expect(store.dataFiles()).toHaveLength(last > 2 ? 2 : 1);
  });

  it.each([
    ['the entry it stands on', entry(1)],
    ['the next entry', entry(2)],
    ['the file', 'file'],
  ])('at %s, as storage is away, is followed by one that is right', async (_what, path) => {
    const counts = await countedOne();
    await table.click(2);
    const failing = path === 'file' ? await newestFile() : path;
    store.fault = (each) => (each === failing ? 503 : undefined);
    await expect(counts.current()).rejects.toMatchObject({ code: 'storage.unavailable' });
    store.fault = () => undefined;
    expect(await counted(counts)).toEqual({ version: 2, total: 2, clicks: { 1: 1, 2: 1 } });
  });

  it('at a file that is away is no reason to read the others', async () => {
    const counts = await countedOne();
    await table.click(2);
    const away = await newestFile();
    let asked = 0;
    store.fault = (path) => (path === away && asked++ === 0 ? 503 : undefined);
    await expect(counts.current()).rejects.toMatchObject({ code: 'storage.unavailable' });
    expect(store.dataFiles()).toEqual([away]);
  });

  it.each([
    ['the entry it stands on', entry(1)],
    ['the next entry', entry(2)],
    ['the file', 'file'],
    ['the pointer to the newest checkpoint', lastCheckpointPath('clicks')],
  ])('to find %s once does not make the counts wrong', async (_what, path) => {
    const counts = await countedOne();
    await table.click(2);
    let missing = path === 'file' ? await newestFile() : path;
    store.fault = (each) => {
      if (each !== missing) return undefined;
      missing = '';
      return 404;
    };
    const { version, total } = await counted(counts);
    expect([version, total]).toEqual(path === entry(2) ? [1, 1] : [2, 2]);
    expect(await counted(counts)).toEqual({ version: 2, total: 2, clicks: { 1: 1, 2: 1 } });
  });

  it('because a file is gone makes the table be counted anew, and throws if the file is still needed', async () => {
    let nowMs = 0;
    await table.click(1);
    const counts = openCounts(table.at, { monotonicNow: () => nowMs });
    await counts.current();
    await table.click(2);
    const gone = await newestFile();
    const file = await store.get(gone);
    await store.delete(gone);
    await expect(counts.current()).rejects.toThrow('version 2');
    await store.put(gone, file?.bytes ?? new Uint8Array());
    nowMs += 60_000;
    expect(await counted(counts)).toEqual({ version: 2, total: 2, clicks: { 1: 1, 2: 1 } });
  });

  it('as a file was vacuumed away since has the table counted anew', async () => {
    const counts = await countedOne();
    await table.click(2);
    const gone = await newestFile();
    await table.replaceAll([{ productid: 1 }, { productid: 2 }], false);
    await store.delete(gone);
    expect(await counted(counts)).toEqual({ version: 3, total: 2, clicks: { 1: 1, 2: 1 } });
  });
});

describe('counting the live files', () => {
  it('is begun again, once, when a file goes because the table moves on meanwhile', async () => {
    await table.click(1);
    const gone = await newestFile();
    let moves = 0;
    const getRange = store.getRange.bind(store);
    store.getRange = async (path, start, length) => {
      if (path === gone && moves++ === 0) {
        await table.replaceAll([{ productid: 1 }], false);
        await store.delete(gone);
      }
      return getRange(path, start, length);
    };
    expect(await counted(openCounts(table.at))).toEqual({ version: 2, total: 1, clicks: { 1: 1 } });
    expect(moves).toBe(1);
  });

  it('is not begun again because storage is away, even if the table moves on meanwhile', async () => {
    await table.click(1);
    const away = await newestFile();
    let asked = 0;
    store.fault = (path) => {
      if (path !== away) return undefined;
      void table.putEntry(2, []);
      return asked++ === 0 ? 503 : undefined;
    };
    await expect(openCounts(table.at).current()).rejects.toMatchObject({ code: 'storage.unavailable' });
    expect(asked).toBe(1);
  });

  it('ends if a file is gone for good, even if the table changes all the time', async () => {
    await table.click(1);
    await store.delete(await newestFile());
    let version = 1;
    store.fault = (path) => {
      if (path.endsWith('.parquet') && version < 20) void table.putEntry(++version, []);
      return undefined;
    };
    await expect(openCounts(table.at).current()).rejects.toMatchObject({ code: 'parquet.invalid' });
    expect(version).toBeLessThan(20);
  });
});
