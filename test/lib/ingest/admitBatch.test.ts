import { beforeEach, describe, expect, it } from 'vitest';
import { openSnapshot } from '../../../src/lib/delta/openTable';
import type { IncomingBatch } from '../../../src/lib/ingest/admitBatch';
import { addresses, appId, batch, createdOn, generation, WriterStand } from './writerStand';

let stand: WriterStand;
beforeEach(() => {
  stand = new WriterStand();
});

/** The hub as it was made again a minute later. */
const remade = { ...generation, createdOn: new Date(createdOn.getTime() + 60_000) };
const remadeAppId = (partition: number) => `contoso/clicks@2026-01-01t00:01:00.000z/${partition}`;

/** As a process hands a batch over that knows another generation than the one the events are of. */
const seenAs = (of: typeof generation, incoming: IncomingBatch): IncomingBatch => ({
  ...incoming,
  generation: of,
});

async function committed(): Promise<Record<string, number>> {
  const snapshot = await openSnapshot(stand.at);
  return Object.fromEntries([...(snapshot?.txns ?? [])].map(([id, { version }]) => [id, version]));
}

describe('a batch that does not follow on what is committed', () => {
  it('begins at the first event that the hub has when it is the first of its partition', async () => {
    stand.service.beginning = 500;
    expect(await stand.writer().commit(batch(0, 500, 509))).toMatchObject({ rows: 10, letters: 0 });
    // The hub drops events while a batch is under way.
    expect(await stand.writer().commit(batch(1, 495, 509))).toMatchObject({ rows: 15, letters: 0 });
  });

  it('waits when it is the first of its partition and the hub has earlier events', async () => {
    stand.service.beginning = 400;
    await expect(stand.writer().commit(batch(0, 500, 509))).rejects.toMatchObject({
      code: 'ingest.gap',
      message: expect.stringContaining('the events 400 to 499 are in the hub but were not read'),
    });
    expect(await stand.rows()).toEqual([]);
    const accepting = stand.writer({ acceptGaps: true });
    expect(await accepting.commit(batch(0, 500, 509))).toMatchObject({ rows: 10, letters: 1 });
  });

  it('records events that the hub no longer has as one letter', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 9));
    stand.service.beginning = 100;
    expect(await table.commit(batch(0, 100, 109))).toMatchObject({ rows: 10, letters: 1 });
    expect(await stand.letters()).toMatchObject([
      {
        sequence_number: 10,
        element: 0,
        reason: 'expired',
        detail: '90 events from 10 to 99',
        enqueued_at: null,
        body: '{"first":10,"last":99}',
      },
    ]);
  });

  it('fails alone when a reader ran ahead, until the missing events come', async () => {
    const table = stand.writer({ commitIntervalMs: 20 });
    await table.commit(batch(0, 0, 9));
    const ahead = table.commit(batch(0, 20, 29));
    const other = table.commit(batch(1, 0, 4));
    await expect(ahead).rejects.toMatchObject({
      code: 'ingest.gap',
      message: expect.stringContaining('clickstream partition 0: the events 10 to 19 are in the hub'),
    });
    expect(await other).toMatchObject({ rows: 5 });
    const reports = stand.rounds.length;
    await expect(table.commit(batch(0, 20, 29))).rejects.toMatchObject({ code: 'ingest.gap' });
    expect(stand.rounds).toHaveLength(reports);
    await table.commit(batch(0, 10, 19));
    expect(await table.commit(batch(0, 20, 29))).toMatchObject({ rows: 10 });
    expect(await stand.letters()).toEqual([]);
  });

  it('continues if a setting accepts the gap, and tells expired events from skipped ones', async () => {
    const table = stand.writer({ acceptGaps: true });
    await table.commit(batch(0, 0, 9));
    stand.service.beginning = 15;
    expect(await table.commit(batch(0, 20, 29))).toMatchObject({ rows: 10, letters: 2 });
    expect((await stand.letters()).map(({ reason, body }) => [reason, body])).toEqual([
      ['expired', '{"first":10,"last":14}'],
      ['skipped', '{"first":15,"last":19}'],
    ]);
  });

  it('has its holes put on record when it is the first of its partition', async () => {
    const { events, ...rest } = batch(0, 5, 9);
    stand.service.beginning = 9;
    const holed = events.filter(({ sequenceNumber }) => sequenceNumber !== 7);
    expect(await stand.writer().commit({ ...rest, events: holed })).toMatchObject({ rows: 4, letters: 1 });
    expect(await stand.letters()).toMatchObject([
      { sequence_number: 7, reason: 'expired', body: '{"first":7,"last":7}' },
    ]);
  });
});

