import { beforeEach, describe, expect, it } from 'vitest';
import type { Key } from '../../../src/lib/counts/keys';
import { LakeScans } from '../../../src/lib/counts/lakeScans';
import { scanTimes } from '../../../src/lib/counts/scanTimes';
import { putCommit } from '../../../src/lib/delta/commit';
import { openState } from '../../../src/lib/delta/openTable';
import { rowsPerTurn } from '../../../src/lib/nextTurn';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { mostBetweenTurns } from '../../kit/mostBetweenTurns';
import { ClicksTable } from './clicksTable';
import { FaultyStore } from './countsStand';

const from = Date.UTC(2026, 0, 1, 12);
const end = from + 60_000;
const stretch = { fromMs: from, endMs: end };
const description = { operation: 'TEST', isBlindAppend: true };

let store: FaultyStore;
let table: ClicksTable;
let rows: [number | undefined, number][];
beforeEach(async () => {
  store = new FaultyStore();
  table = await new ClicksTable(store).create();
  rows = [];
});

/** The newest version. Product 7 has the index 0 there, and 9 the index 2. */
async function newest() {
  const state = await openState(table.at);
  const indexOf = (key: Key) => (key === 7 ? 0 : key === 9 ? 2 : undefined);
  return {
    at: table.at,
    tableId: state?.metaData.id ?? '',
    version: state?.version ?? -1,
    mark: state?.mark,
    counted: countedClicks,
    indexOf,
  };
}

const wanted = (stretches = [stretch]) => ({
  stretches,
  add: (index: number | undefined, timeMs: number) => void rows.push([index, timeMs]),
});

const scan = async (mostRows = 1000, stretches = [stretch], signal = new AbortController().signal) =>
  scanTimes(await newest(), wanted(stretches), { mostRows, signal });

const at = (...times: number[]) => times.map((time) => ({ productid: 7, at: time }));

