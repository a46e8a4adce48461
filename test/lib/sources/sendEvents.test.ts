import { createServer } from 'node:net';
import {
  EventHubConsumerClient,
  EventHubProducerClient,
  earliestEventPosition,
  type ReceivedEventData,
} from '@azure/event-hubs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Broker, startBroker } from '../../../local/broker/broker';
import { parseConfig } from '../../../local/broker/config';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { createClickSimulator } from '../../../src/lib/sources/clickSimulator';
import { partitionOfKey } from '../../../src/lib/sources/partitionOfKey';
import {
  type EventProducer,
  type OutgoingEvent,
  openProducer,
  SendError,
  sendEvents,
} from '../../../src/lib/sources/sendEvents';

const hubNames = ['clicks', 'keys', 'large', 'down', 'shared', 'sendOnly'];
const config = parseConfig({
  UserConfig: {
    NamespaceConfig: [
      {
        Type: 'EventHub',
        Name: 'ns',
        Entities: hubNames.map((Name) => ({ Name, PartitionCount: 4, ConsumerGroups: [{ Name: 'group' }] })),
      },
    ],
  },
});

let broker: Broker;
const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  broker = await startBroker({ port: 0, config });
});
afterEach(async () => {
  for (const closable of open.splice(0)) await closable.close();
});
afterAll(() => broker.close());

function producerOf(hub: string, connectionString = broker.connectionString()): EventProducer {
  const producer = openProducer({ connectionString }, hub);
  open.push(producer);
  return producer;
}

/** All events of a hub by partition id, once there are as many as expected. */
async function readBack(hub: string, expected: number): Promise<Map<string, ReceivedEventData[]>> {
  const consumer = new EventHubConsumerClient('$Default', broker.connectionString(), hub);
  open.unshift(consumer);
  const found = new Map<string, ReceivedEventData[]>();
  let count = 0;
  await new Promise<void>((resolve, reject) => {
    consumer.subscribe(
      {
        processEvents: async (events, context) => {
          found.set(context.partitionId, [...(found.get(context.partitionId) ?? []), ...events]);
          count += events.length;
          if (count >= expected) resolve();
        },
        processError: async (error) => reject(error),
      },
      { startPosition: earliestEventPosition, maxBatchSize: 1000, maxWaitTimeInSeconds: 1 },
    );
  });
  return found;
}

const failureOf = async (sending: Promise<number>): Promise<SendError> => {
  const error: unknown = await sending.then(
    (accepted) => `accepted ${accepted}`,
    (reason: unknown) => reason,
  );
  if (error instanceof SendError) return error;
  throw new Error(`expected a SendError, got ${String(error)}`);
};

