import { type EventPosition, latestEventPosition } from '@azure/event-hubs';
import { afterEach, describe, expect, it } from 'vitest';
import {
  closeAll,
  openBroker,
  openConsumerClient,
  openProducerClient,
  read,
  readSome,
  until,
} from './clients';

afterEach(closeAll);

/** A hub with the events 0..9 in one partition, sent one by one so that their times can differ. */
async function openFilled() {
  const broker = await openBroker({ hub: 1 });
  const producer = openProducerClient(broker, 'hub');
  for (let n = 0; n < 10; n += 1) {
    await producer.sendBatch([{ body: n }]);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  const consumer = openConsumerClient(broker, 'hub');
  const events = await readSome(consumer, '0', 10);
  expect(events.map(({ body }) => body)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  return { broker, producer, consumer, events };
}

describe('reading', () => {
  it('starts at every kind of position, inclusive or not', async () => {
    const { consumer, events } = await openFilled();
    const fourth = events[4];
    if (!fourth) throw new Error('no fourth event');
    const positions: [first: number, position: EventPosition][] = [
      [0, { offset: '-1' }],
      [0, { sequenceNumber: -1 }],
      [4, { offset: fourth.offset, isInclusive: true }],
      [5, { offset: fourth.offset }],
      [4, { sequenceNumber: 4, isInclusive: true }],
      [5, { sequenceNumber: 4 }],
      [5, { enqueuedOn: fourth.enqueuedTimeUtc }],
      [4, { enqueuedOn: fourth.enqueuedTimeUtc.getTime() - 1 }],
      [0, { enqueuedOn: new Date(0) }],
      [9, { sequenceNumber: 9, isInclusive: true }],
    ];
    for (const [first, position] of positions) {
      const [event] = await readSome(consumer, '0', 1, position);
      expect(event?.body, JSON.stringify(position)).toBe(first);
    }
  });

  it('gives only new events from the latest position, from after the last event and from a future time', async () => {
    const { broker, producer } = await openFilled();
    const readings = [
      latestEventPosition,
      { sequenceNumber: 9 },
      { sequenceNumber: 10, isInclusive: true },
      { enqueuedOn: Date.now() + 1000 },
    ].map((startPosition) => read(openConsumerClient(broker, 'hub'), '0', { startPosition }));
    // A batch without events after the maximum wait shows that each link is open.
    await until('all links open', () => readings.every(({ contexts }) => contexts.length > 0));
    await producer.sendBatch([{ body: 'new' }]);
    await until('the new event', () => readings.every(({ events }) => events.length > 0));
    expect(readings.map(({ events }) => events.map(({ body }) => body))).toEqual([
      ['new'],
      ['new'],
      ['new'],
      ['new'],
    ]);
  });

  it.each([
    [
      { sequenceNumber: 10 },
      "The supplied sequence number '10' is invalid. The last sequence number in the system is '9'",
    ],
    [
      { offset: '9999999' },
      /The supplied offset '9999999' is invalid. The last offset in the system is '\d+'/,
    ],
  ])('refuses the position %j past the end', async (startPosition, message) => {
    const { consumer } = await openFilled();
    const reading = read(consumer, '0', { startPosition });
    await until('the error', () => reading.errors.length > 0);
    expect(reading.errors[0]).toMatchObject({
      code: 'ArgumentError',
      message: expect.stringMatching(message),
    });
    expect(reading.events).toEqual([]);
  });

  it('sends the last enqueued event to a reader that tracks it', async () => {
    const { broker, consumer, events } = await openFilled();
    const reading = read(consumer, '0', {
      trackLastEnqueuedEventProperties: true,
      startPosition: { sequenceNumber: 1 },
      maxBatchSize: 1,
    });
    await until('an event', () => reading.events.length > 0);
    expect(reading.events[0]?.body).toBe(2);
    expect(reading.contexts[0]?.lastEnqueuedEventProperties).toMatchObject({
      sequenceNumber: 9,
      offset: events[9]?.offset,
      enqueuedOn: events[9]?.enqueuedTimeUtc,
      retrievedOn: expect.any(Date),
    });
    expect(broker.stats().hubs.hub?.delivered).toBeGreaterThan(10);
  });

  it('numbers events without gaps, with growing offsets and times that never decrease', async () => {
    const { events } = await openFilled();
    expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const [index, event] of events.entries()) {
      const before = events[index - 1];
      if (!before) continue;
      expect(Number(event.offset)).toBeGreaterThan(Number(before.offset));
      expect(event.enqueuedTimeUtc.getTime()).toBeGreaterThanOrEqual(before.enqueuedTimeUtc.getTime());
    }
  });

  it('serves 32 partitions to one client', async () => {
    const broker = await openBroker({ hub: 32 });
    const producer = openProducerClient(broker, 'hub');
    const ids = await producer.getPartitionIds();
    expect(ids).toEqual(Array.from({ length: 32 }, (_, index) => String(index)));
    await Promise.all(ids.map((partitionId) => producer.sendBatch([{ body: partitionId }], { partitionId })));
    const consumer = openConsumerClient(broker, 'hub');
    const readings = ids.map((id) => read(consumer, id));
    await until('one event a partition', () => readings.every(({ events }) => events.length === 1));
    expect(readings.map(({ events }) => events[0]?.body)).toEqual(ids);
  });

  it('delivers tens of thousands of events in order, to two consumer groups at once', async () => {
    const broker = await openBroker({ hub: 1 });
    const producer = openProducerClient(broker, 'hub');
    const readings = ['$Default', 'group'].map((group) =>
      read(openConsumerClient(broker, 'hub', group), '0', { maxBatchSize: 1000 }),
    );
    for (let n = 0; n < 30; n += 1) {
      await producer.sendBatch(Array.from({ length: 1000 }, (_, index) => ({ body: n * 1000 + index })));
    }
    await until('all events', () => readings.every(({ events }) => events.length >= 30_000), 25);
    for (const { events } of readings) {
      expect(
        events.findIndex(({ body, sequenceNumber }, index) => body !== index || sequenceNumber !== index),
      ).toBe(-1);
    }
  });

  it('refuses unknown hubs, consumer groups and partitions', async () => {
    const broker = await openBroker({ hub: 2 });
    const cases: [hub: string, group: string, partitionId: string, code: string][] = [
      ['other', '$Default', '0', 'MessagingEntityNotFoundError'],
      ['hub', 'nobody', '0', 'MessagingEntityNotFoundError'],
      ['hub', '$Default', '2', 'ArgumentOutOfRangeError'],
    ];
    for (const [hub, group, partitionId, code] of cases) {
      const reading = read(openConsumerClient(broker, hub, group), partitionId);
      await until(`the refusal of ${hub}/${group}/${partitionId}`, () => reading.errors.length > 0);
      expect(reading.errors[0]).toMatchObject({ code });
      await reading.close();
    }
  });
});
