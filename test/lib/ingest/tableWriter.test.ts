import { beforeEach, describe, expect, it } from 'vitest';
import { createTable } from '../../../src/lib/delta/commit';
import type { TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { field, type ReadValue } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import type { IncomingBatch } from '../../../src/lib/ingest/admitBatch';
import { deadLettersTable, decodeBody, letterFields } from '../../../src/lib/ingest/deadLetters';
import type { RoundReport } from '../../../src/lib/ingest/roundReport';
import { tableFields } from '../../../src/lib/ingest/rowAddress';
import { TableWriter, type TableWriterOptions } from '../../../src/lib/ingest/tableWriter';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';

const createdOn = new Date(Date.UTC(2026, 0, 1));
const createdAt = createdOn.getTime() * 1000;
const generation = { namespace: 'contoso', hub: 'clicks', createdOn };
const appId = (partition: number) => `contoso/clicks@2026-01-01t00:00:00.000z/${partition}`;

/** Events `first` to `last` of a partition, one row each, whose productid is the sequence number. */
function batch(partition: number, first: number, last: number): IncomingBatch {
  return {
    stream: 'clickstream',
    generation,
    partitionId: String(partition),
    events: Array.from({ length: last - first + 1 }, (_, i) => ({
      sequenceNumber: first + i,
      enqueuedAt: createdAt + i,
      body: Buffer.from(`{"productid":${first + i}}`),
      rows: [[first + i, createdAt, 1, 2]],
      rejected: [],
    })),
  };
}

let at: TableLocation;
let rounds: RoundReport[];
beforeEach(() => {
  at = { store: new MemoryStore(), table: 'clicks' };
  rounds = [];
  Object.assign(service, { generation, beginning: 0 });
});

/** What the service would say: one hub, which still has all events from `beginning` on. */
const service = { generation, beginning: 0 };
const hubs = {
  refresh: async () => service.generation,
  firstSequenceNumber: async () => service.beginning,
};

const writer = (options: Partial<TableWriterOptions> & { at?: TableLocation } = {}) => {
  const { store, table } = options.at ?? at;
  return new TableWriter({
    stream: 'clickstream',
    rows: new TableAppender({ at: { store, table }, fields: tableFields(clickstream) }),
    ownColumns: clickstream.columns.length,
    letters: new TableAppender({ at: { store, table: deadLettersTable }, fields: letterFields }),
    hubs,
    commitIntervalMs: 0,
    onRound: (report) => rounds.push(report),
    ...options,
  });
};

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

/** Every letter, as an object by column. */
async function lettersOf(location: TableLocation): Promise<Record<string, ReadValue>[]> {
  const snapshot = await openSnapshot({ ...location, table: deadLettersTable });
  const names = letterFields.map(({ name }) => name);
  const letters: Record<string, ReadValue>[] = [];
  for (const add of snapshot?.files.values() ?? []) {
    const { numRecords, columns } = await readDataFile(snapshot as NonNullable<typeof snapshot>, add, names);
    for (let row = 0; row < numRecords; row++) {
      letters.push(Object.fromEntries(names.map((name) => [name, columns.get(name)?.[row] ?? null])));
    }
  }
  return letters;
}

const addresses = (partition: number, first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => `${partition}/${first + i}`).sort();

describe('a table writer', () => {
  it('makes the table and commits the first batch', async () => {
    const outcome = await writer().commit(batch(0, 0, 9));
    expect(outcome).toEqual({ version: 1, rows: 10, duplicates: 0, letters: 0 });
    expect(await rowsOf(at)).toEqual(addresses(0, 0, 9));
    const snapshot = await openSnapshot(at);
    expect(snapshot?.txns.get(appId(0))).toMatchObject({ version: 9 });
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
    const rejected = [{ element: 0, reason: 'not-json', detail: 'x' } as const];
    const outcome = await table.commit({
      ...empty,
      events: empty.events.map((event) => ({ ...event, rows: [], rejected })),
    });
    expect(outcome).toEqual({ version: 1, rows: 0, duplicates: 0, letters: 5 });
    const snapshot = await openSnapshot(at);
    expect(snapshot?.files.size).toBe(0);
    expect(snapshot?.txns.get(appId(0))?.version).toBe(4);
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
      const same = batch(n % 2, (n >> 1) * 20, (n >> 1) * 20 + 19);
      const outcomes = await Promise.all([one.commit(same), two.commit(same)]);
      expect(outcomes.reduce((sum, { rows, duplicates }) => sum + rows + duplicates, 0)).toBe(40);
    }
    expect(await rowsOf(at)).toEqual([...addresses(0, 0, 99), ...addresses(1, 0, 99)].sort());
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
    await createTable(at, [field('productid', 'string')]);
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

describe('a round', () => {
  it('holds at most so many events, and always one batch', async () => {
    const table = writer({ commitIntervalMs: 30, maxRoundEvents: 25 });
    await table.commit(batch(9, 0, 0));
    await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 0, 9))));
    await table.commit(batch(4, 0, 99));
    expect(rounds.map(({ events }) => events)).toEqual([1, 20, 20, 100]);
    expect((await rowsOf(at)).length).toBe(141);
  });

  it('holds at most so many bytes', async () => {
    const table = writer({ commitIntervalMs: 30, maxRoundBytes: 250 });
    await table.commit(batch(9, 0, 0));
    await Promise.all([0, 1, 2].map((partition) => table.commit(batch(partition, 10, 19))));
    expect(rounds.map(({ events }) => events)).toEqual([1, 10, 10, 10]);
  });

  it('does not wait for the interval when it is full, nor when the process ends', async () => {
    const table = writer({ commitIntervalMs: 3_600_000 });
    await table.commit(batch(0, 0, 0));
    const started = Date.now();
    await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 1, 1000))));
    const last = table.commit(batch(0, 1001, 1001));
    await table.drain();
    expect(await last).toMatchObject({ version: 3 });
    expect(Date.now() - started).toBeLessThan(60_000);
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
    const table = writer({ at: { store, table: 'clicks' }, commitIntervalMs: 3_600_000 });
    const first = table.commit(batch(0, 0, 0));
    while (!store.open) await new Promise((resolve) => setImmediate(resolve));
    const second = table.commit(batch(1, 0, 0));
    const drained = table.drain();
    store.open();
    await drained;
    expect([(await first).version, (await second).version]).toEqual([1, 2]);
  });

  it('asks when the hub was made once, however many of its batches came before', async () => {
    let asked = 0;
    const refresh = async () => {
      asked++;
      return service.generation;
    };
    const table = writer({ commitIntervalMs: 30, hubs: { ...hubs, refresh } });
    await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 0, 9))));
    asked = 0;
    await table.commit(batch(9, 0, 0));
    await Promise.all([0, 1, 2, 3].map((partition) => table.commit(batch(partition, 0, 9))));
    expect(asked).toBe(2);
  });

  it('reports how long each stage took and how old its oldest event is', async () => {
    await writer().commit(batch(0, 0, 9), 12.34);
    expect(rounds[0]).toMatchObject({
      stream: 'clickstream',
      version: 1,
      partitions: 1,
      events: 10,
      rows: 10,
    });
    expect(Object.keys(rounds[0]?.ms ?? {})).toEqual(['decode', 'admit', 'plan', 'write', 'commit']);
    expect(rounds[0]?.ms.decode).toBe(12.3);
    expect(rounds[0]?.lagMs).toBeGreaterThan(Date.now() - createdOn.getTime() - 60_000);
  });
});

