import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Coincap, startCoincap } from '../../../../local/coincap/coincap';
import { TributaryError } from '../../../../src/lib/errors';
import { listenOnLoopback } from '../../../../src/lib/sameMachine';
import {
  type CoincapAsset,
  CoincapClient,
  type CoincapOptions,
} from '../../../../src/lib/sources/coincap/coincapClient';

const key = 'k3y-that-must-not-be-seen';
let coincap: Coincap;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  coincap = await startCoincap({ port: 0, key });
});
afterEach(() => {
  for (const closable of open.splice(0)) closable.close();
});
afterAll(() => coincap.close());

const clientOf = (options: Partial<CoincapOptions> = {}) =>
  new CoincapClient({ url: new URL(coincap.url), apiKey: key, ...options });

/** The address of a server that answers every request so. */
async function answering(status: number, body: string, headers: Record<string, string> = {}): Promise<URL> {
  const server = createServer((_request, response) => response.writeHead(status, headers).end(body));
  const port = await listenOnLoopback(server);
  open.push({ close: () => server.closeAllConnections() }, server);
  return new URL(`http://127.0.0.1:${port}`);
}

const failureOf = async (promise: Promise<unknown>): Promise<TributaryError> => {
  const outcome: unknown = await promise.then(
    (value) => JSON.stringify(value),
    (error: unknown) => error,
  );
  if (!(outcome instanceof TributaryError)) throw new Error(`expected an error, got ${String(outcome)}`);
  expect(`${outcome.message} ${outcome.stack} ${String(outcome.cause)}`).not.toContain(key);
  return outcome;
};

