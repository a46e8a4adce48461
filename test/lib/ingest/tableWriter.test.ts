import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { field, serializeSchema } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import type { IncomingBatch } from '../../../src/lib/ingest/admitBatch';
import { noRows } from '../../../src/lib/ingest/decodeEvents';
import { deadLettersTable, decodeBody } from '../../../src/lib/lake/deadLetters';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { readFiles } from '../../../src/lib/lake/scanRows';
import { nextTurn } from '../../../src/lib/nextTurn';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { countCalls } from '../../kit/countingStore';
import { rangeOf } from './decodedRows';
import { addresses, appId, batch, createdOn, hubCreatedAt, WriterStand } from './writerStand';

let stand: WriterStand;
beforeEach(() => {
  stand = new WriterStand();
});

/** The data files in the stream's table, whether a commit names them or not. */
async function dataFiles({ store, at }: WriterStand): Promise<string[]> {
  const paths = [];
  for await (const { path } of store.list(`${at.table}/part-`)) paths.push(path);
  return paths;
}

describe('a table writer', () => {
  it('adds the column of the rescued fields to a table of an earlier release, and fills it by name', async () => {
    const earlier = tableFields(clickstream).filter(({ name }) => name !== '_rescued_data');
    await createTable(stand.at, [...earlier, field('added_by_others', 'string')]);
    const { events, ...rest } = batch(0, 0, 2);
    const rescued = events.map((event) => ({
      ...event,
      ...rangeOf([[event.sequenceNumber, 0, 1, 2, '{"a":1}']]),
    }));
    await stand.writer().commit({ ...rest, events: rescued });
    const snapshot = await openSnapshot(stand.at);
    expect(snapshot?.fields.slice(-3).map(({ name }) => name)).toEqual([
      'element',
      'added_by_others',
      '_rescued_data',
    ]);
    expect(await stand.rows()).toEqual(addresses(0, 0, 2));
    const files =
      snapshot &&
      (await readFiles({ state: snapshot, files: snapshot.files.values(), columns: ['_rescued_data'] }));
    expect(files?.flatMap(({ columns }) => columns.get('_rescued_data'))).toEqual([
      '{"a":1}',
      '{"a":1}',
      '{"a":1}',
    ]);
  });

  it('goes on beside a process of an earlier release, which does not know that column', async () => {
    const earlier = tableFields(clickstream).filter(({ name }) => name !== '_rescued_data');
    const old = new TableAppender({ at: stand.at, fields: earlier });
    await old.state();
    await stand.writer().commit(batch(0, 0, 0));
    await old.appendRows(
      [[1], [2], [3], [4], [5], [6], [0], [1], [0]].map(([value]) => [value ?? null]),
      1,
    );
    await stand.writer().commit(batch(0, 1, 1));
    expect((await openSnapshot(stand.at))?.files.size).toBe(3);
    expect((await openSnapshot(stand.at))?.fields).toHaveLength(10);
  });

  it('makes the table and commits the first batch', async () => {
    const outcome = await stand.writer().commit(batch(0, 0, 9));
    expect(outcome).toEqual({ version: 1, rows: 10, duplicates: 0, letters: 0 });
    expect(await stand.rows()).toEqual(addresses(0, 0, 9));
    const snapshot = await openSnapshot(stand.at);
    expect(snapshot?.txns.get(appId(0))).toMatchObject({ version: 9 });
    expect(snapshot?.fields).toEqual(tableFields(clickstream));
  });

  it('merges batches of one interval into one file and one commit', async () => {
    const table = stand.writer({ commitIntervalMs: 50 });
    await table.commit(batch(0, 0, 0));
    stand.service.beginning = 1;
    const outcomes = await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 1, 5))));
    expect(outcomes.map(({ version }) => version)).toEqual([2, 2, 2, 2]);
    expect(outcomes.map(({ rows }) => rows)).toEqual([5, 5, 5, 5]);
    const snapshot = await openSnapshot(stand.at);
    expect(snapshot?.files.size).toBe(2);
    expect(stand.rounds.map(({ partitions, rows }) => [partitions, rows])).toEqual([
      [1, 1],
      [4, 20],
    ]);
  });

  it('writes twice and looks at two log entries for a round that follows on', async () => {
    const { store, counts } = countCalls(new MemoryStore());
    stand = new WriterStand(store);
    const table = stand.writer({ commitIntervalMs: 20 });
    await Promise.all([0, 1].map((partition) => table.commit(batch(partition, 0, 9))));
    counts.clear();
    // Two of one partition among them.
    await Promise.all([batch(0, 10, 19), batch(1, 10, 19), batch(0, 20, 29)].map((one) => table.commit(one)));
    expect(Object.fromEntries(counts)).toEqual({ putIfAbsent: 1, put: 1, get: 2 });
  });

  it('continues after the furthest batch of a partition in a round, in any order of the batches', async () => {
    const table = stand.writer({ commitIntervalMs: 20 });
    await table.commit(batch(0, 0, 9));
    const outcomes = await Promise.all(
      [batch(0, 10, 19), batch(0, 0, 9), batch(0, 20, 29)].map((one) => table.commit(one)),
    );
    expect(outcomes.map(({ rows, duplicates }) => [rows, duplicates])).toEqual([
      [10, 0],
      [0, 10],
      [10, 0],
    ]);
  });

  it.each([0, 4])(
    'takes no batch that leaves out an event after the one before it in the round, which ended at %i',
    async (end) => {
      const table = stand.writer({ commitIntervalMs: 20 });
      const [first, second] = await Promise.allSettled([
        table.commit(batch(0, 0, end)),
        table.commit(batch(0, end + 2, end + 2)),
      ]);
      expect(first).toMatchObject({ status: 'fulfilled', value: { rows: end + 1 } });
      expect(second).toMatchObject({ status: 'rejected', reason: { code: 'ingest.gap' } });
      expect(await stand.rows()).toEqual(addresses(0, 0, end));
      expect((await openState(stand.at))?.txns.get(appId(0))?.version).toBe(end);
    },
  );

  it('takes each event of a redelivered or shifted batch once', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 99));
    expect(await table.commit(batch(0, 0, 99))).toEqual({ version: 1, rows: 0, duplicates: 100, letters: 0 });
    expect(await table.commit(batch(0, 50, 149))).toMatchObject({ version: 2, rows: 50, duplicates: 50 });
    expect(await table.commit(batch(0, 149, 150))).toMatchObject({ version: 3, rows: 1, duplicates: 1 });
    expect(await stand.rows()).toEqual(addresses(0, 0, 150));
  });

  it('trims two batches of one partition in one round one after the other', async () => {
    const table = stand.writer({ commitIntervalMs: 30 });
    await table.commit(batch(1, 0, 0));
    const [late, owner] = await Promise.all([table.commit(batch(0, 0, 60)), table.commit(batch(0, 40, 80))]);
    expect(late).toMatchObject({ version: 2, rows: 61, duplicates: 0 });
    expect(owner).toMatchObject({ version: 2, rows: 20, duplicates: 21 });
    expect(await stand.rows()).toEqual([...addresses(0, 0, 80), '1/0'].sort());
  });

  it('moves the txn with a batch that has no rows, without a file', async () => {
    const table = stand.writer();
    const empty = batch(0, 0, 4);
    const rejected = [{ element: 0, reason: 'not-json', detail: 'x' } as const];
    const outcome = await table.commit({
      ...empty,
      events: empty.events.map((event) => ({ ...event, ...noRows, rejected })),
    });
    expect(outcome).toEqual({ version: 1, rows: 0, duplicates: 0, letters: 5 });
    const snapshot = await openSnapshot(stand.at);
    expect(snapshot?.files.size).toBe(0);
    expect(snapshot?.txns.get(appId(0))?.version).toBe(4);
  });

  it('alternates with another process on one partition without doubling an event', async () => {
    const one = stand.writer();
    const two = stand.writer();
    for (let n = 0; n < 10; n++) {
      await one.commit(batch(0, n * 10, n * 10 + 14));
      await two.commit(batch(0, n * 10 + 5, n * 10 + 19));
    }
    expect(await stand.rows()).toEqual(addresses(0, 0, 109));
  });

  it('doubles nothing when two processes commit the same batches at once', async () => {
    const one = stand.writer();
    const two = stand.writer();
    for (let n = 0; n < 10; n++) {
      const same = batch(n % 2, (n >> 1) * 20, (n >> 1) * 20 + 19);
      const outcomes = await Promise.all([one.commit(same), two.commit(same)]);
      expect(outcomes.reduce((sum, { rows, duplicates }) => sum + rows + duplicates, 0)).toBe(40);
    }
    expect(await stand.rows()).toEqual([...addresses(0, 0, 99), ...addresses(1, 0, 99)].sort());
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
    stand = new WriterStand(store);
    const table = stand.writer();
    await table.commit(batch(0, 0, 9));
    for (const mode of ['before', 'after'] as const) {
      Object.assign(store, { mode, failures: 1 });
      await expect(table.commit(batch(0, 0, 19))).rejects.toThrow('connection reset');
    }
    expect(await table.commit(batch(0, 0, 29))).toMatchObject({ rows: 10, duplicates: 20 });
    expect(await stand.rows()).toEqual(addresses(0, 0, 29));
  });

  it('fails when its file cannot be uploaded, and takes the batch when it comes again', async () => {
    let failures = 0;
    class FullStore extends MemoryStore {
      override async put(path: string, bytes: Uint8Array) {
        if (failures-- > 0) throw new Error('no room');
        return super.put(path, bytes);
      }
    }
    stand = new WriterStand(new FullStore());
    const table = stand.writer();
    await table.commit(batch(0, 0, 9));
    failures = 1;
    await expect(table.commit(batch(0, 10, 19))).rejects.toThrow('no room');
    expect(await table.commit(batch(0, 10, 19))).toMatchObject({ rows: 10, duplicates: 0 });
    expect(await stand.rows()).toEqual(addresses(0, 0, 19));
  });

  it('refuses a table whose columns cannot take the rows', async () => {
    await createTable(stand.at, [field('productid', 'string')]);
    await expect(stand.writer().commit(batch(0, 0, 0))).rejects.toMatchObject({ code: 'delta.schema' });
  });

  it.each([
    ['clicks', 'category'],
    [deadLettersTable, 'body_encoding'],
  ])('gives %s a column back that somebody took away, when the batch comes again', async (name, column) => {
    const table = stand.writer();
    const letters = (one: IncomingBatch): IncomingBatch => ({
      ...one,
      events: one.events.map((event) => ({
        ...event,
        rejected: [{ element: 1, reason: 'not-json', detail: 'x' }],
      })),
    });
    await table.commit(letters(batch(0, 0, 9)));
    const at = { ...stand.at, table: name };
    const state = await openState(at);
    if (!state) throw new Error('There is no table.');
    const schemaString = serializeSchema(state.fields.filter((one) => one.name !== column));
    await putCommit(at, state.version + 1, [{ metaData: { ...state.metaData, schemaString } }], {
      operation: 'CHANGE COLUMN',
      isBlindAppend: false,
    });
    await expect(table.commit(letters(batch(0, 10, 19)))).rejects.toMatchObject({ code: 'delta.schema' });
    expect(await table.commit(letters(batch(0, 10, 19)))).toMatchObject({ rows: 10, letters: 10 });
    expect(await stand.rows()).toEqual(addresses(0, 0, 19));
    expect((await openState(at))?.fields.map((one) => one.name)).toContain(column);
  });

  it('is drained when the last round has ended', async () => {
    const table = stand.writer({ commitIntervalMs: 20 });
    const done: number[] = [];
    void table.commit(batch(0, 0, 0)).then(() => done.push(0));
    void table.commit(batch(1, 0, 0)).then(() => done.push(1));
    await table.drain();
    expect(done).toEqual([0, 1]);
    expect(await stand.rows()).toEqual(['0/0', '1/0']);
  });
});

