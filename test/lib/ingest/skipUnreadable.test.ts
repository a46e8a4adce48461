import { beforeEach, describe, expect, it } from 'vitest';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import { readDataFile } from '../../../src/lib/delta/readDataFile';
import { skipUnreadable } from '../../../src/lib/ingest/skipUnreadable';
import { deadLettersTable } from '../../../src/lib/lake/deadLetters';
import { readLetters } from '../../../src/lib/lake/readLetters';
import type { HubEvent } from '../../../src/lib/sources/readPartition';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { appId, batch, generation, hubCreatedAt, WriterStand } from './writerStand';

let stand: WriterStand;
/** The events of partition 0: readable ones, and values of AMQP. */
let events: HubEvent[];
let asked: [first: number, last: number][];
let moved: number[];
beforeEach(() => {
  stand = new WriterStand();
  [events, asked, moved] = [[], [], []];
});

const unreadable = Symbol('no body');

function fill(bodies: readonly unknown[]): void {
  events = bodies.map((value, sequenceNumber) => ({
    sequenceNumber,
    offset: String(sequenceNumber),
    enqueuedAt: hubCreatedAt + sequenceNumber,
    body: value === 'click' ? Buffer.from(`{"productid":${sequenceNumber},"sessionid":1}`) : undefined,
    value: value === unreadable ? undefined : value,
  }));
}

const skip = (batchSize = 500) =>
  skipUnreadable({
    stream: clickstream,
    hub: generation.hub,
    partitionId: '0',
    hubs: { ...stand.hubs, lastSequenceNumber: async () => events.length - 1 },
    writer: stand.writer(),
    committed: async (id) => (await openState(stand.at))?.txns.get(id)?.version,
    read: async function* (first, last) {
      asked.push([first, last]);
      for (let at = first; at <= last; at += batchSize)
        yield events.slice(at, Math.min(at + batchSize, last + 1));
    },
    move: async ({ sequenceNumber }) => void moved.push(sequenceNumber),
  });

async function sequencesOfRows(): Promise<number[]> {
  const snapshot = await openSnapshot(stand.at);
  const found: number[] = [];
  for (const add of snapshot?.files.values() ?? []) {
    if (!snapshot) continue;
    const { columns } = await readDataFile(snapshot, add, ['sequence_number']);
    found.push(...(columns.get('sequence_number') ?? []).map(Number));
  }
  return found.sort((a, b) => a - b);
}

async function letters() {
  const snapshot = await openSnapshot({ store: stand.store, table: deadLettersTable });
  return snapshot ? readLetters(snapshot) : [];
}

describe('skipping unreadable events', () => {
  it('commits readable events, and keeps the others as letters', async () => {
    fill(['click', { productid: 9 }, 'click', ['a', 1], unreadable, 'click']);
    expect(await skip(4)).toEqual({ readable: 3, unreadable: [1, 3, 4], next: 6 });
    expect(await sequencesOfRows()).toEqual([0, 2, 5]);
    expect(await letters()).toMatchObject(
      [1, 3, 4].map((sequenceNumber) => ({ sequenceNumber, reason: 'unreadable' })),
    );
    expect(moved).toEqual([3, 5]);
  });

  it('begins after the committed events', async () => {
    fill(['click', 'click', unreadable, 'click']);
    await stand.writer().commit(batch(0, 0, 1));
    expect(await skip()).toEqual({ readable: 1, unreadable: [2], next: 4 });
    expect(asked).toEqual([[2, 3]]);
    expect((await openState(stand.at))?.txns.get(appId(0))?.version).toBe(3);
  });

  it('begins with the first event that the hub still has', async () => {
    fill(['click', 'click', unreadable, 'click']);
    stand.service.beginning = 2;
    expect(await skip()).toMatchObject({ unreadable: [2], next: 4 });
    expect(asked).toEqual([[2, 3]]);
  });

  it('does nothing if no event waits', async () => {
    fill(['click', 'click']);
    await stand.writer().commit(batch(0, 0, 1));
    expect(await skip()).toEqual({ readable: 0, unreadable: [], next: undefined });
    expect([asked, moved]).toEqual([[], []]);
  });

  it('leaves the rest to the trigger after a thousand readable events in a row', async () => {
    fill([unreadable, ...Array<string>(900).fill('click'), unreadable, ...Array<string>(2000).fill('click')]);
    expect(await skip()).toEqual({ readable: 1998, unreadable: [0, 901], next: 2000 });
    const rest = 3000;
    fill(Array<string>(2000 + rest).fill('click'));
    expect(await skip()).toEqual({ readable: 1000, unreadable: [], next: 3000 });
  });

  it('moves nothing past an event that could not be committed', async () => {
    fill(['click', unreadable]);
    stand.store.putIfAbsent = () => Promise.reject(new Error('away'));
    await expect(skip()).rejects.toThrow('away');
    expect(moved).toEqual([]);
  });

  it('keeps a text as it is, and bytes among other values as text', async () => {
    const other = { type: 'Buffer', data: 'x' };
    fill([
      '{"productid":1',
      { a: Buffer.from('b'), n: 12n },
      [null, { data: [98] }, other],
      7,
      null,
      unreadable,
    ]);
    await skip();
    const snapshot = await openSnapshot({ store: stand.store, table: deadLettersTable });
    const [add] = snapshot?.files.values() ?? [];
    if (!snapshot || !add) throw new Error('There are no letters.');
    const { columns } = await readDataFile(snapshot, add, ['body']);
    expect(columns.get('body')).toEqual([
      '{"productid":1',
      '{"a":"b","n":"12"}',
      '[null,{"data":[98]},{"type":"Buffer","data":"x"}]',
      '7',
      '',
      '',
    ]);
    expect((await stand.letters()).map(({ detail }) => String(detail).includes('has no body'))).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});
