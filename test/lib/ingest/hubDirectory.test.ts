import { connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Broker, startBroker } from '../../../local/broker/broker';
import { parseConfig } from '../../../local/broker/config';
import { HubDirectory } from '../../../src/lib/ingest/hubDirectory';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { openHubClient } from '../../../src/lib/sources/hubClient';
import { startSilentHub } from '../../kit/silentHub';
import { startStalledHub } from '../../kit/stalledHub';

let broker: Broker;
beforeAll(async () => {
  const Entities = [{ Name: 'clicks', PartitionCount: 1, ConsumerGroups: [] }];
  const NamespaceConfig = [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }];
  broker = await startBroker({ port: 0, config: parseConfig({ UserConfig: { NamespaceConfig } }) });
});
afterAll(() => broker.close());

const namespace = () => ({ connectionString: broker.connectionString() });

async function send(count: number): Promise<void> {
  const client = await openHubClient(namespace(), 'clicks');
  await client.sendBatch(Array.from({ length: count }, (_, n) => ({ body: { n } })));
  await client.close();
}

const directories: HubDirectory[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) directory.close();
});

function open(now: () => number = () => 0, policy?: string): HubDirectory {
  const directory = new HubDirectory({ connectionString: broker.connectionString(undefined, policy) }, now);
  directories.push(directory);
  return directory;
}

