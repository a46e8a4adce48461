import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AppFolder, type HostProcess, startHostProcess, writeApp } from './hostProcess';

const streams = 'app.setup({ enableHttpStream: true });';
const functions = `
app.get('getItem', { route: 'items/{id:int}', handler: async (request) => ({ jsonBody: {
  params: request.params, query: request.query.get('q'), url: request.url, header: request.headers.get('x-test') } }) });
app.get('getAnyItem', { route: 'items/{id}', handler: async (request) => ({ body: 'any ' + request.params.id }) });
app.get('getKnownItem', { route: 'items/best', handler: async () => ({ body: 'best' }) });
app.get('getOptional', { route: 'optional/{id?}', handler: async (request) => ({ jsonBody: request.params }) });
app.get('getFile', { route: 'files/{*rest}', handler: async (request) => ({ body: request.params.rest }) });
app.http('echo', { authLevel: 'function', methods: ['POST'], handler: async (request) => ({
  status: 201, headers: { 'x-kind': 'echo' }, cookies: [{ name: 'a', value: 'b c', path: '/', httpOnly: true, maxAge: 5 }],
  body: Buffer.from(await request.arrayBuffer()) }) });
app.get('nothing', { handler: async () => undefined });
app.get('wrong', { handler: async () => 'text' });
app.get('broken', { handler: async (request, context) => { context.log('before'); throw new Error('no such luck'); } });
app.get('slow', { handler: async () => { await new Promise((done) => setTimeout(done, 5000)); return { body: 'late' }; } });
app.post('count', { handler: async (request, context) => {
  let bytes = 0;
  for await (const chunk of request.body) { bytes += chunk.length; context.log('chunk ' + chunk.length); }
  return { body: String(bytes) };
} });
app.get('ticks', { handler: async (request) => ({ headers: { 'content-type': 'text/plain' }, body: (async function* () {
  yield Buffer.from('first;');
  await new Promise((done) => setTimeout(done, 300));
  if (request.query.get('fail')) throw new Error('half way');
  yield Buffer.from('second;');
})() }) });
`;

/** Runs an app for the tests of a `describe`. */
function runApp(app: Parameters<typeof writeApp>[0]) {
  let host: HostProcess;
  let folder: AppFolder;
  beforeAll(async () => {
    folder = writeApp(app);
    host = await startHostProcess({ dir: folder.dir });
  });
  afterAll(async () => {
    await host?.stop();
    folder.remove();
  });
  return {
    host: () => host,
    get: (path: string, init?: RequestInit) => fetch(`${host.url}${path}`, init),
  };
}

describe.each([
  ['buffered', ''],
  ['streaming', streams],
])('HTTP, %s', (_mode, setup) => {
  const { host, get } = runApp({
    source: setup + functions,
    hostJson: { functionTimeout: '00:00:03' },
  });

  test('a function gets parameters, query, headers and the full address', async () => {
    const response = await get('/api/items/7?q=a%20b', { headers: { 'x-test': 'yes' } });
    expect(await response.json()).toEqual({
      params: { id: '7' },
      query: 'a b',
      url: `${host().url}/api/items/7?q=a%20b`,
      header: 'yes',
    });
  });

  test('a literal beats a constraint, and a constraint beats a plain parameter', async () => {
    expect(await (await get('/api/items/best')).text()).toBe('best');
    expect(await (await get('/api/items/seven')).text()).toBe('any seven');
    expect((await get('/api/ITEMS/7')).status).toBe(200);
  });

  test('optional and catch-all parameters', async () => {
    expect(await (await get('/api/optional')).json()).toEqual({});
    expect(await (await get('/api/optional/5')).json()).toEqual({ id: '5' });
    expect(await (await get('/api/files/a/b%20c/d.txt')).text()).toBe('a/b c/d.txt');
  });

  test('an encoded slash divides nothing, and stays as it is in a parameter', async () => {
    expect(await (await get('/api/optional/a%2Fb%20c%2fd')).json()).toEqual({ id: 'a%2Fb c%2fd' });
    expect((await get('/api/optional/a/b')).status).toBe(404);
  });

  test('status, headers, cookies and bytes are returned; keys are not required', async () => {
    const body = Buffer.from([0, 255, 1, 254]);
    const response = await get('/api/echo', { method: 'POST', body });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-kind')).toBe('echo');
    expect(response.headers.get('set-cookie')).toMatch(
      /^a=b%20c; (?=.*Path=\/)(?=.*HttpOnly)(?=.*Max-Age=5)/,
    );
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
  });

  test('an unknown path and a known path with another method are 404, as in Azure', async () => {
    expect((await get('/api/unknown')).status).toBe(404);
    expect((await get('/items/7')).status).toBe(404);
    expect((await get('/api/echo')).status).toBe(404);
    expect((await get('/api/items/7', { method: 'HEAD' })).status).toBe(404);
  });

  test('a function that throws answers 500 without a body, and its stack is logged', async () => {
    const response = await get('/api/broken');
    expect([response.status, await response.text()]).toEqual([500, '']);
    expect(host().lines('broken: before')).toHaveLength(1);
    await expect.poll(() => host().output()).toMatch(/\] ERROR broken: failed: Error: no such luck\n\s+at /);
  });

  test('no result is 204, a result that is no object is 500', async () => {
    expect((await get('/api/nothing')).status).toBe(204);
    expect((await get('/api/wrong')).status).toBe(500);
  });

  test('a function that exceeds the function timeout answers 500', async () => {
    expect((await get('/api/slow')).status).toBe(500);
    await expect.poll(() => host().lines('function timeout of 3 s was exceeded by slow')).toHaveLength(1);
  });

  test('a body of 20 MB arrives whole', async () => {
    const response = await get('/api/count', { method: 'POST', body: new Uint8Array(20_000_000) });
    expect(await response.text()).toBe('20000000');
  });
});

describe('HTTP streams', () => {
  const { host, get } = runApp({ source: streams + functions });

  test('the answer is sent while the function still makes it', async () => {
    const reader = (await get('/api/ticks')).body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe('first;');
    const second = await reader?.read();
    expect(Buffer.from(second?.value ?? []).toString()).toBe('second;');
  });

  test('the function reads the request while it is being sent', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const outgoing = request(`${host().url}/api/count`, { method: 'POST' }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve(text);
      });
      outgoing.on('error', reject);
      outgoing.write('abc');
      // Only when the function has logged the first chunk is the second one sent.
      expect
        .poll(() => host().lines('count: chunk 3').length)
        .toBe(1)
        .then(() => outgoing.end('defg'), reject);
    });
    expect(answer).toBe('7');
  });

  test('a function that fails half way cuts the answer off', async () => {
    const response = await get('/api/ticks?fail=1');
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});
