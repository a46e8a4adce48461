import { beforeEach, describe, expect, it } from 'vitest';
import { append, createTable, putCommit } from '../../../src/lib/delta/commit';
import { commitPath } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { decodeEvents } from '../../../src/lib/ingest/decodeEvents';
import { replayLetters } from '../../../src/lib/ingest/replayLetters';
import { TableWriter } from '../../../src/lib/ingest/tableWriter';
import { deadLettersTable, letterFields } from '../../../src/lib/lake/deadLetters';
import { partitionAppId } from '../../../src/lib/lake/hubGeneration';
import { readLetters } from '../../../src/lib/lake/readLetters';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import { compact } from '../../../src/lib/maintenance/compact';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { decodeJsonElements } from '../../../src/lib/streams/jsonElements';
import type { Stream } from '../../../src/lib/streams/stream';

/** The decoder of tomorrow: it also knows the field's new name. */
const tolerant: Stream = {
  ...clickstream,
  decode: (body) =>
    decodeJsonElements(body, (element) => {
      const productid = element.productid ?? element.product;
      if (typeof productid !== 'number') return { reason: 'wrong-shape', detail: 'no product' };
      return [productid, null, null, null];
    }),
};

const notANumber = { reason: 'wrong-shape', detail: 'no number' } as const;

/** Knows all elements but the first. */
const firstIsBad: Stream = {
  ...clickstream,
  decode: (body) => tolerant.decode(body).map((row, element) => (element === 0 ? notANumber : row)),
};

const createdOn = new Date(Date.UTC(2026, 0, 1));
const generation = { namespace: 'contoso', hub: 'clicks', createdOn };

let store: MemoryStore;
let rows: { store: MemoryStore; table: string };
let letters: { store: MemoryStore; table: string };
let writer: TableWriter;
beforeEach(() => {
  store = new MemoryStore();
  rows = { store, table: clickstream.table };
  letters = { store, table: deadLettersTable };
  writer = writerOf(clickstream);
});

const writerOf = (stream: Stream) =>
  new TableWriter({
    stream: stream.name,
    rows: new TableAppender({ at: { store, table: stream.table }, fields: tableFields(stream) }),
    letters: new TableAppender({ at: letters, fields: letterFields }),
    hubs: { refresh: async () => generation, firstSequenceNumber: async () => 0 },
    commitIntervalMs: 0,
  });

const ingest = (first: number, ...bodies: (string | Buffer)[]) => ingestWith(clickstream, first, ...bodies);

const ingestWith = (stream: Stream, first: number, ...bodies: (string | Buffer)[]) =>
  (stream.name === clickstream.name ? writer : writerOf(stream)).commit({
    stream: stream.name,
    generation,
    partitionId: '3',
    events: decodeEvents(
      stream,
      bodies.map((body, i) => ({
        body: Buffer.from(body),
        sequenceNumber: first + i,
        enqueuedAt: (createdOn.getTime() + i) * 1000,
      })),
    ),
  });

/** The letters' commit goes through, the rows' commit does not. */
async function ingestLettersOnly(first: number, body: string): Promise<void> {
  const putIfAbsent = store.putIfAbsent.bind(store);
  store.putIfAbsent = async (path, bytes) => {
    if (path.startsWith('clicks/')) throw new Error('connection reset');
    return putIfAbsent(path, bytes);
  };
  await expect(ingest(first, body)).rejects.toThrow('connection reset');
  store.putIfAbsent = putIfAbsent;
}

async function productsBySequenceNumber(
  names = ['sequence_number', 'element', 'productid', 'hub_partition'],
): Promise<string[]> {
  const snapshot = await openSnapshot(rows);
  const found: string[] = [];
  for (const add of snapshot?.files.values() ?? []) {
    const { numRecords, columns } = await readDataFile(snapshot as NonNullable<typeof snapshot>, add, names);
    for (let row = 0; row < numRecords; row++)
      found.push(names.map((name) => columns.get(name)?.[row]).join('/'));
  }
  return found.sort();
}

const replay = (stream = tolerant, dryRun = false) => replayLetters({ stream, rows, letters, dryRun });

