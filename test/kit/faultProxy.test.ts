import { createServer } from 'node:http';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAzurite } from '../../local/azurite';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { seededRandom } from '../../src/lib/sources/seededRandom';
import { type FaultKind, type FaultProxy, startFaultProxy } from './faultProxy';

/** Every fault, with a random number that chooses it. */
const kinds: readonly [FaultKind, number][] = [
  ['delay', 0.1],
  ['dropBefore', 0.3],
  ['dropAfter', 0.55],
  ['silentBefore', 0.622],
  ['silentAfter', 0.628],
  ['error500', 0.7],
  ['error503', 0.8],
  ['error500After', 0.9],
  ['late', 0.99],
];

let carriedOut: string[];
let drawn: number;
let proxy: FaultProxy;
let closeServer: () => void;
beforeEach(async () => {
  carriedOut = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    carriedOut.push(`${request.method} ${request.url} ${request.headers['x-sent']} ${Buffer.concat(chunks)}`);
    response.writeHead(201, { 'x-answered': 'yes' }).end('stored');
  });
  const port = await listenOnLoopback(server);
  closeServer = () => {
    server.close();
    server.closeAllConnections();
  };
  proxy = await startFaultProxy({ targetPort: port, random: () => drawn, lateMs: 2000, lateUrl: /^\/a\// });
});
afterEach(async () => {
  await proxy.close();
  closeServer();
});

const put = (signal = AbortSignal.timeout(20_000)) =>
  fetch(`http://127.0.0.1:${proxy.port}/a/b?c=d`, {
    method: 'PUT',
    headers: { 'x-sent': 'header' },
    body: 'body',
    signal,
  });

describe('the fault proxy', () => {
  it('passes requests and answers on as they are while nothing is to fail', async () => {
    drawn = 0.5;
    const reply = await put();
    expect([reply.status, reply.headers.get('x-answered'), await reply.text()]).toEqual([
      201,
      'yes',
      'stored',
    ]);
    expect(carriedOut).toEqual(['PUT /a/b?c=d header body']);
    expect([proxy.requests, Object.values(proxy.injected).every((count) => count === 0)]).toEqual([1, true]);
  });

  it.each(kinds)('injects %s, and the server knows of it or not', async (kind, number) => {
    drawn = number;
    proxy.rate = 1;
    const ended = new AbortController();
    const reply = put(ended.signal).then(
      ({ status }) => status,
      (error: Error) => error.name,
    );
    const isSilent = kind.startsWith('silent') || kind === 'late';
    if (isSilent) {
      // A second is long enough for an answer, if there were one.
      const first = await Promise.race([reply, new Promise((done) => setTimeout(done, 1000, 'silence'))]);
      expect(first).toBe('silence');
      ended.abort();
    }
    const outcome = { delay: 201, error500: 500, error503: 503, error500After: 500 } as Record<
      string,
      number
    >;
    expect(await reply).toBe(outcome[kind] ?? (isSilent ? 'AbortError' : 'TypeError'));
    expect(carriedOut).toHaveLength(kind === 'delay' || kind.endsWith('After') ? 1 : 0);
    expect(proxy.injected[kind]).toBe(1);
  });

  it('carries a late write out when its client has gone', async () => {
    drawn = 0.99;
    proxy.rate = 1;
    await expect(put(AbortSignal.timeout(300))).rejects.toThrow('timeout');
    expect(carriedOut).toEqual([]);
    await proxy.landed();
    expect(carriedOut).toEqual(['PUT /a/b?c=d header body']);
  });

  it('has no late write arrive once it is closed', async () => {
    drawn = 0.99;
    proxy.rate = 1;
    await expect(put(AbortSignal.timeout(300))).rejects.toThrow('timeout');
    await proxy.close();
    await proxy.landed();
    expect(carriedOut).toEqual([]);
    proxy = await startFaultProxy({ targetPort: 9, random: () => drawn });
  });

  it('makes no read late, and no write to another URL', async () => {
    drawn = 0.99;
    proxy.rate = 1;
    await fetch(`http://127.0.0.1:${proxy.port}/a/b`);
    await fetch(`http://127.0.0.1:${proxy.port}/b`, { method: 'PUT' });
    expect([proxy.injected.error500After, proxy.injected.late]).toEqual([2, 0]);
  });

  it('keeps writes back until they are released', async () => {
    drawn = 0.5;
    const held = proxy.hold(/^\/a\//);
    const reply = put();
    await expect.poll(() => held.count).toBe(1);
    // Other requests pass meanwhile: a read, and a write to another path.
    await fetch(`http://127.0.0.1:${proxy.port}/a/b`);
    await fetch(`http://127.0.0.1:${proxy.port}/b`, { method: 'PUT' });
    expect(carriedOut.map((line) => line.slice(0, 8))).toEqual(['GET /a/b', 'PUT /b u']);
    held.release();
    expect((await reply).status).toBe(201);
    expect([carriedOut[2], held.count]).toEqual(['PUT /a/b?c=d header body', 1]);
    expect((await put()).status).toBe(201);
  });

  it('ends the connection when the server is away', async () => {
    drawn = 0.5;
    closeServer();
    await expect(put()).rejects.toThrow(TypeError);
  });

  it('carries the Azure SDK to the storage emulator, faults and all', async () => {
    const azurite = await startAzurite();
    const faulty = await startFaultProxy({ targetPort: azurite.blobPort, random: seededRandom(7) });
    const connection = azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${faulty.port}/`);
    const retryOptions = { maxTries: 1 };
    const service = BlobServiceClient.fromConnectionString(connection, { retryOptions });
    const container = service.getContainerClient('lake');
    await container.create();
    faulty.rate = 0.4;
    let failures = 0;
    for (let i = 0; i < 30; ) {
      const text = `text ${i}`;
      // The SDK has no time limit of its own.
      const abortSignal = AbortSignal.timeout(2000);
      await container
        .getBlockBlobClient(`a/${i}`)
        .upload(text, text.length, { abortSignal })
        .then(
          () => i++,
          () => failures++,
        );
    }
    faulty.rate = 0;
    expect((await container.getBlobClient('a/13').downloadToBuffer()).toString()).toBe('text 13');
    const { delay, ...failing } = faulty.injected;
    expect(delay).toBeGreaterThan(0);
    expect(failures).toBe(Object.values(failing).reduce((sum, count) => sum + count));
    expect(failures).toBeGreaterThan(3);
    await faulty.close();
    await azurite.close();
  });
});
