import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Broker, startBroker } from '../../../local/broker/broker';
import {
  closeAll,
  configOf,
  openBroker,
  openConsumerClient,
  openProducerClient,
  read,
  readSome,
  retry,
  until,
} from './clients';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'broker-'));
});
afterEach(async () => {
  await closeAll();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The SDK wraps the errors of several attempts into one, even several times. */
const isRefused = (error: unknown): boolean =>
  error instanceof AggregateError
    ? error.errors.every(isRefused)
    : (error as { code?: unknown }).code === 'UnauthorizedError';

describe('the broker', () => {
  it('answers a hub’s creation time and partitions, and the ends of each partition', async () => {
    const before = Date.now();
    const broker = await openBroker({ hub: 3 });
    const client = openConsumerClient(broker, 'hub');
    const hub = await client.getEventHubProperties();
    expect(hub).toMatchObject({ name: 'hub', partitionIds: ['0', '1', '2'] });
    expect(hub.createdOn.getTime()).toBeGreaterThanOrEqual(before);
    expect(hub.createdOn).toEqual(broker.stats().hubs.hub?.createdOn);
    expect(await client.getPartitionProperties('1')).toMatchObject({
      eventHubName: 'hub',
      partitionId: '1',
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: -1,
      lastEnqueuedOffset: '-1',
      isEmpty: true,
    });
    await openProducerClient(broker, 'hub').sendBatch([{ body: 1 }, { body: 2 }], { partitionId: '1' });
    const [, event] = await readSome(client, '1', 2);
    expect(await client.getPartitionProperties('1')).toMatchObject({
      lastEnqueuedSequenceNumber: 1,
      lastEnqueuedOffset: event?.offset,
      lastEnqueuedOnUtc: event?.enqueuedTimeUtc,
      isEmpty: false,
    });
  });

  it('enqueues no event before its hub was made, though that may lie ahead of the clock', async () => {
    const broker = await openBroker({ hub: 1 });
    // Each is made after the one before, so in the same millisecond they run ahead.
    for (let n = 0; n < 3_000; n += 1) broker.recreateHub('hub');
    await openProducerClient(broker, 'hub').sendBatch([{ body: 1 }]);
    const [event] = await readSome(openConsumerClient(broker, 'hub'), '0', 1);
    const createdOn = broker.stats().hubs.hub?.createdOn;
    expect(createdOn?.getTime()).toBeGreaterThan(Date.now());
    expect(event?.enqueuedTimeUtc).toEqual(createdOn);
  });

  it('answers for unknown hubs, bad partitions and wrong keys with the codes that the SDK maps', async () => {
    const broker = await openBroker({ hub: 1 });
    await expect(openConsumerClient(broker, 'other').getPartitionIds()).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    });
    await expect(openConsumerClient(broker, 'hub').getPartitionProperties('7')).rejects.toMatchObject({
      code: 'ArgumentOutOfRangeError',
    });
    const wrong = broker.connectionString('hub').replace('SAS_KEY_VALUE', 'WRONG');
    const client = new EventHubConsumerClient('$Default', wrong, {
      retryOptions: { ...retry, maxRetries: 0 },
    });
    await expect(client.getPartitionIds()).rejects.toMatchObject({ code: 'UnauthorizedError' });
    await client.close();
  });

  it('has a policy that may only listen and one that may only send', async () => {
    const broker = await openBroker({ hub: 1 });
    const as = (policy: string) => ({ connectionString: () => broker.connectionString('hub', policy) });
    const [sender, listener] = [
      openProducerClient(as('send'), 'hub'),
      openProducerClient(as('listen'), 'hub'),
    ];
    await sender.sendBatch([{ body: 'sent' }]);
    await expect(listener.sendBatch([{ body: 'not sent' }])).rejects.toSatisfy(isRefused);
    await expect(sender.getPartitionIds()).rejects.toSatisfy(isRefused);
    expect(await listener.getPartitionIds()).toEqual(['0']);
    const [event] = await readSome(openConsumerClient(as('listen'), 'hub'), '0', 1);
    expect(event?.body).toBe('sent');
    await expect(readSome(openConsumerClient(as('send'), 'hub'), '0', 1)).rejects.toSatisfy(isRefused);
  });

  it('refuses a port in use with one line that names it', async () => {
    const broker = await openBroker({ hub: 1 });
    await expect(openBroker({ hub: 1 }, { port: broker.port })).rejects.toThrow(
      `Port ${broker.port} on 127.0.0.1 is in use.`,
    );
  });

  it('keeps events, numbers and creation time over a restart, and clients reconnect by themselves', async () => {
    const first = await startBroker({ port: 0, config: configOf({ hub: 2 }), dataDir });
    const producer = openProducerClient(first, 'hub');
    await producer.sendBatch([{ body: 'a' }, { body: 'b' }], { partitionId: '0' });
    const reading = read(openConsumerClient(first, 'hub'), '0');
    await until('both events', () => reading.events.length === 2);
    const stats = first.stats();
    await first.close();

    const second = await openBroker({ hub: 2 }, { port: first.port, dataDir });
    expect(second.stats().hubs.hub).toEqual({ ...stats.hubs.hub, delivered: 0 });
    await producer.sendBatch([{ body: 'c' }], { partitionId: '0' });
    await until('the third event', () => reading.events.length >= 3);
    expect(reading.events.map(({ body, sequenceNumber }) => [body, sequenceNumber])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    const again = await readSome(openConsumerClient(second, 'hub'), '0', 3);
    expect(again.map(({ offset, enqueuedTimeUtc }) => [offset, enqueuedTimeUtc])).toEqual(
      reading.events.map(({ offset, enqueuedTimeUtc }) => [offset, enqueuedTimeUtc]),
    );
  });

  it('drops a torn tail when it starts and says so', async () => {
    const first = await startBroker({ port: 0, config: configOf({ hub: 1 }), dataDir });
    const producer = openProducerClient(first, 'hub');
    await producer.sendBatch([{ body: 'whole' }, { body: 'torn' }]);
    await producer.close();
    await first.close();
    const path = findLog(dataDir);
    truncateSync(path, statSync(path).size - 1);
    const second = await openBroker({ hub: 1 }, { dataDir });
    expect(second.stats().hubs.hub?.partitions).toEqual([{ begin: 0, last: 0 }]);
    await openProducerClient(second, 'hub').sendBatch([{ body: 'next' }]);
    const events = await readSome(openConsumerClient(second, 'hub'), '0', 2);
    expect(events.map(({ body }) => body)).toEqual(['whole', 'next']);
  });

  it('refuses to open a hub with fewer partitions than it has on disk, and frees the port', async () => {
    await (await startBroker({ port: 0, config: configOf({ hub: 4 }), dataDir })).close();
    await expect(openBroker({ hub: 2 }, { dataDir })).rejects.toThrow(
      /hub hub has 4 partitions in .*, the configuration says 2/,
    );
    const wider = await openBroker({ hub: 5 }, { dataDir });
    expect(wider.stats().hubs.hub?.partitions).toHaveLength(5);
  });

  it('makes a hub again: empty, created later, and positions of the old one are invalid', async () => {
    const broker = await openBroker({ hub: 1 }, { dataDir });
    const producer = openProducerClient(broker, 'hub');
    await producer.sendBatch([{ body: 'old' }, { body: 'old' }]);
    const reading = read(openConsumerClient(broker, 'hub'), '0');
    await until('the old events', () => reading.events.length === 2);
    const old = await producer.getEventHubProperties();

    expect(broker.recreateHub('HUB')).toBe(true);
    expect(broker.recreateHub('other')).toBe(false);
    await until('the end of the reader', () => reading.errors.length > 0);
    await reading.close();
    const made = await producer.getEventHubProperties();
    expect(made.createdOn.getTime()).toBeGreaterThan(old.createdOn.getTime());
    const stale = read(openConsumerClient(broker, 'hub'), '0', { startPosition: { sequenceNumber: 1 } });
    await until('the refusal', () => stale.errors.length > 0);
    expect(stale.errors[0]?.code).toBe('ArgumentError');
    await stale.close();
    await producer.sendBatch([{ body: 'new' }]);
    const events = await readSome(openConsumerClient(broker, 'hub'), '0', 1);
    expect(events.map(({ body, sequenceNumber, offset }) => [body, sequenceNumber, offset])).toEqual([
      ['new', 0, '0'],
    ]);
    await broker.close();
    const again = await openBroker({ hub: 1 }, { dataDir });
    expect(again.stats().hubs.hub).toMatchObject({ accepted: 1, createdOn: made.createdOn });
  });

  it('gives every generation of a hub a creation time of its own', async () => {
    const broker = await openBroker({ hub: 1 }, { dataDir });
    const times: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      broker.recreateHub('hub');
      times.push(broker.stats().hubs.hub?.createdOn.getTime() ?? 0);
    }
    expect(new Set(times).size).toBe(20);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
  });

  it('expires events, for readers and for good', async () => {
    const broker = await openBroker({ hub: 1 }, { dataDir });
    const producer = openProducerClient(broker, 'hub');
    await producer.sendBatch([0, 1, 2, 3, 4].map((body) => ({ body })));
    expect(broker.truncate('hub', '0', 3)).toBe(true);
    expect(broker.truncate('hub', '1', 3)).toBe(false);
    const events = await readSome(openConsumerClient(broker, 'hub'), '0', 2);
    expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([3, 4]);
    const { beginningSequenceNumber, isEmpty } = await producer.getPartitionProperties('0');
    expect([beginningSequenceNumber, isEmpty]).toEqual([3, false]);
    await broker.close();
    const again = await openBroker({ hub: 1 }, { dataDir });
    expect(again.stats().hubs.hub?.partitions).toEqual([{ begin: 3, last: 4 }]);
  });

  it('survives clients that speak something else or vanish', async () => {
    const broker = await openBroker({ hub: 1 });
    await sendGarbage(broker, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await sendGarbage(
      broker,
      Buffer.from('AMQP\x00\x01\x00\x00\x00\x00\x00\x09\x02\x00\x00\x00\x99', 'latin1'),
    );
    await openProducerClient(broker, 'hub').sendBatch([{ body: 'x' }]);
    expect(broker.stats().hubs.hub?.accepted).toBe(1);
  });
});

function findLog(dir: string): string {
  const path = readdirSync(dir, { recursive: true }).find((name) => String(name).endsWith('.log'));
  if (!path) throw new Error(`no log in ${dir}`);
  return join(dir, String(path));
}

async function sendGarbage(broker: Broker, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect(broker.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    setTimeout(() => socket.destroy(), 200);
  });
}