describe('replaying dead letters', () => {
  it('appends those that decode now, at their own addresses, and leaves the others', async () => {
    await ingest(
      0,
      '{"productid":1}',
      '{"product":2}',
      'not json',
      '[{"productid":3},{"product":4},{"x":5}]',
    );
    expect(await replay(tolerant, true)).toEqual({ settled: 0, appended: 2, remaining: 2 });
    expect(await productsBySequenceNumber()).toEqual(['0/0/1/3', '3/0/3/3']);
    expect(await replay()).toEqual({ settled: 0, appended: 2, remaining: 2 });
    expect(await productsBySequenceNumber()).toEqual(['0/0/1/3', '1/0/2/3', '3/0/3/3', '3/1/4/3']);
    const snapshot = await openSnapshot(rows);
    expect(snapshot?.txns.get('replay/clickstream')?.version).toBe(1);
  });

  it('reads the letters, the rows that may settle them, and no other files, and says how far it is', async () => {
    await ingest(0, '{"productid":1}', 'not json');
    await ingest(2, '{"productid":2}');
    await ingest(3, '{"productid":3}', 'not json either', '{"productid":4}');
    await ingest(6, '{"productid":5}');
    const seen: string[] = [];
    const onFile = (done: number, total: number) => seen.push(`${done}/${total}`);
    await replayLetters({ stream: tolerant, rows, letters, dryRun: true, onFile });
    // Only the file with the rows 3 and 5 may have a row between them, which would settle the letter of event 4.
    expect(seen).toEqual(['1/2', '2/2', '1/1', '1/2', '2/2']);
  });

  it('appends their fields that no column holds as well', async () => {
    const shop: Stream = {
      ...clickstream,
      decode: (body) => clickstream.decode(Buffer.from(body.toString().replace('"product"', '"productid"'))),
    };
    await ingest(
      0,
      '{"product":1,"store":"north","n":1.10}',
      '{"product":2}',
      '{"productid":3,"store":"south"}',
    );
    expect(await replay(shop)).toEqual({ settled: 0, appended: 2, remaining: 0 });
    expect(await productsBySequenceNumber(['productid', '_rescued_data'])).toEqual([
      '1/{"store":"north","n":1.10}',
      '2/',
      '3/{"store":"south"}',
    ]);
  });

  it('takes up an event that was one letter for too many elements, when all of them are rows', async () => {
    const elements = Array.from({ length: 1001 }, (_, n) => ({ product: n }));
    await ingest(0, JSON.stringify(elements), JSON.stringify([...elements, 7]));
    expect(await replay()).toEqual({ settled: 0, appended: 1001, remaining: 1 });
    expect(await productsBySequenceNumber()).toHaveLength(1001);
    expect(await replay()).toEqual({ settled: 1, appended: 0, remaining: 1 });
  });

  it('takes up every element of an event that was one letter because it could not be decoded', async () => {
    // As a body that today's decoder cannot take apart: five products, not JSON.
    const lines: Stream = {
      ...clickstream,
      decode: (body) =>
        body
          .toString()
          .split('\n')
          .map((line) => (/^\d+$/.test(line) ? [Number(line), null, null, null] : notANumber)),
    };
    await ingest(0, '1\n2\n3\n4\n5', '6\nx', '7');
    expect(await replay(lines)).toEqual({ settled: 0, appended: 6, remaining: 1 });
    expect(await replay(lines)).toEqual({ settled: 2, appended: 0, remaining: 1 });
    expect(await productsBySequenceNumber()).toEqual([
      ...[1, 2, 3, 4, 5].map((product) => `0/${product - 1}/${product}/3`),
      '2/0/7/3',
    ]);
  });

  it('decides each element of an event alone if each has a letter, even if none is a row yet', async () => {
    await ingest(0, '[{"product":4},{"x":5}]');
    expect(await replay()).toEqual({ settled: 0, appended: 1, remaining: 1 });
    expect(await productsBySequenceNumber()).toEqual(['0/0/4/3']);
  });

  it('takes no element twice if a stale letter stands for the whole event', async () => {
    const body = JSON.stringify(Array.from({ length: 1001 }, (_, n) => ({ product: n })));
    // A newer decoder gets the batch when it comes again.
    await ingest(0, '{"productid":1}');
    await ingestLettersOnly(1, body);
    await ingestWith(firstIsBad, 1, body);
    expect(await replay()).toEqual({ settled: 0, appended: 1, remaining: 0 });
    expect(new Set(await productsBySequenceNumber()).size).toBe(1002);
    expect(await productsBySequenceNumber()).toHaveLength(1002);
  });

  it('appends each once, however often it runs', async () => {
    await ingest(0, '{"product":2}');
    await replay();
    const before = await openState(rows);
    expect(await replay()).toEqual({ settled: 1, appended: 0, remaining: 0 });
    expect(await productsBySequenceNumber()).toEqual(['0/0/2/3']);
    // With nothing to append it commits nothing.
    expect((await openState(rows))?.version).toBe(before?.version);
  });

  it('appends each once, though many replay at the same time and new events come in', async () => {
    await ingest(0, ...Array.from({ length: 20 }, (_, i) => `{"product":${i}}`));
    const results = await Promise.all([replay(), replay(), ingest(20, '{"productid":7}'), replay()]);
    expect(results.filter((result) => 'appended' in result && result.appended === 20)).toHaveLength(1);
    expect(await productsBySequenceNumber()).toHaveLength(21);
  });

  it('plans the append again if the table went back in time meanwhile', async () => {
    await ingest(0, '{"productid":1}', '{"product":2}');
    await ingest(2, '{"productid":3}');
    const getRange = store.getRange.bind(store);
    store.getRange = async (path, start, length) => {
      // Once both tables are opened, and before anything is written.
      if (path.startsWith(deadLettersTable)) await store.delete(commitPath('clicks', 2));
      return getRange(path, start, length);
    };
    expect(await replay()).toEqual({ settled: 0, appended: 1, remaining: 0 });
    expect(await productsBySequenceNumber()).toEqual(['0/0/1/3', '1/0/2/3']);
  });

  it('takes a letter that was written twice once', async () => {
    await ingest(0, '{"productid":1}');
    const body = '{"product":2}';
    await ingestLettersOnly(1, body);
    // Its event is not committed yet, so it will come again by itself.
    expect(await replay()).toEqual({ settled: 0, appended: 0, remaining: 1 });
    await ingest(1, body);
    const snapshot = await openSnapshot(letters);
    expect(snapshot?.files.size).toBe(2);
    expect(await readLetters(snapshot as NonNullable<typeof snapshot>)).toHaveLength(1);
    expect(await replay()).toEqual({ settled: 0, appended: 1, remaining: 0 });
    expect(await productsBySequenceNumber()).toEqual(['0/0/1/3', '1/0/2/3']);
  });

  it('takes a letter that was written several times once, also if one file has all of them', async () => {
    await ingest(0, '{"productid":1}');
    const body = '{"product":2}';
    for (let times = 0; times < 4; times++) await ingestLettersOnly(1, body);
    await ingest(1, body);
    await compact({ at: letters });
    expect((await openSnapshot(letters))?.files.size).toBe(1);
    expect(await replay()).toEqual({ settled: 0, appended: 1, remaining: 0 });
    expect(await productsBySequenceNumber()).toEqual(['0/0/1/3', '1/0/2/3']);
  });

  it('brings no element back that was a row and was deleted since', async () => {
    await ingest(0, '[{"productid":3},{"product":4}]');
    const snapshot = await openSnapshot(rows);
    const removes = [...(snapshot?.files.keys() ?? [])].map((path) => ({
      remove: { path, dataChange: true, deletionTimestamp: 1 },
    }));
    const description = { operation: 'DELETE', isBlindAppend: false };
    await putCommit(rows, (snapshot?.version ?? 0) + 1, removes, description);
    expect(await replay()).toEqual({ settled: 0, appended: 1, remaining: 0 });
    expect(await productsBySequenceNumber()).toEqual(['0/1/4/3']);
  });

  it('knows how far a partition is committed, though another name of its namespace stands further back', async () => {
    await ingest(0, '{"productid":1}', '{"product":2}');
    const state = await openState(rows);
    if (!state) throw new Error('There is no table.');
    const txns = [{ appId: partitionAppId({ ...generation, namespace: 'alias' }, '3'), version: 0 }];
    await append({ state, fields: tableFields(clickstream), adds: [], txns });
    expect(await replay()).toEqual({ settled: 0, appended: 1, remaining: 0 });
  });

  it('takes no letter whose event will come again: other partitions and generations say nothing of its own', async () => {
    await ingest(0, '{"productid":1}');
    await ingestLettersOnly(1, '{"product":2}');
    const earlier = { ...generation, createdOn: new Date(createdOn.getTime() - 1) };
    const state = await openState(rows);
    if (!state) throw new Error('There is no table.');
    const appIds = [partitionAppId(generation, '4'), partitionAppId(earlier, '3'), 'another writer'];
    const txns = appIds.map((appId) => ({ appId, version: 99 }));
    await append({ state, fields: tableFields(clickstream), adds: [], txns });
    expect(await replay()).toEqual({ settled: 0, appended: 0, remaining: 1 });
  });

  it('takes no first letter of a partition of which the table has nothing yet', async () => {
    await createTable(rows, tableFields(clickstream));
    await ingestLettersOnly(0, '{"product":2}');
    expect(await replay()).toEqual({ settled: 0, appended: 0, remaining: 1 });
  });

  it('takes no body of another stream whose event has the same address, also from a file with letters of both', async () => {
    const views = { ...clickstream, name: 'views', table: 'views' };
    for (let event = 0; event < 4; event++) await ingestWith(views, event, '{"product":9}');
    await ingest(0, '{"product":2}');
    await compact({ at: letters });
    expect((await openSnapshot(letters))?.files.size).toBe(1);
    expect(await replay()).toEqual({ settled: 0, appended: 1, remaining: 0 });
    expect(await productsBySequenceNumber()).toEqual(['0/0/2/3']);
  });

  it('does nothing without letters', async () => {
    expect(await replay()).toEqual({ settled: 0, appended: 0, remaining: 0 });
    await ingest(0, '{"productid":1}');
    expect(await replay()).toEqual({ settled: 0, appended: 0, remaining: 0 });
  });
});