describe('a round', () => {
  it('has at most maxRoundEvents events, and always at least one batch', async () => {
    const table = stand.writer({ commitIntervalMs: 30, maxRoundEvents: 20 });
    await table.commit(batch(9, 0, 0));
    await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 0, 9))));
    await table.commit(batch(4, 0, 99));
    expect(stand.rounds.map(({ events }) => events)).toEqual([1, 20, 20, 100]);
    expect((await stand.rows()).length).toBe(141);
  });

  it('has at most maxRoundBytes bytes', async () => {
    const table = stand.writer({ commitIntervalMs: 30, maxRoundBytes: 250 });
    await table.commit(batch(9, 0, 0));
    stand.service.beginning = 10;
    await Promise.all([0, 1, 2].map((partition) => table.commit(batch(partition, 10, 19))));
    expect(stand.rounds.map(({ events }) => events)).toEqual([1, 10, 10, 10]);
  });

  it('may have exactly as many bytes', async () => {
    const bytes = batch(0, 10, 19).events.reduce((sum, { body }) => sum + body.length, 0);
    const table = stand.writer({ commitIntervalMs: 30, maxRoundBytes: 2 * bytes });
    await table.commit(batch(9, 0, 0));
    stand.service.beginning = 10;
    await Promise.all([0, 1, 2].map((partition) => table.commit(batch(partition, 10, 19))));
    expect(stand.rounds.map(({ events }) => events)).toEqual([1, 20, 10]);
  });

  it('does not wait for the interval when it is full, nor when the process ends', async () => {
    const table = stand.writer({ commitIntervalMs: 3_600_000 });
    await table.commit(batch(0, 0, 0));
    stand.service.beginning = 1;
    const started = Date.now();
    await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 1, 1000))));
    const last = table.commit(batch(0, 1001, 1001));
    await table.drain();
    expect(await last).toMatchObject({ version: 3 });
    expect(Date.now() - started).toBeLessThan(60_000);
  });

  it('waits for the end of the interval although a batch comes in between', async () => {
    const table = stand.writer({ commitIntervalMs: 700 });
    await table.commit(batch(0, 0, 0));
    const started = performance.now();
    const early = table.commit(batch(1, 0, 0));
    await sleep(50);
    const outcomes = await Promise.all([early, table.commit(batch(2, 0, 0))]);
    expect(outcomes.map(({ version }) => version)).toEqual([2, 2]);
    // With a backlog it would take 250 ms.
    expect(performance.now() - started).toBeGreaterThan(500);
  });

  it('waits for the interval again after the writer was drained', async () => {
    const table = stand.writer({ commitIntervalMs: 1500 });
    const first = table.commit(batch(0, 0, 0));
    await table.drain();
    await first;
    const outcomes = await Promise.all(
      [1, 2].map(async (partition) => {
        await sleep(50 * partition);
        return table.commit(batch(partition, 0, 0));
      }),
    );
    expect(outcomes.map(({ version }) => version)).toEqual([2, 2]);
  });

  it('that is due waits a moment for a partition that is being read', async () => {
    const table = stand.writer({ commitIntervalMs: 100 });
    await Promise.all([0, 1].map((partition) => table.commit(batch(partition, 0, 0))));
    await sleep(150);
    stand.service.beginning = 1;
    const due = table.commit(batch(0, 1, 1));
    await nextTurn();
    const outcomes = await Promise.all([due, table.commit(batch(1, 1, 1))]);
    expect(outcomes[0]?.version).toBe(outcomes[1]?.version);
  });

  it('does not wait for the rest of the interval once a batch has filled it', async () => {
    const table = stand.writer({ commitIntervalMs: 3_600_000 });
    await table.commit(batch(0, 0, 0));
    const waiting = table.commit(batch(1, 0, 999));
    await sleep(10);
    const filling = table.commit(batch(2, 0, 2999));
    expect([(await waiting).version, (await filling).version]).toEqual([2, 2]);
  });

  it('does not wait for the interval when the process ends while a round is under way', async () => {
    class Gate extends MemoryStore {
      open: (() => void) | undefined;
      override async putIfAbsent(path: string, bytes: Uint8Array) {
        if (path.endsWith('01.json')) await new Promise<void>((resolve) => (this.open = resolve));
        return super.putIfAbsent(path, bytes);
      }
    }
    const store = new Gate();
    stand = new WriterStand(store);
    const table = stand.writer({ commitIntervalMs: 3_600_000 });
    const first = table.commit(batch(0, 0, 0));
    while (!store.open) await new Promise((resolve) => setImmediate(resolve));
    const second = table.commit(batch(1, 0, 0));
    const drained = table.drain();
    store.open();
    await drained;
    expect([(await first).version, (await second).version]).toEqual([1, 2]);
  });

  it('asks when the hub was made once, however many of its batches came before', async () => {
    const refresh = vi.fn(async () => stand.service.generation);
    const table = stand.writer({ commitIntervalMs: 30, hubs: { ...stand.hubs, refresh } });
    await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 0, 9))));
    refresh.mockClear();
    await table.commit(batch(9, 0, 0));
    await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 0, 9))));
    expect(refresh).toHaveBeenCalledTimes(2);
  });

  it('asks nothing where batches of a partition follow on each other', async () => {
    const refresh = vi.fn(async () => stand.service.generation);
    const table = stand.writer({ commitIntervalMs: 30, hubs: { ...stand.hubs, refresh } });
    await table.commit(batch(0, 0, 9));
    await table.commit(batch(1, 0, 9));
    refresh.mockClear();
    const following = [batch(0, 10, 19), batch(0, 20, 29), batch(1, 10, 10), batch(0, 30, 39)];
    await Promise.all(following.map((one) => table.commit(one)));
    expect(refresh).not.toHaveBeenCalled();
    expect(stand.rounds.at(-1)).toMatchObject({ partitions: 2, events: 31, rows: 31, duplicates: 0 });
  });

  it('reports the time that the service took to answer as that of admitting', async () => {
    const refresh = async () => {
      await sleep(50);
      return stand.service.generation;
    };
    await stand.writer({ hubs: { ...stand.hubs, refresh } }).commit(batch(0, 0, 9));
    const { admit = 0, plan = 0 } = stand.rounds[0]?.ms ?? {};
    expect(admit).toBeGreaterThan(40);
    expect(plan).toBeLessThan(admit);
  });

  it('reports how long each stage took and how old its oldest event is', async () => {
    await stand.writer().commit(batch(0, 0, 9), { decodeMs: 12.34 });
    expect(stand.rounds[0]).toMatchObject({
      stream: 'clickstream',
      version: 1,
      partitions: 1,
      events: 10,
      rows: 10,
    });
    const [add] = (await openSnapshot(stand.at))?.files.values() ?? [];
    expect(stand.rounds[0]?.bytes).toBe(add?.size);
    expect(Object.keys(stand.rounds[0]?.ms ?? {})).toEqual(['decode', 'admit', 'plan', 'write', 'commit']);
    expect(stand.rounds[0]?.ms.decode).toBe(12.3);
    expect(stand.rounds[0]?.lagMs).toBeGreaterThan(Date.now() - createdOn.getTime() - 60_000);
    expect(stand.rounds[0]?.lagMs).toBeLessThanOrEqual(Date.now() - createdOn.getTime());
  });

  it('reports the upload and the commit apart', async () => {
    class SlowStore extends MemoryStore {
      override async put(path: string, bytes: Uint8Array) {
        await sleep(100);
        return super.put(path, bytes);
      }
    }
    stand = new WriterStand(new SlowStore());
    await stand.writer().commit(batch(0, 0, 9));
    const { write = 0, commit = 0 } = stand.rounds[0]?.ms ?? {};
    expect(write).toBeGreaterThan(90);
    expect(commit).toBeLessThan(write);
  });

  it('is as late as its oldest event, whichever batch that is in', async () => {
    const table = stand.writer({ commitIntervalMs: 30 });
    await Promise.all([0, 1, 2].map((partition) => table.commit(batch(partition, 0, 0))));
    const enqueued = (one: IncomingBatch, ago: number): IncomingBatch => ({
      ...one,
      events: one.events.map((event) => ({ ...event, enqueuedAt: (Date.now() - ago) * 1000 })),
    });
    await Promise.all([
      table.commit(enqueued(batch(0, 1, 1), 60_000)),
      table.commit(enqueued(batch(1, 1, 1), 600_000)),
      table.commit(enqueued(batch(2, 1, 1), 60_000)),
    ]);
    expect(stand.rounds.at(-1)?.events).toBe(3);
    expect(stand.rounds.at(-1)?.lagMs).toBeGreaterThanOrEqual(600_000);
    expect(stand.rounds.at(-1)?.lagMs).toBeLessThan(700_000);
  });

  it('reports a round of nothing but duplicates, too', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 9));
    await table.commit(batch(0, 0, 9));
    const nothing = { rows: 0, bytes: 0, lagMs: null };
    expect(stand.rounds[1]).toMatchObject({ version: 1, events: 10, duplicates: 10, ...nothing });
  });
});

