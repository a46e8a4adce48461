import { beforeEach, describe, expect, it } from 'vitest';
import { ClickCounts } from '../../../src/lib/counts/clickCounts';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import type { TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
import { writeDataFile } from '../../../src/lib/delta/writeDataFile';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const fields = [field('productid', 'integer', false), field('category', 'integer')];

class CountingStore extends MemoryStore {
  reads: string[] = [];
  override async getRange(path: string, start: number, length: number) {
    this.reads.push(path);
    return super.getRange(path, start, length);
  }
}

let store: CountingStore;
let at: TableLocation;
beforeEach(async () => {
  store = new CountingStore();
  at = { store, table: 'clicks' };
  await createTable(at, fields);
});

const write = (productids: number[], dataChange = true) =>
  writeDataFile({ at, fields, columns: [productids, productids.map((id) => (id % 10) + 1)], dataChange });

async function click(...productids: number[]) {
  const state = await openState(at);
  if (!state) throw new Error('no table');
  await append({ state, fields, adds: [await write(productids)], txns: [] });
}

describe('click counts', () => {
  it('are empty before there is a table', async () => {
    const counts = new ClickCounts({ store: new MemoryStore(), table: 'clicks' });
    expect(await counts.totals()).toEqual({ version: -1, asOf: null, total: 0, products: [] });
  });

  it('are per product, most clicked first, of the newest version', async () => {
    await click(7, 7, 3, 11);
    const counts = new ClickCounts(at);
    expect(await counts.totals()).toEqual({
      version: 1,
      asOf: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      total: 4,
      products: [
        { productid: 7, category: 8, clicks: 2 },
        { productid: 3, category: 4, clicks: 1 },
        { productid: 11, category: 2, clicks: 1 },
      ],
    });
    await click(3, 3);
    expect(await counts.totals()).toMatchObject({
      version: 2,
      total: 6,
      products: [{ productid: 3, clicks: 3 }, {}, {}],
    });
  });

  it('read each file once, however often they are asked', async () => {
    await click(1);
    await click(2);
    const counts = new ClickCounts(at);
    await Promise.all([counts.totals(), counts.totals()]);
    await click(3);
    await counts.totals();
    await counts.totals();
    expect(new Set(store.reads).size).toBe(3);
    expect(store.reads).toHaveLength(3);
  });

  it('stay the same when files are compacted, and follow when rows are deleted', async () => {
    await click(1, 1);
    await click(2);
    const counts = new ClickCounts(at);
    const before = await counts.totals();
    const compaction = await write([1, 1, 2], false);
    const replace = async (adds: Awaited<ReturnType<typeof write>>[], dataChange: boolean) => {
      const snapshot = await openSnapshot(at);
      const removes = [...(snapshot?.files.keys() ?? [])].map((path) => ({
        remove: { path, dataChange, deletionTimestamp: 1 },
      }));
      await putCommit(at, (snapshot?.version ?? 0) + 1, [...removes, ...adds.map((add) => ({ add }))], {
        operation: 'TEST',
        isBlindAppend: false,
      });
    };
    await replace([compaction], false);
    expect(await counts.totals()).toEqual({ ...before, version: 3, asOf: expect.any(String) });
    await replace([await write([2])], true);
    expect(await counts.totals()).toMatchObject({
      version: 4,
      total: 1,
      products: [{ productid: 2, category: 3, clicks: 1 }],
    });
  });

  it('keep the counts of the last version that could be read', async () => {
    await click(1);
    const counts = new ClickCounts(at);
    await counts.totals();
    await click(2);
    const snapshot = await openSnapshot(at);
    const newest = [...(snapshot?.files.keys() ?? [])].at(-1) ?? '';
    const file = await store.get(`clicks/${newest}`);
    await store.delete(`clicks/${newest}`);
    await expect(counts.totals()).rejects.toThrow('version 2');
    await store.put(`clicks/${newest}`, file?.bytes ?? new Uint8Array());
    expect(await counts.totals()).toMatchObject({ version: 2, total: 2 });
  });
});