describe('sending', () => {
  it('puts 20,000 clicks of as many sessions into the hub unchanged, a session in one partition and in order', async () => {
    const start = Date.UTC(2026, 0, 1);
    const simulator = createClickSimulator({ now: start, seed: 1 });
    const clicks = [simulator.tick(start + 60_000, 100), simulator.tick(start + 61_000, 14_000)];
    const producer = producerOf('clicks');
    for (const tick of clicks) {
      const events = tick.map((click) => ({ body: click, partitionKey: String(click.sessionid) }));
      expect(await sendEvents(producer, events)).toBe(tick.length);
    }
    const received = await readBack('clicks', 20_000);
    const bodies = [...received.values()].flatMap((events) => events.map((event) => event.body));
    const byTime = (a: { timestamp: string }, b: { timestamp: string }) =>
      a.timestamp < b.timestamp ? -1 : 1;
    expect(bodies.toSorted(byTime)).toEqual(clicks.flat().toSorted(byTime));
    expect(received.size).toBe(4);

    const partitionOf = new Map<number, string>();
    for (const [partition, events] of received) {
      expect(events.map((event) => event.body.timestamp)).toEqual(
        events.map((event) => event.body.timestamp).toSorted(),
      );
      for (const { body } of events) {
        expect(partitionOf.get(body.sessionid) ?? partition).toBe(partition);
        partitionOf.set(body.sessionid, partition);
      }
    }
  });

  it('sends a key to the partition that the service chooses for it', async () => {
    const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`);
    const plain = new EventHubProducerClient(broker.connectionString(), 'keys');
    open.push(plain);
    for (const key of keys) await plain.sendBatch([{ body: { key } }], { partitionKey: key });
    await sendEvents(
      producerOf('keys'),
      keys.map((key) => ({ body: { key }, partitionKey: key })),
    );
    const received = await readBack('keys', 80);
    for (const events of received.values()) {
      const counts = Map.groupBy(events, (event) => event.body.key);
      for (const [key, copies] of counts) expect([key, copies.length]).toEqual([key, 2]);
    }
  });

  it('sends all others when an event is too large, and names that one', async () => {
    const events: OutgoingEvent[] = Array.from({ length: 30 }, (_, i) => ({
      body: { i, filler: 'x'.repeat(i === 7 ? 1_100_000 : 200_000) },
      partitionKey: i === 7 ? 'the big one' : `key ${i}`,
    }));
    const error = await failureOf(sendEvents(producerOf('large'), events));
    expect(error.code).toBe('hub.oversize');
    expect(error.retriable).toBe(false);
    expect(error.accepted).toBe(29);
    expect(error.message).toMatch(/"the big one" has 1100019 bytes, and 1048576 is the most/);
    const received = await readBack('large', 29);
    const numbers = [...received.values()].flatMap((sent) => sent.map((event) => event.body.i));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(events.map((_, i) => i).filter((i) => i !== 7));
  });

  it('needs no other right than to send: with every event in the partition of its key, and in order', async () => {
    const keys = Array.from({ length: 200 }, (_, i) => `key ${i % 100}`);
    const producer = producerOf('sendOnly', broker.connectionString(undefined, 'send'));
    const events = keys.map((key, n) => ({ body: { key, n }, partitionKey: key }));
    expect(await sendEvents(producer, events)).toBe(200);
    const received = await readBack('sendOnly', 200);
    for (const [partition, own] of received)
      for (const [key, [first, second, ...others]] of Map.groupBy(own, ({ body }) => String(body.key))) {
        expect([key, String(partitionOfKey(key, 4)), others]).toEqual([key, partition, []]);
        expect(second?.body.n).toBe(first?.body.n + 100);
      }
  });

  it('of nothing needs no connection', async () => {
    const nowhere =
      'Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true';
    expect(await sendEvents(producerOf('clicks', nowhere), [])).toBe(0);
  });

  it('fails with a retriable error while the broker is away, and works once it is back', async () => {
    const first = await startBroker({ port: 0, config });
    const { port } = first;
    const producer = producerOf('down', first.connectionString());
    const events = [{ body: { n: 1 }, partitionKey: 'a' }];
    expect(await sendEvents(producer, events)).toBe(1);
    await first.close();
    const error = await failureOf(sendEvents(producer, events));
    expect(error.code).toBe('hub.unavailable');
    expect(error.retriable).toBe(true);
    expect(error.message).toMatch(/^Hub down acknowledged 0 of 1 events: \S/);
    const second = await startBroker({ port, config });
    try {
      expect(await sendEvents(producer, events)).toBe(1);
      expect(second.stats().hubs.down?.accepted).toBe(1);
    } finally {
      await producer.close();
      await second.close();
    }
  }, 60_000);

  it('finds the partitions of a hub that came back with fewer of them', async () => {
    const first = await startBroker({ port: 0, config });
    const producer = producerOf('down', first.connectionString());
    const events = Array.from({ length: 50 }, (_, n) => ({ body: { n }, partitionKey: `key ${n}` }));
    expect(await sendEvents(producer, events)).toBe(50);
    await first.close();
    const smaller = { ...config, hubs: config.hubs.map((hub) => ({ ...hub, partitionCount: 2 })) };
    const second = await startBroker({ port: first.port, config: smaller });
    try {
      const error = await failureOf(sendEvents(producer, events));
      expect(error.accepted).toBeLessThan(50);
      expect(await sendEvents(producer, events)).toBe(50);
      expect(second.stats().hubs.down?.accepted).toBe(error.accepted + 50);
    } finally {
      await producer.close();
      await second.close();
    }
  }, 60_000);

  it('fails within its deadline when something accepts the connection and never answers', async () => {
    const silent = createServer();
    const port = await listenOnLoopback(silent);
    const connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true`;
    const producer = openProducer({ connectionString }, 'silent');
    const error = await failureOf(sendEvents(producer, [{ body: {}, partitionKey: 'a' }], { limitMs: 500 }));
    expect([error.code, error.message]).toEqual([
      'hub.unavailable',
      'Hub silent acknowledged 0 of 1 events: no answer in time',
    ]);
    const closing = performance.now();
    await producer.close();
    expect(performance.now() - closing).toBeLessThan(5000);
    silent.close();
  }, 15_000);

  it('throws hub.refused for a missing hub and for a wrong key, without showing a key', async () => {
    const events = [{ body: { n: 1 }, partitionKey: 'a' }];
    const missing = await failureOf(sendEvents(producerOf('missing'), events));
    expect(missing.code).toBe('hub.refused');
    expect(missing.message).toBe('Hub missing acknowledged 0 of 1 events: there is none of this name.');
    const wrong = broker.connectionString().replace('SAS_KEY_VALUE', 'WRONG_KEY_VALUE');
    const refused = await failureOf(sendEvents(producerOf('clicks', wrong), events));
    expect(refused.code).toBe('hub.refused');
    expect(`${refused.message} ${String(refused.cause)}`).not.toContain('WRONG_KEY_VALUE');
  }, 60_000);
});

describe('the producer of a hub', () => {
  it('is one per process until it is closed', async () => {
    const namespace = { connectionString: broker.connectionString() };
    const producer = openProducer(namespace, 'shared');
    expect(openProducer({ ...namespace }, 'shared')).toBe(producer);
    expect(openProducer(namespace, 'clicks')).not.toBe(producer);
    await producer.close();
    const next = openProducer(namespace, 'shared');
    expect(next).not.toBe(producer);
    await next.close();
  });

  it('connects once for sends that begin together', async () => {
    const producer = producerOf('shared');
    const [a, b] = await Promise.all([producer.connect(10_000), producer.connect(10_000)]);
    expect(a.client).toBe(b.client);
  });

  it('can be opened with a host name and an identity', async () => {
    const producer = openProducer({ fullyQualifiedNamespace: 'ns.servicebus.windows.net' }, 'clicks');
    await producer.close();
    expect(producer.hub).toBe('clicks');
  });
});