describe('what is no row', () => {
  const bad = (sequenceNumber: number, body: Buffer, elements = [0]) => ({
    sequenceNumber,
    enqueuedAt: createdAt,
    body,
    rows: [],
    rejected: elements.map((element) => ({ element, reason: 'wrong-shape' as const, detail: 'because' })),
  });

  it('goes into dead_letters with its address, reason and body', async () => {
    const good = batch(2, 7, 7);
    const events = [
      ...good.events,
      bad(8, Buffer.from('{"productid":"é"}')),
      bad(9, Buffer.from([0xff, 0x00])),
    ];
    expect(await writer().commit({ ...good, events })).toMatchObject({ rows: 1, letters: 2 });
    const letters = await lettersOf(at);
    expect(letters.map(({ sequence_number, body_encoding }) => [sequence_number, body_encoding])).toEqual([
      [8, 'utf-8'],
      [9, 'base64'],
    ]);
    expect(letters[0]).toMatchObject({
      stream: 'clickstream',
      hub_created_at: createdAt,
      hub_partition: 2,
      element: 0,
      enqueued_at: createdAt,
      reason: 'wrong-shape',
      detail: 'because',
      body: '{"productid":"é"}',
    });
    expect(decodeBody(String(letters[1]?.body), 'base64')).toEqual(Buffer.from([0xff, 0x00]));
  });

  it('stores the body of many bad elements once', async () => {
    const body = Buffer.alloc(1_000_000, 'x');
    const elements = Array.from({ length: 1000 }, (_, element) => element);
    await writer().commit({ ...batch(0, 0, 0), events: [bad(0, body, elements)] });
    const letters = await lettersOf(at);
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
    const table = writer({ at: { store, table: 'clicks' } });
    await table.commit(batch(0, 0, 0));
    order.length = 0;
    await table.commit({ ...batch(0, 1, 1), events: [bad(1, Buffer.from('x'))] });
    expect(order.at(-1)).toBe('clicks');
    expect(order).toContain(deadLettersTable);
  });
});