describe('a batch with a hole in its midst', () => {
  const without = (missing: number, { events, ...rest }: IncomingBatch): IncomingBatch => ({
    ...rest,
    events: events.filter(({ sequenceNumber }) => sequenceNumber !== missing),
  });

  it.each([11, 14, 18])('waits though it follows on, while the hub has event %i', async (missing) => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 9));
    await expect(table.commit(without(missing, batch(0, 10, 19)))).rejects.toMatchObject({
      code: 'ingest.gap',
      message: expect.stringContaining(`the events ${missing} to ${missing} are in the hub`),
    });
    expect(await stand.rows()).toEqual(addresses(0, 0, 9));
    stand.service.beginning = missing + 1;
    expect(await table.commit(without(missing, batch(0, 10, 19)))).toMatchObject({ rows: 9, letters: 1 });
    expect(await stand.letters()).toMatchObject([{ sequence_number: missing, reason: 'expired' }]);
  });

  it('has it put on record also in an older generation, whose first event is not known', async () => {
    const table = stand.writer();
    await table.commit(batch(1, 0, 9));
    Object.assign(stand.service, { generation: remade, beginning: 500 });
    expect(await table.commit(without(101, batch(0, 100, 109)))).toMatchObject({ rows: 9, letters: 1 });
    expect(await stand.letters()).toMatchObject([{ sequence_number: 101, reason: 'expired' }]);
  });
});

describe('a partition that was with another process meanwhile', () => {
  it.each([
    ['the hub has all events', {}, 0],
    ['the hub has dropped the events of the other process', {}, 20],
    ['gaps are accepted', { acceptGaps: true }, 0],
  ])('goes on where that one ended, and nothing is missing: %s', async (_when, options, beginning) => {
    const [one, two] = [stand.writer(options), stand.writer(options)];
    stand.service.beginning = beginning;
    await one.commit(batch(0, 0, 9));
    await two.commit(batch(0, 10, 19));
    expect(await one.commit(batch(0, 20, 29))).toMatchObject({ rows: 10, duplicates: 0, letters: 0 });
    // And one that the table knew nothing of when this process read it.
    await two.commit(batch(1, 0, 9));
    expect(await one.commit(batch(1, 10, 19))).toMatchObject({ rows: 10, duplicates: 0, letters: 0 });
    expect(await stand.rows()).toEqual([...addresses(0, 0, 29), ...addresses(1, 0, 19)]);
    expect(await stand.letters()).toEqual([]);
    // What the table says is enough: the service was asked about the first batch of each partition alone.
    expect(stand.asked).toEqual(['refresh', 'firstSequenceNumber', 'refresh', 'firstSequenceNumber']);
    // Of a batch that came before, only whether the hub is still the same one.
    expect(await one.commit(batch(0, 25, 34))).toMatchObject({ rows: 5, duplicates: 5 });
    expect(stand.asked.slice(4)).toEqual(['refresh']);
  });

  it('continues even after more commits than are read one by one', async () => {
    const [one, two] = [stand.writer(), stand.writer()];
    await one.commit(batch(0, 0, 0));
    for (let n = 1; n <= 600; n++) await two.commit(batch(0, n, n));
    expect(await one.commit(batch(0, 601, 609))).toMatchObject({ version: 602, rows: 9 });
  });
});

