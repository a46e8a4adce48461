import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Coincap, startCoincap } from '../../../local/coincap/coincap';
import { faultKinds } from '../../../local/coincap/faults';
import { requestsOfOtherSites, sendAs } from '../../kit/sendAs';
import answers from '../../lib/sources/coincap/coincapAnswers.json';

let coincap: Coincap;
let now = Date.UTC(2026, 0, 1);

beforeAll(async () => {
  coincap = await startCoincap({ port: 0, key: 'key', now: () => now });
});
afterAll(() => coincap.close());

const get = (path: string, key = 'key', method = 'GET') =>
  fetch(`${coincap.url}${path}`, { method, headers: { authorization: `Bearer ${key}` } });

interface Body {
  timestamp: number;
  data: { id: string; rank: string; priceUsd: string; maxSupply: string | null }[];
}

const getJson = async (path: string, key?: string) => {
  const response = await get(path, key);
  return { status: response.status, body: (await response.json()) as Body };
};

describe('GET /v3/assets', () => {
  it('answers assets with the fields and the kinds of values of the real one', async () => {
    const { status, body } = await getJson('/v3/assets');
    expect(status).toBe(200);
    expect(body.timestamp).toBe(now);
    expect(body.data).toHaveLength(100);
    const real = answers.v3.data[0];
    for (const asset of body.data) {
      expect(Object.keys(asset)).toEqual(Object.keys(real ?? {}));
      for (const [name, value] of Object.entries(asset)) {
        if (name === 'tokens') expect(value).toBeTypeOf('object');
        else if (value !== null) expect(value).toBeTypeOf('string');
      }
    }
    expect(body.data.map((asset) => asset.rank)).toEqual(
      Array.from({ length: 100 }, (_, i) => String(i + 1)),
    );
    expect(new Set(body.data.map((asset) => asset.id)).size).toBe(100);
    expect(body.data.some((asset) => asset.maxSupply === null)).toBe(true);
  });

  it('takes limit and offset', async () => {
    const all = (await getJson('/v3/assets')).body.data;
    expect((await getJson('/v3/assets?limit=3')).body.data).toEqual(all.slice(0, 3));
    expect((await getJson('/v3/assets?limit=2&offset=10')).body.data).toEqual(all.slice(10, 12));
    expect((await getJson('/v3/assets?limit=2000&offset=99')).body.data).toEqual(all.slice(99));
    expect((await getJson('/v3/assets?offset=100')).body.data).toEqual([]);
  });

  it.each(['limit=0', 'limit=2001', 'limit=many', 'limit=-1', 'offset=-1', 'offset='])(
    'refuses %s with 400',
    async (query) => {
      expect(await getJson(`/v3/assets?${query}`)).toMatchObject({
        status: 400,
        body: { error: expect.stringMatching(/limit|offset/), timestamp: now },
      });
    },
  );

  it('requires its key', async () => {
    expect(await getJson('/v3/assets', 'other')).toMatchObject({ status: 401 });
    const open = await startCoincap({ port: 0 });
    try {
      expect((await fetch(`${open.url}/v3/assets`)).status).toBe(200);
    } finally {
      await open.close();
    }
  });
});

