import { EventHubBufferedProducerClient, EventHubProducerClient } from '@azure/event-hubs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Broker } from '../../../local/broker/broker';
import { partitionOfKey } from '../../../src/lib/sources/partitionOfKey';
import { closeAll, openBroker, openConsumerClient, openProducerClient, readSome, retry } from './clients';

afterEach(closeAll);

const lastSequences = (broker: Broker, hub: string): number[] =>
  broker.stats().hubs[hub]?.partitions.map(({ last }) => last) ?? [];

describe('sending', () => {
  it('keeps every property of an event, with its type', async () => {
    const broker = await openBroker({ hub: 1 });
    const properties = {
      text: 'é',
      int: 42,
      big: 2 ** 40,
      half: 0.5,
      yes: true,
      when: new Date(1_700_000_000_123),
    };
    await openProducerClient(broker, 'hub').sendBatch([
      {
        body: Buffer.from([0, 255, 1]),
        properties,
        messageId: 'id-1',
        correlationId: 'c-1',
        contentType: 'application/octet-stream',
      },
    ]);
    const [event] = await readSome(openConsumerClient(broker, 'hub'), '0', 1);
    expect(Buffer.from(event?.body)).toEqual(Buffer.from([0, 255, 1]));
    expect(event?.properties).toEqual({ ...properties, when: properties.when.getTime() });
    expect(event?.messageId).toBe('id-1');
    expect(event?.correlationId).toBe('c-1');
    expect(event?.contentType).toBe('application/octet-stream');
    expect(event?.partitionKey).toBeUndefined();
    expect(Math.abs(Date.now() - (event?.enqueuedTimeUtc.getTime() ?? 0))).toBeLessThan(60_000);
  });

  it('keeps annotations of the sender and overrides those of the service', async () => {
    const broker = await openBroker({ hub: 1 });
    const producer = openProducerClient(broker, 'hub');
    const batch = await producer.createBatch();
    const added = batch.tryAdd({
      body: Buffer.from('"x"'),
      bodyType: 'data',
      header: { timeToLive: 1000, priority: 3 },
      messageAnnotations: { custom: 'kept', 'x-opt-offset': 'forged', 'x-opt-sequence-number': 77 },
    });
    expect(added).toBe(true);
    await producer.sendBatch(batch);
    const [event] = await readSome(openConsumerClient(broker, 'hub'), '0', 1);
    expect(event?.getRawAmqpMessage().messageAnnotations?.custom).toBe('kept');
    expect(event?.getRawAmqpMessage().header?.priority).toBe(3);
    expect(event?.sequenceNumber).toBe(0);
    expect(event?.offset).toBe('0');
  });

  it('puts every event of a key into the partition that the SDK computes for it', async () => {
    const broker = await openBroker({ direct: 7, buffered: 7 });
    const keys = ['', 'a', 'session-1', 'session-2', 'bitcoin', 'ключ', 'k'.repeat(100)].filter(Boolean);
    const direct = openProducerClient(broker, 'direct');
    for (const partitionKey of keys) await direct.sendBatch([{ body: partitionKey }], { partitionKey });
    const buffered = new EventHubBufferedProducerClient(broker.connectionString('buffered'), {
      onSendEventsErrorHandler: async ({ error }) => {
        throw error;
      },
      retryOptions: retry,
    });
    for (const partitionKey of keys) await buffered.enqueueEvent({ body: partitionKey }, { partitionKey });
    await buffered.close({ flush: true });
    expect(lastSequences(broker, 'direct')).toEqual(lastSequences(broker, 'buffered'));
    const partition = partitionOfKey(Buffer.from('bitcoin'), 7);
    const events = await readSome(openConsumerClient(broker, 'direct'), String(partition), 1);
    expect(events.find((event) => event.body === 'bitcoin')?.partitionKey).toBe('bitcoin');
  });

  it('spreads batches without key or partition over all partitions', async () => {
    const broker = await openBroker({ hub: 4 });
    const producer = openProducerClient(broker, 'hub');
    for (let n = 0; n < 8; n += 1) await producer.sendBatch([{ body: n }]);
    expect(lastSequences(broker, 'hub')).toEqual([1, 1, 1, 1]);
  });

  it('takes full batches and bodies of 1 MB, and reads them back whole', async () => {
    const broker = await openBroker({ hub: 1 });
    const producer = openProducerClient(broker, 'hub');
    const body = Buffer.alloc(1_000_000, 'tributary');
    await producer.sendBatch([{ body }]);
    const batch = await producer.createBatch();
    expect(batch.maxSizeInBytes).toBe(1024 * 1024);
    while (batch.tryAdd({ body: { n: batch.count, text: 'x'.repeat(300) } }));
    await producer.sendBatch(batch);
    const events = await readSome(openConsumerClient(broker, 'hub'), '0', batch.count + 1);
    expect(body.equals(events[0]?.body)).toBe(true);
    expect(events.at(-1)?.body.n).toBe(batch.count - 1);
  });

  it('refuses a message above 1 MiB as too large, and the link lives on', async () => {
    const broker = await openBroker({ hub: 1 });
    const producer = openProducerClient(broker, 'hub');
    await expect(producer.sendBatch([{ body: Buffer.alloc(1024 * 1024) }])).rejects.toMatchObject({
      code: 'MessageTooLargeError',
    });
    await producer.sendBatch([{ body: 'small' }]);
    expect(lastSequences(broker, 'hub')).toEqual([0]);
  });

  it('refuses an unknown hub and a partition that the hub does not have', async () => {
    const broker = await openBroker({ hub: 2 });
    await expect(openProducerClient(broker, 'other').sendBatch([{ body: 1 }])).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    });
    const producer = openProducerClient(broker, 'hub');
    await expect(producer.sendBatch([{ body: 1 }], { partitionId: '2' })).rejects.toMatchObject({
      code: 'ArgumentOutOfRangeError',
    });
  });

  it('refuses a wrong key and a wrong key name', async () => {
    const broker = await openBroker({ hub: 1 });
    const right = broker.connectionString('hub');
    for (const wrong of [right.replace('SAS_KEY_VALUE', 'WRONG'), right.replace('RootManage', 'Other')]) {
      const producer = new EventHubProducerClient(wrong, { retryOptions: { ...retry, maxRetries: 0 } });
      await expect(producer.sendBatch([{ body: 1 }])).rejects.toMatchObject({ code: 'UnauthorizedError' });
      await producer.close();
    }
  });

  it('takes the names of hubs in any case', async () => {
    const broker = await openBroker({ Clicks: 1 });
    await openProducerClient(broker, 'cLICKS').sendBatch([{ body: 'x' }]);
    expect(await readSome(openConsumerClient(broker, 'CLICKS', 'GROUP'), '0', 1)).toHaveLength(1);
  });
});
