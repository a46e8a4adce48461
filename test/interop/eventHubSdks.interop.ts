import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { type Broker, startBroker } from '../../local/broker/broker';
import { parseConfig } from '../../local/broker/config';
import { Peer } from '../kit/peer';

/*
 * The broker with Python's SDK, which has an AMQP client of its own, beside the SDK of JavaScript.
 */

let azurite: Azurite;
let broker: Broker;
let peer: Peer;
beforeAll(async () => {
  const Entities = ['sync', 'async', 'kinds'].map((Name) => ({
    Name,
    PartitionCount: 4,
    ConsumerGroups: [],
  }));
  const NamespaceConfig = [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }];
  azurite = await startAzurite();
  broker = await startBroker({ port: 0, config: parseConfig({ UserConfig: { NamespaceConfig } }) });
  peer = new Peer('test/interop/eventHubPeer.py');
  const storage = BlobServiceClient.fromConnectionString(azurite.connectionString);
  await storage.getContainerClient('python-checkpoints').createIfNotExists();
});
afterAll(async () => {
  await peer.close();
  await broker.close();
  await azurite.close();
});

/** A partition, a sequence number and a body. */
type Received = readonly [string, number, string];

const bodies = (from: string) =>
  Array.from({ length: 500 }, (_, n) => `{"from":"${from}","n":${n},"é":"😀"}`);

/** Every event of a hub, as the SDK of JavaScript receives them. */
async function receiveHere(hub: string, count: number): Promise<Received[]> {
  const client = new EventHubConsumerClient('$Default', broker.connectionString(hub));
  const events: Received[] = [];
  await new Promise<void>((resolve, reject) => {
    const subscription = client.subscribe(
      {
        processEvents: async (batch, { partitionId }) => {
          for (const { sequenceNumber, body } of batch)
            events.push([partitionId, sequenceNumber, JSON.stringify(body)]);
          if (events.length >= count) void subscription.close().then(resolve);
        },
        processError: async (error) => reject(error),
      },
      { startPosition: { offset: '-1' }, maxWaitTimeInSeconds: 1 },
    );
  });
  await client.close();
  return events;
}

const sorted = (events: readonly Received[]) => events.map((event) => JSON.stringify(event)).sort();

describe.each([
  ['sync', 'send', 'receive'],
  ['async', 'send_asynchronously', 'receive_asynchronously'],
])("Python's azure-eventhub, %s", (hub, send, receive) => {
  const connection = () => broker.connectionString();

  it('reads the properties of a hub', async () => {
    expect(await peer.call('properties', { connection: connection(), hub })).toEqual({
      hub,
      partitions: ['0', '1', '2', '3'],
    });
  });

  it('sends and receives the events that JavaScript receives and sends, once, with its checkpoints in blobs', async () => {
    const storage = azurite.connectionString;
    const producer = new EventHubProducerClient(broker.connectionString(hub));
    await producer.sendBatch(bodies('JavaScript').map((body) => ({ body: JSON.parse(body) })));
    await peer.call(send, { connection: connection(), hub, bodies: bodies('Python'), key: null });
    const first = await peer.call<Received[]>(receive, {
      connection: connection(),
      hub,
      storage,
      count: 1000,
    });
    expect(sorted(first)).toEqual(sorted(await receiveHere(hub, 1000)));
    expect(first.map(([, , body]) => body).sort()).toEqual(
      [...bodies('JavaScript'), ...bodies('Python')].sort(),
    );

    await producer.sendBatch(bodies('again').map((body) => ({ body: JSON.parse(body) })));
    await producer.close();
    const second = await peer.call<Received[]>(receive, {
      connection: connection(),
      hub,
      storage,
      count: 500,
    });
    expect(second.map(([, , body]) => body).sort()).toEqual(bodies('again').sort());
  });

  it('puts a partition key into the partition where JavaScript puts it', async () => {
    const keys = ['a', 'shop-17', 'é', '😀'];
    const producer = new EventHubProducerClient(broker.connectionString(hub));
    for (const key of keys) {
      const body = JSON.stringify(key);
      await producer.sendBatch([{ body: key }], { partitionKey: key });
      await peer.call(send, { connection: connection(), hub, bodies: [body], key });
    }
    await producer.close();
    const events = (await receiveHere(hub, 1508)).filter(([, , body]) => body.startsWith('"'));
    for (const key of keys) {
      const partitions = events.flatMap(([partition, , body]) =>
        JSON.parse(body) === key ? [partition] : [],
      );
      expect([key, partitions.length, new Set(partitions).size]).toEqual([key, 2, 1]);
    }
  });
});

it('bodies of every kind that AMQP has come back to Python as they were sent', async () => {
  const hub = { connection: broker.connectionString(), hub: 'kinds' };
  await peer.call('send_kinds', hub);
  expect(await peer.call('receive_kinds', { ...hub, count: 3 })).toEqual([
    ['data', ['one', 'two']],
    ['value', { n: 7, nested: ['é', null] }],
    ['sequence', [[1, 'two'], [3.5]]],
  ]);
});