describe('prices', () => {
  const pricesOf = async (server: Coincap) => {
    const body = (await (await fetch(`${server.url}/v3/assets?limit=100`)).json()) as Body;
    return new Map<string, string>(body.data.map((asset) => [asset.id, asset.priceUsd]));
  };
  let time = 0;
  const servers: Coincap[] = [];
  const startAt = async (seed: number) => {
    time = Date.UTC(2026, 0, 1);
    const server = await startCoincap({ port: 0, seed, now: () => time });
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  it('stay the same while time does, and change a little with it', async () => {
    const server = await startAt(1);
    const first = await pricesOf(server);
    expect(await pricesOf(server)).toEqual(first);
    time += 10_000;
    const later = await pricesOf(server);
    for (const [id, price] of first) {
      const ratio = Number(later.get(id)) / Number(price);
      expect(ratio).not.toBe(1);
      expect(Math.abs(ratio - 1)).toBeLessThan(0.01);
    }
  });

  it('repeat themselves for a seed', async () => {
    const walk = async (seed: number) => {
      const server = await startAt(seed);
      time += 60_000;
      return pricesOf(server);
    };
    const first = await walk(5);
    expect(await walk(5)).toEqual(first);
    expect(await walk(6)).not.toEqual(first);
  });
});

describe('on demand', () => {
  it.each(faultKinds.filter((kind) => /^\d+$/.test(kind)))(
    'answers %s, once, with an error body',
    async (kind) => {
      expect((await get(`/admin/fail?with=${kind}`, '', 'POST')).status).toBe(200);
      const failed = await getJson('/v3/assets');
      expect(failed).toEqual({
        status: Number(kind),
        body: { error: expect.any(String), timestamp: now },
      });
      expect((await getJson('/v3/assets')).status).toBe(200);
    },
  );

  it('answers 429 with Retry-After as often as asked', async () => {
    await get('/admin/fail?with=429&times=2&retryAfter=7', '', 'POST');
    for (let i = 0; i < 2; i++) {
      const response = await get('/v3/assets');
      expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    }
    expect((await get('/v3/assets')).status).toBe(200);
  });

  it('answers pages that are not JSON, and nothing at all', async () => {
    coincap.fail({ kind: 'not-json' });
    const response = await get('/v3/assets');
    expect([response.status, (await response.text()).slice(0, 9)]).toEqual([200, '<!doctype']);
    coincap.fail({ kind: 'hang' });
    await expect(fetch(`${coincap.url}/v3/assets`, { signal: AbortSignal.timeout(300) })).rejects.toThrow();
    expect((await get('/v3/assets')).status).toBe(200);
  });

  it.each(['', 'with=418', 'with=429&times=0', 'with=429&retryAfter=soon'])(
    'refuses the fault "%s"',
    async (query) => {
      expect((await get(`/admin/fail?${query}`, '', 'POST')).status).toBe(400);
      expect((await get('/v3/assets')).status).toBe(200);
    },
  );
});

describe('other addresses', () => {
  it('have the notice of version 2 at /v2/assets', async () => {
    now = answers.sunset.timestamp;
    expect(await getJson('/v2/assets')).toEqual({ status: 200, body: answers.sunset });
  });

  it('have version 2 as it was before, without a key, at /2023/v2/assets', async () => {
    const { body: old } = await getJson('/2023/v2/assets?limit=5&offset=1', 'none');
    const { body: today } = await getJson('/v3/assets?limit=5&offset=1');
    const withoutTokens = today.data.map((asset) => ({ ...asset, tokens: undefined }));
    expect(old).toEqual({ data: withoutTokens, timestamp: now });
    expect(Object.keys(old.data[0] ?? {})).not.toContain('tokens');
    coincap.fail({ kind: '503' });
    expect((await getJson('/2023/v2/assets')).status).toBe(503);
  });

  it('are not found, in the words of the API', async () => {
    expect(await getJson('/asdf')).toEqual({
      status: 404,
      body: { error: 'asdf not found', timestamp: now },
    });
    expect((await get('//')).status).toBeGreaterThanOrEqual(400);
    expect((await get('/v3/assets', 'key', 'POST')).status).toBe(404);
  });
});

describe('the process', () => {
  const main = join(__dirname, '../../../dist/local/coincap/main.js');
  beforeAll(() => {
    if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first`);
  });

  const run = (...args: string[]) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    return { child, output: () => output };
  };

  it('says where it listens, serves its key, and ends on SIGTERM with exit code 0', async () => {
    const { child, output } = run('--port', '0', '--key', 'abc');
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    const url = /^coincap listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(output())?.[1];
    const response = await fetch(`${url}/v3/assets`, { headers: { authorization: 'Bearer abc' } });
    expect(response.status).toBe(200);
    expect((await fetch(`${url}/v3/assets`)).status).toBe(401);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('names a port that is in use and its flag in one line', async () => {
    const { child, output } = run('--port', String(coincap.port));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(output()).toBe(`Port ${coincap.port} on 127.0.0.1 is in use: choose another with --port.\n`);
  });

  it.each([
    [['--port', 'many'], '--port many: expected a whole number from 0 to 65535.'],
    [['--port', '65536'], '--port 65536: expected a whole number from 0 to 65535.'],
    [['--seed', '-'], '--seed -: expected a whole number from 0 to 4294967295.'],
    [
      ['--nope'],
      '--nope is no option of node dist/local/coincap/main.js: expected --port, --key, --seed or --help.',
    ],
  ])('refuses %j', async (args, message) => {
    const { child, output } = run(...args);
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(output().split('\n')).toEqual([
      message,
      '"node dist/local/coincap/main.js --help" says what it takes.',
      '',
    ]);
  });
});

it.each(requestsOfOtherSites)('does nothing for a web page of another site: %j', async (headers) => {
  expect((await sendAs(`${coincap.url}/admin/fail?with=500`, headers, 'POST')).status).toBe(403);
  expect((await get('/v3/assets')).status).toBe(200);
});
