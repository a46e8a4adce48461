import { EventHubProducerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, test } from 'vitest';
import {
  batches,
  HubStand,
  justPrint,
  numbers,
  patient,
  printBatch,
  register,
  sequenceNumbers,
} from './hubStand';

const printWithMetadata = register(
  'async (bodies, context) => print(bodies, context, { metadata: context.triggerMetadata })',
);
const printAfterTwoSeconds = register(
  `async (bodies, context) => { context.log('begun'); await new Promise((done) => setTimeout(done, 2000)); print(bodies, context); }`,
);

let stand: HubStand;
beforeAll(async () => {
  stand = await HubStand.start();
});
afterAll(() => stand?.close());

describe.concurrent('a partition', { timeout: 60_000 }, () => {
  test('hands over bytes and metadata, one entry per event, and writes the checkpoint', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: printWithMetadata,
    });
    const producer = new EventHubProducerClient(stand.broker.connectionString(), hub);
    await producer.sendBatch(
      [
        { body: Buffer.from('not json') },
        { body: Buffer.alloc(0) },
        { body: { a: 1 }, properties: { Kind: 'x' } },
      ],
      { partitionKey: 'key' },
    );
    await producer.close();
    const host = await start();
    await expect.poll(() => sequenceNumbers(host), patient).toEqual([0, 1, 2]);
    const [batch] = batches(host);
    expect(batch?.bodies).toEqual(['not json', '', '{"a":1}']);
    expect(batch?.metadata.partitionContext).toEqual({
      fullyQualifiedNamespace: '127.0.0.1',
      eventHubName: hub,
      consumerGroup: 'tributary',
      partitionId: batch?.partitionId,
    });
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?$/);
    const system = (sequenceNumber: number) =>
      expect.objectContaining({
        sequenceNumber,
        offset: expect.anything(),
        partitionKey: 'key',
        enqueuedTimeUtc: time,
      });
    expect(batch?.metadata).toMatchObject({
      systemPropertiesArray: [system(0), system(1), system(2)],
      sequenceNumberArray: [0, 1, 2],
      partitionKeyArray: ['key', 'key', 'key'],
      propertiesArray: [{}, {}, { kind: 'x' }],
      enqueuedTimeUtcArray: [time, time, time],
    });
    await expect
      .poll(() => stand.checkpointOf(hub, batch?.partitionId), patient)
      .toMatchObject({ sequencenumber: '2', offset: expect.stringMatching(/^\d+$/) });
  });

  test("passes the sender's annotations beside the service's values, and leaves out empty texts", async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: printWithMetadata,
    });
    const producer = new EventHubProducerClient(stand.broker.connectionString(), hub);
    const forged = {
      body: 'a',
      bodyType: 'data',
      messageAnnotations: { sequenceNumber: 1_000_000 },
    } as const;
    await producer.sendBatch([forged, { body: 'b' }], { partitionId: '0' });
    await producer.close();
    const host = await start();
    await expect.poll(() => sequenceNumbers(host), patient).toEqual([0, 1]);
    expect(batches(host)[0]?.metadata).toMatchObject({
      systemPropertiesArray: [{ sequenceNumber: 1_000_000 }, { sequenceNumber: 1 }],
      sequenceNumberArray: [0, 1],
      partitionKeyArray: [],
    });
  });

  test('the checkpoint moves on although the function failed, but only when its retries have ended', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: register(
        `async (bodies, context) => { print(bodies, context); if (bodies.some((body) => String(body) === '0')) throw new Error('bad zero'); }`,
        `retry: { strategy: 'fixedDelay', maxRetryCount: 2, delayInterval: { milliseconds: 1400 } }`,
      ),
    });
    await stand.send(hub, [0, 1]);
    const host = await start();
    await expect.poll(() => batches(host).length, patient).toBe(2);
    expect(await stand.checkpointOf(hub)).toBeUndefined();
    await expect.poll(async () => (await stand.checkpointOf(hub))?.sequencenumber, patient).toBe('1');
    const [first, second, third] = batches(host);
    expect(first?.retry).toEqual({ retryCount: 0, maxRetryCount: 2 });
    expect(second?.retry).toMatchObject({ retryCount: 1, exception: { message: 'bad zero' } });
    expect(third?.retry).toMatchObject({ retryCount: 2, maxRetryCount: 2 });
    await stand.send(hub, [2]);
    await expect.poll(() => sequenceNumbers(host), patient).toEqual([0, 1, 0, 1, 0, 1, 2]);
    expect(await (await fetch(`${host.url}/admin/host/status`)).json()).toMatchObject({
      state: 'Running',
      functions: [{ name: 'ingest', type: 'eventHubTrigger' }],
      eventHubs: { ingest: { batches: 2, events: 3, failures: 3, partitions: ['0', '1', '2', '3'] } },
    });
  });

  test('retries without limit, further and further apart, until the function succeeds', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: register(
        `async (bodies, context) => { print(bodies, context); if (context.retryContext.retryCount < 3) throw new Error('not yet'); }`,
        `retry: { strategy: 'exponentialBackoff', maxRetryCount: -1, minimumInterval: { seconds: 1 }, maximumInterval: { seconds: 2 } }`,
      ),
    });
    await stand.send(hub, [0]);
    const host = await start();
    await expect.poll(async () => (await stand.checkpointOf(hub))?.sequencenumber, patient).toBe('0');
    const runs = batches(host);
    expect(runs.map((run) => [run.retry?.retryCount, run.retry?.maxRetryCount])).toEqual([
      [0, -1],
      [1, -1],
      [2, -1],
      [3, -1],
    ]);
    const gaps = runs.slice(1).map((run, i) => run.at - (runs[i]?.at ?? 0));
    expect(gaps.every((gap, i) => gap >= (i === 0 ? 950 : 1_950))).toBe(true);
  });

  test('waits for the minimum batch or its time, and never exceeds the maximum', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: justPrint,
      hostJson: {
        extensions: {
          eventHubs: { minEventBatchSize: 5, maxEventBatchSize: 8, maxWaitTime: '00:00:01.500' },
        },
      },
    });
    const host = await start();
    await expect.poll(() => host.lines('reads partition 0').length, patient).toBe(1);
    const sentAt = Date.now();
    await stand.send(hub, numbers(0, 3));
    await expect.poll(() => sequenceNumbers(host), patient).toEqual([0, 1, 2]);
    const [small] = batches(host);
    expect(small?.sequenceNumbers).toHaveLength(3);
    expect((small?.at ?? 0) - sentAt).toBeGreaterThan(1_400);
    await stand.send(hub, numbers(3, 20));
    await expect.poll(() => sequenceNumbers(host), patient).toEqual(numbers(0, 23));
    const sizes = batches(host).map((batch) => batch.sequenceNumbers.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8);
    expect(sizes.slice(1, -1).every((size) => size >= 5)).toBe(true);
  });

  test('passes no more bytes in a batch than prefetchSizeInBytes, which a setting may say, and one event at least', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: justPrint,
      hostJson: { extensions: { eventHubs: { minEventBatchSize: 100, maxWaitTime: '00:05:00' } } },
    });
    const settings = { AzureFunctionsJobHost__extensions__eventHubs__prefetchSizeInBytes: '25' };
    const producer = new EventHubProducerClient(stand.broker.connectionString(), hub);
    context.onTestFinished(() => producer.close());
    const bodies = [10, 10, 10, 40, 10, 16].map((size) => ({ body: Buffer.alloc(size, 'x') }));
    await producer.sendBatch(bodies, { partitionId: '0' });
    const host = await start({ settings });
    // What is left has fewer than 25 bytes, and waits.
    await expect
      .poll(() => batches(host).map(({ sequenceNumbers }) => sequenceNumbers), patient)
      .toEqual([[0, 1], [2], [3], [4]]);
  });

  test('one batch of a partition is in flight at a time, and partitions run beside each other', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: register(
        `async (bodies, context) => { const at = Date.now(); await new Promise((done) => setTimeout(done, 1000)); print(bodies, context, { at, end: Date.now() }); }`,
      ),
      hostJson: { extensions: { eventHubs: { maxEventBatchSize: 2 } } },
    });
    for (const partitionId of ['0', '1']) await stand.send(hub, numbers(0, 4), partitionId);
    const host = await start();
    await expect.poll(() => sequenceNumbers(host).length, patient).toBe(8);
    const runs = batches(host).map(({ partitionId, at, end = at }) => ({ partitionId, at, end }));
    const overlaps = runs.flatMap((a) =>
      runs.filter((b) => a !== b && a.at < b.end && b.at < a.end).map((b) => [a, b]),
    );
    expect(overlaps.length).toBeGreaterThan(0);
    expect(overlaps.filter(([a, b]) => a?.partitionId === b?.partitionId)).toEqual([]);
  });

  test('SIGTERM lets the running batch end, writes no checkpoint for it and exits with 0', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: printAfterTwoSeconds,
    });
    await stand.send(hub, [0]);
    const first = await start();
    await expect.poll(() => first.lines('begun').length, patient).toBe(1);
    expect(await first.stop('SIGTERM')).toBe(0);
    expect(sequenceNumbers(first)).toEqual([0]);
    expect(await stand.checkpointOf(hub)).toBeUndefined();
    const second = await start();
    await expect.poll(() => second.lines('begun').length, { timeout: 5_000 }).toBe(1);
  });

  test('SIGTERM between retries ends at once and leaves the batch to the next host', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: register(
        `async (bodies, context) => { print(bodies, context); throw new Error('down'); }`,
        `retry: { strategy: 'fixedDelay', maxRetryCount: -1, delayInterval: { seconds: 50 } }`,
      ),
    });
    await stand.send(hub, [0]);
    const first = await start();
    await expect.poll(() => first.lines('Error: down').length, patient).toBe(1);
    const stoppedAt = Date.now();
    expect(await first.stop('SIGTERM')).toBe(0);
    expect(Date.now() - stoppedAt).toBeLessThan(8_000);
    expect(await stand.checkpointOf(hub)).toBeUndefined();
    const second = await start();
    await expect.poll(() => sequenceNumbers(second), { timeout: 5_000 }).toEqual([0]);
  });

  test('a host that lost the partition during a batch writes no checkpoint', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: printAfterTwoSeconds,
    });
    await stand.send(hub, [0]);
    const host = await start();
    await expect.poll(() => host.lines('begun').length, patient).toBe(1);
    await stand.container
      .getBlobClient(`127.0.0.1/${hub}/tributary/ownership/0`)
      .setMetadata({ ownerid: 'another' });
    await expect.poll(() => host.lines('its batch is not checkpointed').length, patient).toBe(1);
    expect(await stand.checkpointOf(hub)).toBeUndefined();
  });

  test('without dataType bodies are parsed, and one that is no JSON fails the whole batch', async (context) => {
    const { expect } = context;
    const { hub, start } = stand.setUp(context, {
      source: `${printBatch} app.eventHub('ingest', { connection: 'Hub', eventHubName: '%HUB%', consumerGroup: '%GROUP%',
        cardinality: 'many', handler: async (bodies, context) => print(bodies, context) });`,
    });
    await stand.send(hub, [{ a: 1 }, 'text', Buffer.alloc(0)]);
    const host = await start();
    await expect.poll(async () => (await stand.checkpointOf(hub))?.sequencenumber, patient).toBe('2');
    // The empty body is left out, so the bodies no longer match the metadata.
    expect(batches(host)).toMatchObject([{ bodies: [{ a: 1 }, 'text'], sequenceNumbers: [0, 1, 2] }]);
    await stand.send(hub, [{ b: 1 }, Buffer.from('{"broken"')]);
    await expect.poll(async () => (await stand.checkpointOf(hub))?.sequencenumber, patient).toBe('4');
    expect(host.lines('a body is no JSON')).toHaveLength(1);
    expect(batches(host)).toHaveLength(1);
  });
});
