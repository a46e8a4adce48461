import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Broker, startBroker } from '../../../local/broker/broker';
import { DeadlineError } from '../../../src/lib/deadline';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { openHubClient } from '../../../src/lib/sources/hubClient';
import { describeHubError } from '../../../src/lib/sources/hubErrors';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { waitingEvents } from '../../../src/lib/verify/waitingEvents';
import { configOf } from '../../local/broker/clients';
import { StreamTables } from './streamTables';

/*
 * The hub is the broker of `npm start`, asked by the unmodified client.
 */

let broker: Broker;
beforeEach(async () => {
  broker = await startBroker({ port: 0, config: configOf({ clicks: 2 }) });
});
afterEach(() => broker.close());

const openHub = (hub = 'clicks', connectionString = broker.connectionString()) =>
  openHubClient({ connectionString }, hub);

/** Tables whose txns are of this broker's hub. */
async function openTables(): Promise<StreamTables> {
  const client = await openHub();
  return new StreamTables(undefined, `${client.fullyQualifiedNamespace}/clicks`);
}

async function send(partitionId: string, count: number): Promise<void> {
  const client = await openHub();
  await client.sendBatch(
    Array.from({ length: count }, (_, index) => ({ body: { productid: index } })),
    { partitionId },
  );
  await client.close();
}

const made = () => new Date(broker.stats().hubs.clicks?.createdOn ?? '');

const waiting = ({ store }: StreamTables, from: Parameters<typeof openHub> = [], limitMs?: number) =>
  waitingEvents({
    openHub: () => openHub(...from),
    store,
    table: clickstream.table,
    ...(limitMs === undefined ? {} : { limitMs }),
  });

describe('waitingEvents', () => {
  it('counts all events of a hub if there is no table, and none if the hub is empty', async () => {
    const tables = await openTables();
    expect(await waiting(tables)).toBe(0);
    await send('0', 3);
    await send('1', 4);
    expect(await waiting(tables)).toBe(7);
  });

  it('counts the events after the txns, partition by partition', async () => {
    const tables = await openTables();
    await send('0', 10);
    await send('1', 5);
    await tables.commit([[0, 6]], [[0, 6]], made());
    expect(await waiting(tables)).toBe(3 + 5);
    await tables.commit([[1, 4]], [[1, 4]], made());
    expect(await waiting(tables)).toBe(3);
    await tables.commit([[0, 9]], [[0, 9]], made());
    expect(await waiting(tables)).toBe(0);
  });

  it('takes no account of txns of the hub before, nor of another hub', async () => {
    const tables = await openTables();
    await send('0', 10);
    await tables.commit([[0, 9]], [[0, 9]], made());
    // Times of creation are told apart by the millisecond.
    await new Promise((done) => setTimeout(done, 5));
    broker.recreateHub('clicks');
    await send('0', 4);
    expect(await waiting(tables)).toBe(4);
    const others = new StreamTables(tables.store, 'contoso/clicks');
    await others.commit([[0, 3]], [[0, 3]], made());
    expect(await waiting(tables)).toBe(4);
  });

  it('leaves out events that the hub has dropped', async () => {
    const tables = await openTables();
    await send('0', 10);
    broker.truncate('clicks', '0', 4);
    expect(await waiting(tables)).toBe(6);
    await tables.commit([[0, 1]], [[0, 1]], made());
    expect(await waiting(tables)).toBe(6);
    broker.truncate('clicks', '0', 10);
    expect(await waiting(tables)).toBe(0);
  });

  it('is unknown if the hub does not exist or the key is wrong', async () => {
    const tables = await openTables();
    const wrongKey = broker.connectionString().replace('SAS_KEY_VALUE', 'another');
    const failures = [await waiting(tables, ['nowhere']), await waiting(tables, ['clicks', wrongKey])];
    expect(failures.map((one) => typeof one === 'object' && describeHubError(one.failure))).toEqual([
      { code: 'hub.refused', why: 'there is none of this name.' },
      { code: 'hub.refused', why: 'InvalidSignature: The token has an invalid signature.' },
    ]);
  });

  it('does not wait for a hub that never answers', async () => {
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => {
      socket.on('error', () => {});
      sockets.push(socket);
    });
    const port = await listenOnLoopback(silent);
    const tables = await openTables();
    const started = performance.now();
    const toSilent = broker.connectionString().replace(/:\d+;/, `:${port};`);
    expect(await waiting(tables, ['clicks', toSilent], 300)).toEqual({ failure: expect.any(DeadlineError) });
    expect(performance.now() - started).toBeLessThan(2000);
    expect(sockets.length).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});
