import { beforeEach, describe, expect, it } from 'vitest';
import type { TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { field } from '../../../src/lib/delta/schema';
import type { PartitionBatch } from '../../../src/lib/ingest/round';
import { tableFields } from '../../../src/lib/ingest/rowAddress';
import { type RoundReport, TableWriter } from '../../../src/lib/ingest/tableWriter';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';

const createdAt = Date.UTC(2026, 0, 1) * 1000;

/** Events `first` to `last` of a partition, one row each, whose productid is the sequence number. */
function batch(partition: number, first: number, last: number): PartitionBatch {
  return {
    appId: `contoso/clicks@2026/${partition}`,
    hubCreatedAt: createdAt,
    partition,
    events: Array.from({ length: last - first + 1 }, (_, i) => ({
      sequenceNumber: first + i,
      enqueuedAt: createdAt + i,
      rows: [{ element: 0, values: [first + i, createdAt, 1, 2] }],
      letters: [],
    })),
  };
}

let at: TableLocation;
let rounds: RoundReport[];
beforeEach(() => {
  at = { store: new MemoryStore(), table: 'clicks' };
  rounds = [];
});

const writer = (options: { at?: TableLocation; commitIntervalMs?: number } = {}) =>
  new TableWriter({
    at: options.at ?? at,
    fields: tableFields(clickstream),
    ownColumns: clickstream.columns.length,
    commitIntervalMs: options.commitIntervalMs ?? 0,
    onRound: (report) => rounds.push(report),
  });

/** partition/sequence of every row in the table, sorted. */
async function rowsOf(location: TableLocation): Promise<string[]> {
  const snapshot = await openSnapshot(location);
  const rows: string[] = [];
  for (const add of snapshot?.files.values() ?? []) {
    const { numRecords, columns } = await readDataFile(snapshot as NonNullable<typeof snapshot>, add, [
      'productid',
      'hub_partition',
      'sequence_number',
    ]);
    for (let row = 0; row < numRecords; row++) {
      expect(columns.get('productid')?.[row]).toBe(columns.get('sequence_number')?.[row]);
      rows.push(`${columns.get('hub_partition')?.[row]}/${columns.get('sequence_number')?.[row]}`);
    }
  }
  return rows.sort();
}

const addresses = (partition: number, first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `${partition}/${first + i}`).sort();

describe('a table writer', () => {
  it('makes the table and commits the first batch', async () => {
    const outcome = await writer().commit(batch(0, 0, 9));
    expect(outcome).toEqual({ version: 1, rows: 10, duplicates: 0, letters: 0 });
    expect(await rowsOf(at)).toEqual(addresses(0, 0, 9));
    const snapshot = await openSnapshot(at);
    expect(snapshot?.txns.get('contoso/clicks@2026/0')).toMatchObject({ version: 9 });
    expect(snapshot?.fields).toEqual(tableFields(clickstream));
  });

  it('merges what comes within the interval into one file and one commit', async () => {
    const table = writer({ commitIntervalMs: 50 });
    await table.commit(batch(0, 0, 0));
    const outcomes = await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 1, 5))));
    expect(outcomes.map(({ version }) => version)).toEqual([2, 2, 2, 2]);
    expect(outcomes.map(({ rows }) => rows)).toEqual([5, 5, 5, 5]);
    const snapshot = await openSnapshot(at);
    expect(snapshot?.files.size).toBe(2);
    expect(rounds.map(({ partitions, rows }) => [partitions, rows])).toEqual([
      [1, 1],
      [4, 20],
    ]);
  });

  it('takes each event of a redelivered or shifted batch once', async () => {
    const table = writer();
    await table.commit(batch(0, 0, 99));
    expect(await table.commit(batch(0, 0, 99))).toEqual({ version: 1, rows: 0, duplicates: 100, letters: 0 });
    expect(await table.commit(batch(0, 50, 149))).toMatchObject({ version: 2, rows: 50, duplicates: 50 });
    expect(await table.commit(batch(0, 149, 150))).toMatchObject({ version: 3, rows: 1, duplicates: 1 });
    expect(await rowsOf(at)).toEqual(addresses(0, 0, 150));
  });

  it('trims two batches of one partition in one round one after the other', async () => {
    const table = writer({ commitIntervalMs: 30 });
    await table.commit(batch(1, 0, 0));
    const [late, owner] = await Promise.all([table.commit(batch(0, 0, 60)), table.commit(batch(0, 40, 80))]);
    expect(late).toMatchObject({ version: 2, rows: 61, duplicates: 0 });
    expect(owner).toMatchObject({ version: 2, rows: 20, duplicates: 21 });
    expect(await rowsOf(at)).toEqual([...addresses(0, 0, 80), '1/0'].sort());
  });

  it('moves the txn with a batch that has no rows, without a file', async () => {
    const table = writer();
    const empty = batch(0, 0, 4);
    const letters = [{ element: 0, reason: 'not-json', detail: 'x' } as const];
    const outcome = await table.commit({
      ...empty,
      events: empty.events.map((event) => ({ ...event, rows: [], letters })),
    });
    expect(outcome).toEqual({ version: 1, rows: 0, duplicates: 0, letters: 5 });
    const snapshot = await openSnapshot(at);
    expect(snapshot?.files.size).toBe(0);
    expect(snapshot?.txns.get(empty.appId)?.version).toBe(4);
  });

  it('alternates with another process on one partition without doubling an event', async () => {
    const one = writer();
    const two = writer();
    for (let n = 0; n < 10; n++) {
      await one.commit(batch(0, n * 10, n * 10 + 14));
      await two.commit(batch(0, n * 10 + 5, n * 10 + 19));
    }
    expect(await rowsOf(at)).toEqual(addresses(0, 0, 109));
  });

  it('doubles nothing when two processes commit the same batches at once', async () => {
    const one = writer();
    const two = writer();
    for (let n = 0; n < 10; n++) {
      const same = batch(n % 2, n * 10, n * 10 + 19);
      const outcomes = await Promise.all([one.commit(same), two.commit(same)]);
      expect(outcomes.reduce((sum, { rows, duplicates }) => sum + rows + duplicates, 0)).toBe(40);
    }
    expect(await rowsOf(at)).toEqual(
      [
        ...addresses(0, 0, 19),
        ...addresses(0, 20, 39),
        ...addresses(0, 40, 59),
        ...addresses(0, 60, 79),
        ...addresses(0, 80, 99),
        ...addresses(1, 10, 29),
        ...addresses(1, 30, 49),
        ...addresses(1, 50, 69),
        ...addresses(1, 70, 89),
        ...addresses(1, 90, 109),
      ].sort(),
    );
  });

  it('fails every caller of a round that fails, remembers nothing, and takes the batch when it comes again', async () => {
    class FailingStore extends MemoryStore {
      failures = 0;
      /** After: the commit is stored, and the caller never learns. */
      mode: 'before' | 'after' = 'before';
      override async putIfAbsent(path: string, bytes: Uint8Array) {
        if (this.failures === 0) return super.putIfAbsent(path, bytes);
        this.failures--;
        if (this.mode === 'after') await super.putIfAbsent(path, bytes);
        throw new Error('connection reset');
      }
    }
    const store = new FailingStore();
    const table = writer({ at: { store, table: 'clicks' } });
    await table.commit(batch(0, 0, 9));
    for (const mode of ['before', 'after'] as const) {
      Object.assign(store, { mode, failures: 1 });
      await expect(table.commit(batch(0, 0, 19))).rejects.toThrow('connection reset');
    }
    expect(await table.commit(batch(0, 0, 29))).toMatchObject({ rows: 10, duplicates: 20 });
    expect(await rowsOf({ store, table: 'clicks' })).toEqual(addresses(0, 0, 29));
  });

  it('refuses a table whose columns cannot take the rows', async () => {
    const narrow = new TableWriter({
      at,
      fields: [field('productid', 'string')],
      ownColumns: 1,
      commitIntervalMs: 0,
    });
    await narrow.commit({ ...batch(0, 0, 0), events: [] });
    await expect(writer().commit(batch(0, 0, 0))).rejects.toMatchObject({ code: 'delta.schema' });
  });

  it('is drained when the last round has ended', async () => {
    const table = writer({ commitIntervalMs: 20 });
    const done: number[] = [];
    void table.commit(batch(0, 0, 0)).then(() => done.push(0));
    void table.commit(batch(1, 0, 0)).then(() => done.push(1));
    await table.drain();
    expect(done).toEqual([0, 1]);
    expect(await rowsOf(at)).toEqual(['0/0', '1/0']);
  });
});