describe('a scan of a stretch of time', () => {
  it('lets other work go on between the rows of a large row group', async () => {
    await table.append(at(...new Array(3 * rowsPerTurn + 1).fill(from)));
    const version = await newest();
    let added = 0;
    const most = await mostBetweenTurns((look) => {
      const add = () => {
        look();
        added++;
      };
      const limits = { mostRows: 10 * rowsPerTurn, signal: new AbortController().signal };
      return scanTimes(version, { stretches: [stretch], add }, limits);
    });
    expect([most, added]).toEqual([rowsPerTurn, 3 * rowsPerTurn + 1]);
  });

  it('ends between the rows of a row group when it is given up', async () => {
    await table.append(at(...new Array(3 * rowsPerTurn).fill(from)));
    const ended = new AbortController();
    const version = await newest();
    const add = () => {
      rows.push([0, from]);
      ended.abort(new Error('given up'));
    };
    const limits = { mostRows: 10 * rowsPerTurn, signal: ended.signal };
    await expect(scanTimes(version, { stretches: [stretch], add }, limits)).rejects.toThrow('given up');
    expect(rows).toHaveLength(rowsPerTurn);
  });

  it('has the rows from its first to its last millisecond, and the index of each key', async () => {
    await table.append([
      ...at(from - 1, from, end - 1, end),
      { productid: 9, at: from + 1 },
      { productid: 8, at: from + 2 },
    ]);
    expect(await scan()).toEqual({ outcome: 'scanned' });
    expect(rows).toEqual([
      [0, from],
      [0, end - 1],
      [2, from + 1],
      [undefined, from + 2],
    ]);
  });

  it('reads a file whose last row is its first millisecond, and none that ends before or begins at its end', async () => {
    for (const times of [
      [from - 10, from - 1],
      [from - 10, from],
      [end - 1, end + 9],
      [end, end + 9],
    ])
      await table.append(at(...times));
    const [before, first, last, after] = await table.paths();
    store.reads = [];
    await scan();
    expect(new Set(store.dataFiles())).toEqual(new Set([first, last]));
    expect([before, after].every((path) => path !== undefined)).toBe(true);
    expect(rows.map(([, time]) => time).sort()).toEqual([from, end - 1]);
  });

  it('can be one of several, and then counts a row once', async () => {
    await table.append(at(from, from + 5, end, end + 5));
    await scan(1000, [stretch, { fromMs: end + 1, endMs: end + 9 }]);
    expect(rows.map(([, time]) => time)).toEqual([from, from + 5, end + 5]);
  });

  it('reads as many rows as it may, and nothing if the statistics tell of one more', async () => {
    await table.append(at(from, from + 1));
    await table.append(at(from, end));
    expect(await scan(4)).toEqual({ outcome: 'scanned' });
    expect(rows).toHaveLength(3);
    store.reads = [];
    expect(await scan(3)).toEqual({ outcome: 'too-many-rows', rows: 4 });
    expect([store.dataFiles(), rows.length]).toEqual([[], 3]);
  });

  it('finds the rows of files without statistics, and stops at the first row group with too many', async () => {
    const { stats: _, ...add } = await table.write(at(from, from + 1, end));
    await putCommit(table.at, 1, [{ add }], description);
    expect(await scan(3)).toEqual({ outcome: 'scanned' });
    expect(rows).toHaveLength(2);
    expect(await scan(2)).toEqual({ outcome: 'too-many-rows', rows: 3 });
    expect(rows).toHaveLength(2);
  });

  it('ends with the reason for which it is given up', async () => {
    await table.append(at(from));
    const reason = new Error('given up');
    await expect(scan(1000, [stretch], AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(rows).toEqual([]);
  });

  it.each([{ mark: 'another' }, { tableId: 'another' }])(
    'is of no version that another one has replaced: %o',
    async (change) => {
      await table.append(at(from));
      const scanned = scanTimes({ ...(await newest()), ...change }, wanted(), {
        mostRows: 9,
        signal: new AbortController().signal,
      });
      await expect(scanned).rejects.toMatchObject({
        code: 'delta.contention',
        message: expect.stringContaining('version 1'),
      });
      expect(rows).toEqual([]);
    },
  );
});

describe('the scans of a process', () => {
  it('go on after one that fails', async () => {
    await table.append(at(from));
    const scans = new LakeScans();
    const version = await newest();
    store.fault = (path) => (path.endsWith('.parquet') ? 503 : undefined);
    await expect(scans.run(version, wanted())).rejects.toMatchObject({ code: 'storage.unavailable' });
    store.fault = () => undefined;
    expect(await scans.run(version, wanted())).toEqual({ outcome: 'scanned' });
    expect(rows).toHaveLength(1);
  });

  it('do not begin with one whose time is over while it waits', async () => {
    await table.append(at(from));
    const version = await newest();
    const scans = new LakeScans({ withinMs: 50 });
    let release = () => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    const getRange = store.getRange.bind(store);
    store.getRange = async (...args) => {
      await held;
      return getRange(...args);
    };
    const two = [scans.run(version, wanted()), scans.run(version, wanted())];
    expect(await Promise.all(two)).toEqual([{ outcome: 'too-slow' }, { outcome: 'too-slow' }]);
    store.reads = [];
    release();
    store.getRange = getRange;
    await new Promise((done) => setTimeout(done, 50));
    expect(rows).toEqual([]);
    expect(store.reads.filter((path) => path.endsWith('.json'))).toEqual([]);
    expect(await new LakeScans().run(version, wanted())).toEqual({ outcome: 'scanned' });
  });

  it('are refused beyond so many at once, and taken again when others have ended', async () => {
    await table.append(at(from));
    const version = await newest();
    const scans = new LakeScans({ mostAtOnce: 2 });
    const all = await Promise.all([1, 2, 3, 4].map(() => scans.run(version, wanted())));
    const ends = all.map(({ outcome }) => outcome);
    expect(ends).toEqual(['scanned', 'scanned', 'too-many-scans', 'too-many-scans']);
    expect(await scans.run(version, wanted())).toEqual({ outcome: 'scanned' });
  });

  it('may read 20 million rows within 20 seconds, where nothing else is said', () => {
    expect(new LakeScans().limits).toEqual({ mostRows: 20_000_000, withinMs: 20_000, mostAtOnce: 16 });
    expect(new LakeScans({ mostRows: 5 }).limits).toEqual({ mostRows: 5, withinMs: 20_000, mostAtOnce: 16 });
  });
});
