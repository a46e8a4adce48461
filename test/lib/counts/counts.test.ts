import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Buckets } from '../../../src/lib/counts/buckets';
import { ClicksTable } from './clicksTable';
import { CountsStand, counted } from './countsStand';
import { plainTally } from './plainTally';

let stand: CountsStand;
beforeEach(async () => {
  stand = await CountsStand.create();
});

describe('counts', () => {
  it('are empty before there is a table, and begin when it is made', async () => {
    stand.table = new ClicksTable(stand.store, 'later');
    const counts = stand.open();
    expect(await counted(counts)).toEqual({ version: -1, total: 0, clicks: {} });
    await stand.table.create();
    await stand.table.click(7);
    expect(await counted(counts)).toEqual({ version: 1, total: 1, clicks: { 7: 1 } });
  });

  it('are empty when the table is gone', async () => {
    await stand.table.click(7);
    const counts = stand.open();
    await counts.current();
    await stand.table.drop();
    expect(await counted(counts)).toEqual({ version: -1, total: 0, clicks: {} });
    expect(await counts.save()).toBe('current');
    await stand.table.create();
    expect(await counted(counts)).toEqual({ version: 0, total: 0, clicks: {} });
  });

  it('are per product, with its category, of the newest version', async () => {
    await stand.table.click(7, 7, 3, 11);
    const counts = stand.open();
    const { tally, committedAt } = await counts.current();
    expect(
      tally.ranked().map((index) => [tally.keys[index], tally.attributes[index], tally.counts[index]]),
    ).toEqual([
      [7, 8, 2],
      [3, 4, 1],
      [11, 2, 1],
    ]);
    expect(committedAt).toBeGreaterThan(stand.nowMs - 60_000);
    await stand.table.click(3, 3);
    expect(await counted(counts)).toEqual({ version: 2, total: 6, clicks: { 3: 3, 7: 2, 11: 1 } });
    expect(tally.ranked().map((index) => tally.keys[index])).toEqual([3, 7, 11]);
  });

  it('take the category of the click that was enqueued last, in any order of the files', async () => {
    const clicks = [
      { productid: 1, category: 5, at: stand.nowMs - 3000 },
      { productid: 1, category: 9, at: stand.nowMs - 1000 },
      { productid: 1, category: null, at: stand.nowMs - 2000 },
    ];
    for (const click of clicks) await stand.table.append([click]);
    const { tally } = await stand.open().current();
    expect(tally.attributes).toEqual([9]);
  });

  it('keep the category of a product when a later click has none', async () => {
    await stand.table.append([{ productid: 7, category: 2, at: stand.nowMs - 3000 }]);
    const counts = stand.open();
    await counts.save();
    await stand.table.append([{ productid: 7, category: null, at: stand.nowMs - 2000 }]);
    expect((await counts.current()).tally.attributes).toEqual([2]);
    expect((await stand.open().current()).tally.attributes).toEqual([2]);
    await stand.table.append([{ productid: 8, category: null, at: stand.nowMs - 2000 }]);
    await stand.table.append([{ productid: 8, category: 4, at: stand.nowMs - 3000 }]);
    expect((await counts.current()).tally.attributes).toEqual([2, 4]);
  });

  it('forget nothing while the clock of this host runs days ahead, and save nothing less', async () => {
    await stand.table.append([{ productid: 1, at: stand.nowMs - 3000 }]);
    const counts = stand.open();
    const before = plainTally((await counts.current()).tally);
    stand.nowMs += 10 * 86_400_000;
    await stand.table.click(2);
    await counts.save();
    const { minutes, totals } = plainTally((await counts.current()).tally);
    stand.nowMs -= 10 * 86_400_000;
    expect(minutes).toEqual(
      expect.arrayContaining(
        before.minutes.map(([bucket]) => [bucket, expect.anything(), expect.anything()]),
      ),
    );
    expect(totals.reduce((sum, [, clicks]) => sum + clicks, 0)).toBe(2);
    expect(plainTally((await stand.open().current()).tally)).toEqual(
      plainTally((await counts.current()).tally),
    );
  });

  it('read each file once, however often they are asked', async () => {
    await stand.table.click(1);
    await stand.table.click(2);
    const counts = stand.open();
    await Promise.all([counts.current(), counts.current()]);
    await stand.table.click(3);
    await counts.current();
    await counts.current();
    expect(new Set(stand.store.dataFiles()).size).toBe(3);
    expect(stand.store.dataFiles()).toHaveLength(3);
  });

  it('touch the store once per interval, and not at all in between', async () => {
    await stand.table.click(1);
    const counts = stand.open({ refreshMs: 250 });
    await counts.current();
    stand.store.reads = [];
    await stand.table.click(1);
    stand.store.reads = [];
    stand.nowMs += 249;
    expect(await counted(counts)).toMatchObject({ version: 1 });
    expect(stand.store.reads).toEqual([]);
    stand.nowMs += 1;
    const asked = await Promise.all(Array.from({ length: 20 }, () => counted(counts)));
    expect(asked.every(({ version }) => version === 2)).toBe(true);
    expect(stand.store.reads.filter((path) => path.endsWith('00002.json'))).toHaveLength(1);
  });

  it('stay the same when files are compacted, and follow when rows are deleted', async () => {
    await stand.table.click(1, 1);
    await stand.table.click(2);
    const counts = stand.open();
    const before = await counted(counts);
    await stand.table.replaceAll([{ productid: 1 }, { productid: 1 }, { productid: 2 }], false);
    stand.store.reads = [];
    expect(await counted(counts)).toEqual({ ...before, version: 3 });
    expect(stand.store.dataFiles()).toEqual([]);
    expect(await counted(stand.open())).toEqual({ ...before, version: 3 });
    await stand.table.replaceAll([{ productid: 2 }], true);
    expect(await counted(counts)).toEqual({ version: 4, total: 1, clicks: { 2: 1 } });
  });

  it('notice that another table was made in the place of theirs', async () => {
    await stand.table.click(1, 1, 1);
    const counts = stand.open();
    const { tableId } = await counts.current();
    await stand.table.drop();
    await stand.table.create();
    await stand.table.click(9);
    stand.nowMs += 15_000;
    expect(await counted(counts)).toEqual({ version: 1, total: 1, clicks: { 9: 1 } });
    expect((await counts.current()).tableId).not.toBe(tableId);
  });

  it('are asked for as often as ever after the clock was set back', async () => {
    let elapsedMs = 0;
    const counts = stand.open({ refreshMs: 250, monotonicNow: () => elapsedMs });
    await counts.current();
    await stand.table.click(1);
    stand.nowMs -= 3_600_000;
    elapsedMs += 250;
    expect(await counted(counts)).toMatchObject({ version: 1, total: 1 });
    await stand.table.drop();
    await stand.table.create();
    await stand.table.click(2);
    elapsedMs += 10_000;
    expect(await counted(counts)).toEqual({ version: 1, total: 1, clicks: { 2: 1 } });
  });

  it('give up all reading when a file is gone, and do not begin again for a minute', async () => {
    for (let file = 0; file < 40; file++) await stand.table.click(file);
    const [gone = ''] = await stand.table.paths();
    await stand.store.delete(gone);
    let atOnce = 0;
    let most = 0;
    const getRange = stand.store.getRange.bind(stand.store);
    stand.store.getRange = async (path, start, length) => {
      most = Math.max(most, ++atOnce);
      await sleep(path === gone ? 1 : 5);
      atOnce--;
      return getRange(path, start, length);
    };
    const counts = stand.open({ refreshMs: 250 });
    await expect(counts.current()).rejects.toThrow('is gone');
    expect(atOnce).toBe(0);
    expect(most).toBeLessThanOrEqual(8);
    expect(new Set(stand.store.dataFiles()).size).toBeLessThanOrEqual(8);
    expect(stand.store.dataFiles().filter((path) => path === gone)).toHaveLength(1);
    stand.store.reads = [];
    await sleep(50);
    stand.nowMs += 1000;
    await expect(counts.current()).rejects.toThrow('is gone');
    expect(stand.store.reads).toEqual([]);
    stand.nowMs += 60_000;
    await expect(counts.current()).rejects.toThrow('is gone');
    expect(stand.store.dataFiles()).not.toEqual([]);
  });

  it('ask a lake that is away once per interval, and follow when it is back', async () => {
    await stand.table.click(1);
    const counts = stand.open({ refreshMs: 250 });
    stand.store.reads = [];
    stand.store.fault = () => 503;
    const askTwenty = () => Promise.allSettled(Array.from({ length: 20 }, () => counts.current()));
    const failed = await askTwenty();
    expect(failed.every(({ status }) => status === 'rejected')).toBe(true);
    const asked = stand.store.reads.length;
    expect(asked).toBeGreaterThan(0);
    stand.nowMs += 249;
    await askTwenty();
    await expect(counts.current()).rejects.toMatchObject({ code: 'storage.unavailable' });
    expect(stand.store.reads).toHaveLength(asked);
    stand.nowMs += 1;
    await askTwenty();
    expect(stand.store.reads).toHaveLength(2 * asked);
    stand.store.fault = () => undefined;
    stand.nowMs += 250;
    expect(await counted(counts)).toEqual({ version: 1, total: 1, clicks: { 1: 1 } });
  });

  it('count by enqueued time, and drop old minutes', async () => {
    const at = Math.floor(stand.nowMs / 60_000) * 60_000;
    stand.nowMs = at + 30_000;
    await stand.table.append([
      { productid: 1, at: at + 1000 },
      { productid: 1, at: at - 1 },
      { productid: 2, at: at - 60_000 * 5 },
      { productid: 2, at: at - 3_600_000 * 30 },
      { productid: 2, at: at - 86_400_000 * 400 },
    ]);
    const counts = stand.open();
    const { tally } = await counts.current();
    const { minutes, hours, days } = tally.times;
    const { totals } = tally;
    const summed = (buckets: Buckets, first: number, last: number) => {
      const sums = new Float64Array(2);
      buckets.addTo(sums, first, last);
      return [...sums];
    };
    const minute = Math.floor(stand.nowMs / 60_000);
    expect(summed(minutes, minute, minute)).toEqual([1, 0]);
    expect(summed(minutes, minute - 5, minute)).toEqual([2, 1]);
    const hour = Math.floor(stand.nowMs / 3_600_000);
    expect(summed(hours, hour - 192, hour)).toEqual([2, 2]);
    const day = Math.floor(stand.nowMs / 86_400_000);
    expect(summed(days, day - 31, day)).toEqual([2, 2]);
    expect(totals.sum(minute - 1, minute - 1)).toBe(1);
    stand.nowMs += 86_400_000 * 9;
    tally.advance(stand.nowMs);
    expect(summed(minutes, minute - 5, minute)).toEqual([0, 0]);
    expect(summed(hours, hour - 192, hour)).toEqual([0, 0]);
    expect(summed(days, day - 31, day)).toEqual([2, 2]);
    expect(totals.sum(minute - 1, minute - 1)).toBe(1);
    expect(tally.total).toBe(5);
    expect(plainTally((await counts.current()).tally)).toMatchObject({
      counts: [2, 3],
      minutes: [],
      hours: [],
    });
  });
});