describe('fetchAssets', () => {
  it("answers a hundred assets, each with the answer's timestamp", async () => {
    const answer = await clientOf().fetchAssets();
    if (!('assets' in answer)) throw new Error('no assets');
    expect(answer.assets).toHaveLength(100);
    expect(answer.assets[0]).toMatchObject({ rank: '1', timestamp: answer.timestamp });
    expect(answer.assets.map((asset) => (asset as CoincapAsset).timestamp)).toEqual(
      answer.assets.map(() => answer.timestamp),
    );
    expect(Math.abs(answer.timestamp - Date.now())).toBeLessThan(60_000);
  });

  it('asks for as many as it is told', async () => {
    const answer = await clientOf({ limit: 7 }).fetchAssets();
    expect('assets' in answer && answer.assets.length).toBe(7);
  });

  it.each(['', '/', '/v3', '/v3/'])('finds version 3 below the address with the path "%s"', async (path) => {
    const answer = await clientOf({ url: new URL(`${coincap.url}${path}`) }).fetchAssets();
    expect('assets' in answer && answer.assets.length).toBe(100);
  });

  it('refuses the notice of version 2, and quotes it', async () => {
    const error = await failureOf(clientOf({ url: new URL(`${coincap.url}/v2`) }).fetchAssets());
    expect(error.code).toBe('source.refused');
    expect(error.message).toContain('We are deprecating this version of the CoinCap API');
  });

  it.each([
    ['400', 'source.refused', 'HTTP 400: Bad request'],
    ['401', 'source.refused', 'HTTP 401 (the key is missing or wrong): Unauthorized'],
    ['403', 'source.refused', 'HTTP 403 (the key may not do this): Forbidden'],
    ['404', 'source.refused', 'HTTP 404 (no such address): asset not found'],
    ['500', 'source.unavailable', 'HTTP 500: Internal server error'],
    ['503', 'source.unavailable', 'HTTP 503: Service unavailable'],
    ['sunset', 'source.refused', 'a notice instead of assets'],
    ['not-json', 'source.answer', 'something that is not a JSON object'],
  ] as const)('names the fault %s', async (kind, code, message) => {
    coincap.fail({ kind });
    const error = await failureOf(clientOf().fetchAssets());
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it('is refused with a wrong key', async () => {
    const error = await failureOf(clientOf({ apiKey: 'wrong' }).fetchAssets());
    expect(error.message).toContain('HTTP 401');
  });

  it('does not repeat its key even when the API does, also when the text is cut', async () => {
    const url = await answering(401, JSON.stringify({ error: `${'x'.repeat(190)} ${key} is not a key` }));
    const error = await failureOf(clientOf({ url }).fetchAssets());
    expect(error.message).toContain('***');
    expect(error.message).not.toContain(key.slice(0, 8));
  });

  it.each([
    ['[]', 'something that is not a JSON object'],
    ['', 'something that is not a JSON object'],
    ['{"timestamp":1,"data":{"a":1}}', '"data" that is not an array'],
    ['{"timestamp":1,"error":"quota"}', '"data" that is not an array: quota'],
    ['{"timestamp":"soon","data":[]}', 'a "timestamp" that is not a number'],
    ['{"data":[]}', 'a "timestamp" that is not a number'],
  ])('does not take %s for assets', async (body, message) => {
    const error = await failureOf(clientOf({ url: await answering(200, body) }).fetchAssets());
    expect([error.code, error.message]).toEqual(['source.answer', expect.stringContaining(message)]);
  });

  it('gives the other assets where one is none, and reads a timestamp that is text', async () => {
    const body = '{"timestamp":"1680191493124","data":[{"id":"a"},null,[7],{"id":"b"}]}';
    const timestamp = 1680191493124;
    expect(await clientOf({ url: await answering(200, body) }).fetchAssets()).toEqual({
      timestamp,
      assets: [{ id: 'a', timestamp }, null, [7], { id: 'b', timestamp }],
    });
  });

  it('passes on unknown fields, and checks the status before the form', async () => {
    const body = '{"timestamp":5,"data":[{"id":"a","new":[1]},{"rank":"2","timestamp":"old"}]}';
    expect(await clientOf({ url: await answering(200, body) }).fetchAssets()).toEqual({
      timestamp: 5,
      assets: [
        { id: 'a', new: [1], timestamp: 5 },
        { rank: '2', timestamp: 5 },
      ],
    });
    const error = await failureOf(clientOf({ url: await answering(500, body) }).fetchAssets());
    expect(error.code).toBe('source.unavailable');
  });

  it('follows no redirect, which might take the key elsewhere', async () => {
    const url = await answering(302, '', { location: `${coincap.url}/v3/assets` });
    const before = coincap.requests;
    const error = await failureOf(clientOf({ url }).fetchAssets());
    expect(error.message).toContain('HTTP 302 (a redirect, which is not followed)');
    expect(coincap.requests).toBe(before);
  });

  it('gives up on an answer that does not come, and says where', async () => {
    coincap.fail({ kind: 'hang' });
    const error = await failureOf(clientOf({ limitMs: 200 }).fetchAssets());
    expect(error.code).toBe('source.unavailable');
    expect(error.message).toBe(`CoinCap at ${coincap.url} did not answer in 0.2 s.`);
  });

  it('says why the API does not answer', async () => {
    const error = await failureOf(clientOf({ url: new URL('http://127.0.0.1:1') }).fetchAssets());
    expect(error.code).toBe('source.unavailable');
    expect(error.message).toMatch(/did not answer \(.+\)/);
  });
});

describe('after a 429', () => {
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0.5));
  afterEach(() => void vi.restoreAllMocks());

  it('waits as long as Retry-After says, without a request', async () => {
    let now = 1_000_000;
    const client = clientOf({ now: () => now });
    coincap.fail({ kind: '429', retryAfterSeconds: 30 });
    const before = coincap.requests;
    expect(await client.fetchAssets()).toEqual({ waitUntilMs: 1_030_000 });
    now = 1_029_999;
    expect(await client.fetchAssets()).toEqual({ waitUntilMs: 1_030_000 });
    expect(coincap.requests).toBe(before + 1);
    now = 1_030_000;
    expect(await client.fetchAssets()).toHaveProperty('assets');
    expect(coincap.requests).toBe(before + 2);
  });

  it('accepts a date too, and limits the wait', async () => {
    const now = Date.UTC(2026, 0, 1);
    const waitFor = async (retryAfter: string) => {
      const url = await answering(429, '{}', { 'retry-after': retryAfter });
      const answer = await clientOf({ url, now: () => now }).fetchAssets();
      return 'waitUntilMs' in answer && answer.waitUntilMs - now;
    };
    expect(await waitFor('Thu, 01 Jan 2026 00:01:00 GMT')).toBe(60_000);
    expect(await waitFor('Wed, 31 Dec 2025 00:00:00 GMT')).toBe(0);
    expect(await waitFor('99999999999')).toBe(24 * 3_600_000);
    expect(await waitFor('soon')).toBe(30_000);
  });

  it('without Retry-After waits half a minute, twice as long each time, and forgets that after an answer', async () => {
    let now = 0;
    const client = clientOf({ now: () => now });
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      coincap.fail({ kind: '429' });
      const answer = await client.fetchAssets();
      if (!('waitUntilMs' in answer)) throw new Error('no wait');
      waits.push((answer.waitUntilMs - now) / 1000);
      now = answer.waitUntilMs;
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900]);
    expect(await client.fetchAssets()).toHaveProperty('assets');
    coincap.fail({ kind: '429' });
    expect(await client.fetchAssets()).toEqual({ waitUntilMs: now + 30_000 });
  });
});

describe('a client', () => {
  it.each(['http://rest.coincap.io', 'http://127.0.0.1.example.org', 'ftp://127.0.0.1'])(
    'does not show its key to %s',
    (url) => {
      expect(() => clientOf({ url: new URL(url) })).toThrow(/must be https/);
    },
  );

  it.each(['', 'two words', 'line\nbreak', 'schlüssel'])(
    'takes no key that a header cannot carry: %j',
    (apiKey) => {
      expect(() => clientOf({ apiKey })).toThrow(
        'The key of the CoinCap API is empty or has characters that are not allowed in an HTTP header.',
      );
    },
  );

  it.each([0, 2001, 1.5, Number.NaN])('does not ask for %d assets', (limit) => {
    expect(() => clientOf({ limit })).toThrow(/1 to 2000/);
  });
});
