import { beforeEach, describe, expect, it } from 'vitest';
import { countCalls } from '../../../bench/countingStore';
import { append, createTable } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { field } from '../../../src/lib/delta/schema';
import { TableHead } from '../../../src/lib/delta/tableHead';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';

const fields = [field('id', 'long', false)];
const { store, counts } = countCalls(new MemoryStore());
const at = { store, table: 'events' };
let head: TableHead;

/** Makes the table anew, with so many commits of one txn each behind version 0. */
async function makeTable(commits: number) {
  for await (const { path } of store.list('')) await store.delete(path);
  await createTable(at, fields);
  await commitMore(commits);
}

async function commitMore(count: number) {
  for (let n = 0; n < count; n++) {
    const state = await openSnapshot(at);
    if (!state) throw new Error('no table');
    await append({ state, fields, adds: [], txns: [{ appId: 'p0', version: state.version + 1 }] });
  }
}

beforeEach(() => {
  head = new TableHead(at);
});

describe('the head of a table', () => {
  it('is read with two requests where nothing is new, however long the log is', async () => {
    await makeTable(40);
    const first = await head.read();
    counts.clear();
    expect(await head.read()).toBe(first);
    expect(Object.fromEntries(counts)).toEqual({ get: 2 });
  });

  it('moves with the commits, as opening the table does', async () => {
    await makeTable(3);
    await head.read();
    await commitMore(20);
    const snapshot = await openSnapshot(at);
    const state = await head.read();
    expect(state?.version).toBe(23);
    expect(state?.txns).toEqual(snapshot?.txns);
    expect(state?.metaData).toEqual(snapshot?.metaData);
  });

  it('shows a table that was made anew, be it shorter, as long or longer', async () => {
    for (const commits of [2, 5, 9]) {
      await makeTable(5);
      const before = await head.read();
      await makeTable(commits);
      const after = await head.read();
      expect(after?.version).toBe(commits);
      expect(after?.metaData.id).not.toBe(before?.metaData.id);
    }
  });

  it('is found again behind a log that was cleaned meanwhile', async () => {
    await makeTable(5);
    await head.read();
    await commitMore(5);
    await checkpoint({ at });
    for (let version = 0; version < 9; version++) await store.delete(commitPath(at.table, version));
    expect((await head.read())?.version).toBe(10);
  });

  it('is undefined before there is a table, and after it went', async () => {
    for await (const { path } of store.list('')) await store.delete(path);
    expect(await head.read()).toBeUndefined();
    await makeTable(1);
    expect((await head.read())?.version).toBe(1);
    for await (const { path } of store.list('')) await store.delete(path);
    expect(await head.read()).toBeUndefined();
  });
});