describe('a batch that does not follow on what is committed', () => {
  it('may start anywhere when it is the first of its partition', async () => {
    expect(await writer().commit(batch(0, 500, 509))).toMatchObject({ rows: 10, letters: 0 });
  });

  it('puts events that the hub no longer has on record, as one letter', async () => {
    const table = writer();
    await table.commit(batch(0, 0, 9));
    service.beginning = 100;
    expect(await table.commit(batch(0, 100, 109))).toMatchObject({ rows: 10, letters: 1 });
    expect(await lettersOf(at)).toMatchObject([
      {
        sequence_number: 10,
        element: 0,
        reason: 'expired',
        enqueued_at: null,
        body: '{"first":10,"last":99}',
      },
    ]);
  });

  it('fails alone when a reader ran ahead, until the missing events come', async () => {
    const table = writer({ commitIntervalMs: 20 });
    await table.commit(batch(0, 0, 9));
    const ahead = table.commit(batch(0, 20, 29));
    const other = table.commit(batch(1, 0, 4));
    await expect(ahead).rejects.toMatchObject({
      code: 'ingest.gap',
      message: expect.stringContaining('clickstream partition 0: the events 10 to 19 are in the hub'),
    });
    expect(await other).toMatchObject({ rows: 5 });
    await table.commit(batch(0, 10, 19));
    expect(await table.commit(batch(0, 20, 29))).toMatchObject({ rows: 10 });
    expect(await lettersOf(at)).toEqual([]);
  });

  it('goes on where a setting accepts the gap, telling what expired from what was stepped over', async () => {
    const table = writer({ acceptGaps: true });
    await table.commit(batch(0, 0, 9));
    service.beginning = 15;
    expect(await table.commit(batch(0, 20, 29))).toMatchObject({ rows: 10, letters: 2 });
    expect((await lettersOf(at)).map(({ reason, body }) => [reason, body])).toEqual([
      ['expired', '{"first":10,"last":14}'],
      ['skipped', '{"first":15,"last":19}'],
    ]);
  });

  it('belongs to a new generation when the hub was made again', async () => {
    const table = writer();
    await table.commit(batch(0, 0, 99));
    const remade = new Date(createdOn.getTime() + 60_000);
    service.generation = { ...generation, createdOn: remade };
    const { events, ...rest } = batch(0, 0, 9);
    const later = events.map((event) => ({ ...event, enqueuedAt: remade.getTime() * 1000 + 5 }));
    expect(await table.commit({ ...rest, events: later })).toMatchObject({ rows: 10, duplicates: 0 });
    const snapshot = await openSnapshot(at);
    expect([...(snapshot?.txns ?? [])].map(([id, { version }]) => [id, version])).toEqual([
      [appId(0), 99],
      ['contoso/clicks@2026-01-01t00:01:00.000z/0', 9],
    ]);
  });

  it('keeps its old generation though this process knows the new one, and its partition was never committed', async () => {
    const table = writer();
    await table.commit(batch(0, 0, 9));
    const remade = { ...generation, createdOn: new Date(createdOn.getTime() + 60_000) };
    service.generation = remade;
    // Of a partition that the table knows nothing of, in a process that has learnt of the new hub meanwhile.
    await table.commit({ ...batch(3, 100, 199), generation: remade });
    const { events, ...rest } = batch(3, 0, 49);
    const later = events.map((event) => ({ ...event, enqueuedAt: remade.createdOn.getTime() * 1000 + 5 }));
    expect(await table.commit({ ...rest, generation: remade, events: later })).toMatchObject({
      rows: 50,
      duplicates: 0,
    });
    const snapshot = await openSnapshot(at);
    expect(snapshot?.txns.get(appId(3))?.version).toBe(199);
  });

  it('belongs to the new generation though this process knows only the old one', async () => {
    const remade = { ...generation, createdOn: new Date(createdOn.getTime() + 60_000) };
    service.generation = remade;
    const { events, ...rest } = batch(3, 0, 9);
    const later = events.map((event) => ({ ...event, enqueuedAt: remade.createdOn.getTime() * 1000 + 5 }));
    await writer().commit({ ...rest, events: later });
    expect(await writer().commit({ ...rest, generation: remade, events: later })).toMatchObject({
      duplicates: 10,
    });
  });

  it('waits when its events are older than every hub that is known', async () => {
    const remade = { ...generation, createdOn: new Date(createdOn.getTime() + 60_000) };
    service.generation = remade;
    await expect(writer().commit({ ...batch(3, 0, 9), generation: remade })).rejects.toMatchObject({
      code: 'ingest.batch',
    });
  });

  it('has its holes put on record when it is the first of its partition', async () => {
    const { events, ...rest } = batch(0, 5, 9);
    service.beginning = 9;
    const holed = events.filter(({ sequenceNumber }) => sequenceNumber !== 7);
    expect(await writer().commit({ ...rest, events: holed })).toMatchObject({ rows: 4, letters: 1 });
    expect(await lettersOf(at)).toMatchObject([
      { sequence_number: 7, reason: 'expired', body: '{"first":7,"last":7}' },
    ]);
  });

  it('keeps its old generation when its events are older than the new hub', async () => {
    const table = writer();
    await table.commit(batch(0, 0, 99));
    service.generation = { ...generation, createdOn: new Date(createdOn.getTime() + 60_000) };
    expect(await table.commit(batch(0, 90, 109))).toMatchObject({ rows: 10, duplicates: 10 });
    expect(await rowsOf(at)).toEqual(addresses(0, 0, 109));
  });
});