describe('a batch of a hub that was made again', () => {
  it('belongs to a new generation, whose events are new', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 99));
    stand.service.generation = remade;
    const later = seenAs(generation, batch(0, 0, 9, remade));
    expect(await table.commit(later)).toMatchObject({ rows: 10, duplicates: 0 });
    expect(await committed()).toEqual({ [appId(0)]: 99, [remadeAppId(0)]: 9 });
  });

  it('belongs to the new generation though this process knows only the old one', async () => {
    stand.service.generation = remade;
    await stand.writer().commit(seenAs(generation, batch(3, 0, 9, remade)));
    expect(await stand.writer().commit(batch(3, 0, 9, remade))).toMatchObject({ duplicates: 10 });
  });

  it('keeps its old generation when its events are older than the new hub', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 99));
    stand.service.generation = remade;
    expect(await table.commit(batch(0, 90, 109))).toMatchObject({ rows: 10, duplicates: 10 });
    expect(await stand.rows()).toEqual(addresses(0, 0, 109));
  });

  it('keeps its old generation even if this process knows the new one and the partition was never committed', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 9));
    stand.service.generation = remade;
    // Of a partition that the table knows nothing of, in a process that has learnt of the new hub meanwhile.
    await table.commit(seenAs(remade, batch(3, 100, 199)));
    expect(await table.commit(batch(3, 0, 49, remade))).toMatchObject({ rows: 50, duplicates: 0 });
    expect((await committed())[appId(3)]).toBe(199);
  });

  it('keeps its old generation even if its numbers follow on those of the new hub', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 9));
    stand.service.generation = remade;
    await table.commit(batch(0, 0, 9, remade));
    expect(await table.commit(seenAs(remade, batch(0, 10, 19)))).toMatchObject({ rows: 10 });
    expect(await table.commit(batch(0, 10, 19, remade))).toMatchObject({ rows: 10, duplicates: 0 });
    expect(await committed()).toEqual({ [appId(0)]: 19, [remadeAppId(0)]: 19 });
  });

  it('has the newest generation that its events can be of, though this process knows an older one, and the hub is a newer one', async () => {
    await stand.writer().commit(batch(0, 0, 9));
    stand.service.generation = remade;
    await stand.writer().commit(batch(1, 0, 9, remade));
    stand.service.generation = { ...generation, createdOn: new Date(createdOn.getTime() + 120_000) };
    await stand.writer().commit(seenAs(generation, batch(1, 10, 19, remade)));
    expect(await committed()).toEqual({ [appId(0)]: 9, [remadeAppId(1)]: 19 });
  });

  it('is told by its last event: the clocks of the service may differ by a little', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 99));
    stand.service.generation = remade;
    const { events, ...rest } = batch(0, 0, 49, remade);
    const early = events.map((event, i) =>
      i === 0 ? { ...event, enqueuedAt: event.enqueuedAt - 5000 } : event,
    );
    expect(await table.commit({ ...rest, events: early })).toMatchObject({ rows: 50, duplicates: 0 });
  });

  it('fails when an old checkpoint led into its middle, until it is read from its beginning', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 99));
    stand.service.generation = remade;
    await expect(table.commit(batch(0, 103, 149, remade))).rejects.toMatchObject({
      code: 'ingest.gap',
      message: expect.stringContaining('the events 0 to 102 are in the hub'),
    });
    expect(await table.commit(batch(0, 0, 149, remade))).toMatchObject({ rows: 150, letters: 0 });
  });

  it('records the events that the new hub dropped before it was first read', async () => {
    const table = stand.writer();
    await table.commit(batch(0, 0, 99));
    Object.assign(stand.service, { generation: remade, beginning: 40 });
    expect(await table.commit(batch(0, 40, 49, remade))).toMatchObject({ rows: 10, letters: 1 });
    expect(await stand.letters()).toMatchObject([{ reason: 'expired', body: '{"first":0,"last":39}' }]);
  });

  it('waits when its events are older than every hub that is known', async () => {
    stand.service.generation = remade;
    await expect(stand.writer().commit(seenAs(remade, batch(3, 0, 9)))).rejects.toMatchObject({
      code: 'ingest.batch',
    });
  });
});