describe('what is no row', () => {
  const bad = (sequenceNumber: number, body: Buffer, elements = [0]) => ({
    sequenceNumber,
    enqueuedAt: hubCreatedAt,
    body,
    ...noRows,
    rejected: elements.map((element) => ({ element, reason: 'wrong-shape' as const, detail: 'because' })),
  });

  it('goes into dead_letters with its address, reason and body', async () => {
    stand.service.beginning = 7;
    const good = batch(2, 7, 7);
    const events = [
      ...good.events,
      bad(8, Buffer.from('{"productid":"é"}')),
      bad(9, Buffer.from([0xff, 0x00])),
    ];
    expect(await stand.writer().commit({ ...good, events })).toMatchObject({ rows: 1, letters: 2 });
    const letters = await stand.letters();
    expect(letters.map(({ sequence_number, body_encoding }) => [sequence_number, body_encoding])).toEqual([
      [8, 'utf-8'],
      [9, 'base64'],
    ]);
    expect(letters[0]).toMatchObject({
      stream: 'clickstream',
      hub_created_at: hubCreatedAt,
      hub_partition: 2,
      element: 0,
      enqueued_at: hubCreatedAt,
      reason: 'wrong-shape',
      detail: 'because',
      body: '{"productid":"é"}',
    });
    expect(decodeBody(String(letters[1]?.body), 'base64')).toEqual(Buffer.from([0xff, 0x00]));
  });

  it('stores the body of many bad elements once', async () => {
    const body = Buffer.alloc(1_000_000, 'x');
    const elements = Array.from({ length: 1000 }, (_, element) => element);
    await stand.writer().commit({ ...batch(0, 0, 0), events: [bad(0, body, elements)] });
    const letters = await stand.letters();
    expect(letters.filter((letter) => letter.body !== null)).toHaveLength(1);
    expect(letters.map(({ element }) => element)).toEqual(elements);
  });

  it('is there before the commit that moves past it', async () => {
    const order: string[] = [];
    class WatchedStore extends MemoryStore {
      override async putIfAbsent(path: string, bytes: Uint8Array) {
        order.push(path.split('/')[0] ?? '');
        return super.putIfAbsent(path, bytes);
      }
    }
    const store = new WatchedStore();
    stand = new WriterStand(store);
    const table = stand.writer();
    await table.commit(batch(0, 0, 0));
    order.length = 0;
    await table.commit({ ...batch(0, 1, 1), events: [bad(1, Buffer.from('x'))] });
    expect(order.at(-1)).toBe('clicks');
    expect(order).toContain(deadLettersTable);
  });

  it.each([
    ['is written again if storage lost it during a slow round', true],
    ['is written once in a slow round in which storage lost nothing', false],
  ])('%s', async (_what, isLost) => {
    const start = performance.now();
    let passed = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => start + passed);
    onTestFinished(() => clock.mockRestore());
    const letters = { ...stand.at, table: deadLettersTable };
    const { putIfAbsent } = stand.store;
    stand.store.putIfAbsent = async (path, bytes) => {
      if (path === commitPath(stand.at.table, 1)) {
        passed = 1001;
        const version = (await openState(letters))?.version ?? 0;
        if (isLost) await stand.store.delete(commitPath(deadLettersTable, version));
      }
      return putIfAbsent.call(stand.store, path, bytes);
    };
    await stand.writer().commit({ ...batch(0, 0, 0), events: [bad(0, Buffer.from('x'))] });
    expect(await stand.letters()).toMatchObject([{ sequence_number: 0 }]);
    expect(passed).toBe(1001);
  });

  it('leaves no file of rows behind, however often its table refuses it', async () => {
    const table = stand.writer();
    const mixed = (first: number) => ({
      ...batch(0, first, first + 4),
      events: [...batch(0, first, first + 3).events, bad(first + 4, Buffer.from('x'))],
    });
    await table.commit(mixed(0));
    const at = { ...stand.at, table: deadLettersTable };
    const version = (await openState(at))?.version ?? 0;
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] };
    await putCommit(at, version + 1, [{ protocol }], { operation: 'UPGRADE PROTOCOL', isBlindAppend: false });
    for (const _ of [1, 2, 3])
      await expect(table.commit(mixed(5))).rejects.toMatchObject({ code: 'delta.unsupported' });
    expect(await dataFiles(stand)).toHaveLength(1);
  });

  it('fails its batch where it cannot be written, rows and all, until the batch comes again', async () => {
    let isFull = true;
    class FullStore extends MemoryStore {
      override async put(path: string, bytes: Uint8Array) {
        if (isFull && path.startsWith(deadLettersTable)) throw new Error('no room for letters');
        return super.put(path, bytes);
      }
    }
    stand = new WriterStand(new FullStore());
    const table = stand.writer();
    await table.commit(batch(0, 0, 4));
    const mixed = { ...batch(0, 5, 9), events: [...batch(0, 5, 8).events, bad(9, Buffer.from('x'))] };
    await expect(table.commit(mixed)).rejects.toThrow('no room for letters');
    expect((await openSnapshot(stand.at))?.txns.get(appId(0))?.version).toBe(4);
    expect(await stand.rows()).toEqual(addresses(0, 0, 4));
    // The rows' file was not committed, and is gone.
    expect(await dataFiles(stand)).toHaveLength(1);
    isFull = false;
    expect(await table.commit(mixed)).toMatchObject({ rows: 4, duplicates: 0, letters: 1 });
    expect(await stand.letters()).toMatchObject([{ sequence_number: 9 }]);
  });
});