/** A directory, and the connections that it has and had. */
async function openThroughProxy() {
  const sockets = new Set<Socket>();
  const opened: Socket[] = [];
  const proxy = createServer((socket) => {
    sockets.add(socket);
    opened.push(socket);
    const onward = connect(broker.port, '127.0.0.1');
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const)
      from.pipe(to).on('error', () => from.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  onTestFinished(() => void proxy.close());
  const port = await listenOnLoopback(proxy);
  const connectionString = broker.connectionString().replace(`:${broker.port};`, `:${port};`);
  const hubs = new HubDirectory({ connectionString });
  directories.push(hubs);
  return { hubs, sockets, opened };
}

it('refuses a partition that the hub does not have, and says which ones it has', async () => {
  await expect(open().lastSequenceNumber('clicks', '9')).rejects.toMatchObject({
    code: 'hub.refused',
    message: expect.stringContaining("'9' is invalid"),
  });
});

describe('the hub directory', () => {
  it('knows when a hub was made, and asks again only on request', async () => {
    const hubs = open();
    const first = await hubs.generation('clicks');
    expect(first).toMatchObject({ namespace: '127.0.0.1', hub: 'clicks' });
    expect(Date.now() - first.createdOn.getTime()).toBeLessThan(60_000);
    broker.recreateHub('clicks');
    expect(await hubs.generation('clicks')).toBe(first);
    const second = await hubs.refresh('clicks');
    expect(second.createdOn.getTime()).toBeGreaterThan(first.createdOn.getTime());
    expect(await hubs.generation('clicks')).toBe(second);
  });

  it('asks again when its answer is older than two seconds', async () => {
    let now = 0;
    const hubs = open(() => now);
    const first = await hubs.generation('clicks');
    broker.recreateHub('clicks');
    now += 1999;
    expect(await hubs.generation('clicks')).toBe(first);
    now += 1;
    const second = await hubs.generation('clicks');
    expect(second.createdOn.getTime()).toBeGreaterThan(first.createdOn.getTime());
  });

  it('uses the clock of the process, and asks once for simultaneous questions', async () => {
    const hubs = new HubDirectory(namespace());
    directories.push(hubs);
    const [first, second] = await Promise.all([hubs.generation('clicks'), hubs.generation('clicks')]);
    expect(second).toBe(first);
  });

  it('opens another connection when it was closed', async () => {
    const hubs = open();
    const first = await hubs.refresh('clicks');
    hubs.close();
    expect(await hubs.refresh('clicks')).toEqual(first);
  });

  it('gives its connection up when it is closed, and when the service answered with an error', async () => {
    const { hubs, sockets } = await openThroughProxy();
    await hubs.refresh('clicks');
    expect(sockets.size).toBe(1);
    hubs.close();
    await expect.poll(() => sockets.size, { timeout: 10_000 }).toBe(0);
    await expect(hubs.refresh('no-such-hub')).rejects.toMatchObject({ code: 'hub.refused' });
    await expect.poll(() => sockets.size, { timeout: 10_000 }).toBe(0);
  });

  it('keeps a new connection when a question fails that was asked on the one before', async () => {
    const { hubs, opened } = await openThroughProxy();
    await hubs.refresh('clicks');
    const failing = hubs.firstSequenceNumber('clicks', 'no such partition');
    hubs.close();
    const answer = hubs.refresh('clicks');
    await expect(failing).rejects.toMatchObject({ code: 'hub.refused' });
    await expect(answer).resolves.toBeDefined();
    await hubs.refresh('clicks');
    expect(opened).toHaveLength(2);
  });

  it('leaves no connection open that a question needed after another one was given up', async () => {
    const stalled = await startStalledHub(broker);
    onTestFinished(() => stalled.close());
    const hubs = new HubDirectory({ connectionString: stalled.connectionString });
    directories.push(hubs);
    const answers = [500, 2000, 2000].map((limitMs) => hubs.heads('clicks', limitMs));
    for (const answer of await Promise.allSettled(answers))
      if (answer.status === 'rejected')
        expect(answer.reason).toMatchObject({ message: 'Hub clicks: no answer in time' });
    hubs.close();
    await expect.poll(() => stalled.sockets.size, { timeout: 5000 }).toBe(0);
    expect(await hubs.refresh('clicks')).toBeDefined();
  });

  it('leaves no connection open to a service that never answers', async () => {
    const { namespace, sockets } = await startSilentHub();
    const hubs = new HubDirectory(namespace);
    directories.push(hubs);
    const answers = [300, 900, 1500].map((limitMs) => hubs.heads('clicks', limitMs));
    for (const answer of await Promise.allSettled(answers))
      expect(answer).toMatchObject({ reason: { code: 'hub.unavailable' } });
    await expect.poll(() => sockets.size, { timeout: 5000 }).toBe(0);
  });

  it('knows the first event that a partition still has, or would have', async () => {
    const hubs = open();
    broker.recreateHub('clicks');
    expect(await hubs.firstSequenceNumber('clicks', '0')).toBe(0);
    await send(10);
    expect(await hubs.firstSequenceNumber('clicks', '0')).toBe(0);
    broker.truncate('clicks', '0', 4);
    expect(await hubs.firstSequenceNumber('clicks', '0')).toBe(4);
    broker.truncate('clicks', '0', 10);
    expect(await hubs.firstSequenceNumber('clicks', '0')).toBe(10);
  });

  it('knows the last event that was ever sent to a partition', async () => {
    const hubs = open();
    broker.recreateHub('clicks');
    expect(await hubs.lastSequenceNumber('clicks', '0')).toBe(-1);
    await send(10);
    expect(await hubs.lastSequenceNumber('clicks', '0')).toBe(9);
    broker.truncate('clicks', '0', 10);
    expect(await hubs.lastSequenceNumber('clicks', '0')).toBe(9);
    await expect(hubs.lastSequenceNumber('clicks', '7')).rejects.toThrow();
  });

  it('knows what each partition holds, and waits no longer than it is told to', async () => {
    const hubs = open();
    broker.recreateHub('clicks');
    await send(10);
    broker.truncate('clicks', '0', 4);
    expect(await hubs.heads('clicks', 10_000)).toEqual({
      generation: await hubs.refresh('clicks'),
      partitions: [{ partitionId: '0', first: 4, last: 9, lastEnqueuedAt: expect.any(Number) }],
    });
    await expect(hubs.heads('clicks', 0)).rejects.toMatchObject({ code: 'hub.unavailable' });
  });

  it('needs no other right than to listen', async () => {
    const hubs = open(undefined, 'listen');
    expect(await hubs.generation('clicks')).toMatchObject({ hub: 'clicks' });
    expect(await hubs.firstSequenceNumber('clicks', '0')).toBeGreaterThanOrEqual(0);
    await expect(open(undefined, 'send').generation('clicks')).rejects.toMatchObject({ code: 'hub.refused' });
  });

  it('remembers no failure: it asks again at once, over another connection', async () => {
    const { hubs, opened } = await openThroughProxy();
    await expect(hubs.generation('no-such-hub')).rejects.toThrow();
    await expect(hubs.generation('no-such-hub')).rejects.toThrow();
    expect(opened).toHaveLength(2);
    await expect(hubs.generation('clicks')).resolves.toBeDefined();
  });
});
