import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { HostProcess } from '../host/hostProcess';
import { type Engine, ended } from './engine';
import { engineOf, startDurableHost, writeDurableApp } from './localEngine';

/** One function that does with the client of `durable-functions` what the request says. */
const client = `
app.http('client', { methods: ['POST'], extraInputs: [df.input.durableClient()], handler: async (request, context) => {
  const client = df.getClient(context);
  const { method, args } = await request.json();
  if (method === 'createCheckStatusResponse') return client.createCheckStatusResponse(request, ...args);
  const revive = (arg) => arg && typeof arg === 'object' ? Object.fromEntries(Object.entries(arg).map(([key, value]) => [key, /Time/.test(key) ? new Date(value) : value])) : arg;
  try {
    return { jsonBody: { result: (await client[method](...args.map(revive))) ?? null } };
  } catch (error) {
    return { jsonBody: { error: error.message } };
  }
} });
df.app.orchestration('saysItsVersion', function* (context) { return context.df.version ?? 'none'; });`;

let durable: Awaited<ReturnType<typeof startDurableHost>>;
let host: HostProcess;
let engine: Engine;
beforeAll(async () => {
  durable = await startDurableHost(client);
  ({ host, engine } = durable);
});
afterAll(() => durable?.close());

async function call(method: string, ...args: unknown[]): Promise<{ result?: unknown; error?: string }> {
  const body = JSON.stringify({ method, args });
  const answer = await fetch(`${host.url}/api/client`, { method: 'POST', body });
  return (await answer.json()) as { result?: unknown; error?: string };
}

const api = (path: string, init: RequestInit = {}) =>
  fetch(`${host.url}/runtime/webhooks/durabletask/${path}`, { redirect: 'manual', ...init });

const post = (path: string, body?: string) =>
  api(path, { method: 'POST', ...(body !== undefined && { body }) });

const startAs = async (id: string, orchestrator: string, input?: unknown) => {
  expect(await call('startNew', orchestrator, { instanceId: id, input })).toEqual({ result: id });
  return id;
};

describe('the client of durable-functions', () => {
  it('starts an orchestration and tells its status', async () => {
    const { result: id } = await call('startNew', 'echoes', { input: { value: { a: 'ü' } } });
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    await ended(engine, String(id));
    const { result } = await call('getStatus', id);
    expect(result).toEqual({
      name: 'echoes',
      instanceId: id,
      createdTime: expect.stringMatching(/^20\d\d-/),
      lastUpdatedTime: expect.stringMatching(/^20\d\d-/),
      input: { value: { a: 'ü' } },
      output: { a: 'ü' },
      customStatus: null,
      runtimeStatus: 'Completed',
    });
  });

  it('starts one with an id of its own, and input or none', async () => {
    await startAs('of my own: 1', 'nothing');
    expect(await ended(engine, 'of my own: 1')).toMatchObject({ output: 'done' });
    // The package sends an empty text if it is given no input.
    expect(await call('getStatus', 'of my own: 1')).toMatchObject({ result: { input: '' } });
  });

  it('cannot start an id that runs, but one that is over', async () => {
    const id = await startAs('busy', 'longWait');
    expect(await call('startNew', 'longWait', { instanceId: id })).toEqual({
      error: expect.stringMatching(/unexpected status code: 500.*already exists/),
    });
    await call('terminate', id, 'enough');
    await startAs(id, 'nothing');
    expect(await ended(engine, id)).toMatchObject({ status: 'Completed', output: 'done' });
  });

  it('cannot start what does not exist', async () => {
    expect(await call('startNew', 'missing')).toEqual({
      error: expect.stringMatching(/400.*The function 'missing' doesn't exist.*again, /),
    });
    expect(await call('startNew', 'add')).toEqual({ error: expect.stringContaining('400') });
  });

  it.each(['@id', 'a'.repeat(101), 'a\\b'])('cannot start the id %j', async (instanceId) => {
    expect(await call('startNew', 'nothing', { instanceId })).toEqual({
      error: expect.stringMatching(/400|404/),
    });
  });

  it('throws for the status of nothing', async () => {
    expect(await call('getStatus', 'no-such-id')).toEqual({ error: expect.stringContaining('HTTP 404') });
  });

  it('raises, terminates, suspends and resumes', async () => {
    const id = await startAs('steered', 'event');
    expect(await call('suspend', id, 'a while')).toEqual({ result: null });
    expect(await call('raiseEvent', id, 'go', { by: 'client' })).toEqual({ result: null });
    expect(await call('getStatus', id)).toMatchObject({ result: { runtimeStatus: 'Suspended' } });
    expect(await call('resume', id, 'now')).toEqual({ result: null });
    expect(await ended(engine, id)).toMatchObject({ output: { by: 'client' } });
    // What is over already is as good as done.
    expect(await call('terminate', id, 'late')).toEqual({ result: null });
    expect(await call('getStatus', id)).toMatchObject({ result: { runtimeStatus: 'Completed' } });
    for (const method of ['terminate', 'suspend', 'resume', 'raiseEvent'])
      expect(await call(method, 'no-such-id', 'go')).toEqual({
        error: "No instance with ID 'no-such-id' found.",
      });
  });

  it('lists and purges by status and time', async () => {
    const before = new Date(Date.now() - 1_000).toISOString();
    for (let n = 0; n < 5; n++)
      await ended(engine, await startAs(`listed-${n}`, n < 3 ? 'nothing' : 'thrown'));
    await startAs('listed-running', 'longWait');
    const list = async (filter: object) =>
      ((await call('getStatusBy', filter)).result as { instanceId: string }[])
        .map(({ instanceId }) => instanceId)
        .filter((id) => id.startsWith('listed'));
    expect(await list({ runtimeStatus: ['Failed'] })).toEqual(['listed-3', 'listed-4']);
    expect(await list({ createdTimeFrom: before })).toHaveLength(6);
    expect(await list({ createdTimeTo: before })).toHaveLength(0);
    expect(
      await call('purgeInstanceHistoryBy', { createdTimeFrom: before, runtimeStatus: ['Failed'] }),
    ).toEqual({
      result: { instancesDeleted: 2 },
    });
    expect(await list({ createdTimeFrom: before })).toHaveLength(4);
    // What runs is never purged.
    await call('purgeInstanceHistoryBy', { createdTimeFrom: before });
    expect(await list({ createdTimeFrom: before })).toEqual(['listed-running']);
    expect(await call('purgeInstanceHistoryBy', { createdTimeFrom: before, createdTimeTo: before })).toEqual({
      result: { instancesDeleted: 0 },
    });
    expect(await call('purgeInstanceHistory', 'listed-running')).toEqual({
      error: expect.stringMatching(/412.*Only orchestrations in a terminal state can be purged/),
    });
    await call('terminate', 'listed-running', 'enough');
    expect(await call('purgeInstanceHistory', 'listed-running')).toEqual({ result: { instancesDeleted: 1 } });
    expect(await call('purgeInstanceHistory', 'listed-running')).toEqual({ result: { instancesDeleted: 0 } });
  });

  it('lists more than a page', async () => {
    await Promise.all(Array.from({ length: 120 }, (_, n) => startAs(`page-${n}`, 'nothing')));
    const { result } = await call('getStatusAll');
    const ids = (result as { instanceId: string }[]).map(({ instanceId }) => instanceId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => id.startsWith('page-'))).toHaveLength(120);
  });

  it('is there in functions of every kind, also with streams', async () => {
    const source = `
      app.setup({ enableHttpStream: true });
      df.app.client.http('start', { methods: ['POST'], handler: async (request, client) =>
        client.createCheckStatusResponse(request, await client.startNew('chain', { input: await request.text() })) });
      df.app.client.timer('tick', { schedule: '0 0 0 1 1 *', handler: async (_, client, context) =>
        context.log('started ' + await client.startNew('nothing', { instanceId: 'by-timer' })) });
      df.app.activity('starter', { extraInputs: [df.input.durableClient()], handler: async (id, context) =>
        df.getClient(context).startNew('nothing', { instanceId: id }) });
      df.app.orchestration('startsAnother', function* (context) {
        return yield context.df.callActivity('starter', 'by-activity');
      });`;
    const streamed = writeDurableApp({ connectionString: durable.connectionString, source });
    onTestFinished(streamed.remove);
    const second = await streamed.start();
    onTestFinished(async () => {
      await second.stop();
    });
    const answer = await fetch(`${second.url}/api/start`, { method: 'POST', body: 'text' });
    const { id, statusQueryGetUri } = (await answer.json()) as Record<string, string>;
    expect(statusQueryGetUri).toContain(second.url);
    expect(await ended(engineOf(second), String(id))).toMatchObject({ output: [3, 13] });
    await fetch(`${second.url}/admin/functions/tick`, { method: 'POST', body: '{}' });
    await expect.poll(() => second.lines('started by-timer'), { timeout: 10_000 }).toHaveLength(1);
    const other = await engineOf(second).start('startsAnother');
    expect(await ended(engineOf(second), other)).toMatchObject({ output: 'by-activity' });
    expect(await ended(engineOf(second), 'by-activity')).toMatchObject({ output: 'done' });
  });

  it('makes the answer by which callers watch an orchestration', async () => {
    const id = await startAs('watched', 'event');
    const answer = await fetch(`${host.url}/api/client`, {
      method: 'POST',
      body: JSON.stringify({ method: 'createCheckStatusResponse', args: [id] }),
    });
    expect(answer.status).toBe(202);
    const urls = (await answer.json()) as Record<string, string>;
    expect(answer.headers.get('location')).toBe(urls.statusQueryGetUri);
    const status = await fetch(String(urls.statusQueryGetUri));
    expect(status.status).toBe(202);
    expect(status.headers.get('location')).toBe(urls.statusQueryGetUri);
    expect(status.headers.get('retry-after')).toBe('5');
    const raise = String(urls.sendEventPostUri).replace('{eventName}', 'go');
    expect((await fetch(raise, { method: 'POST', body: '"by url"' })).status).toBe(202);
    expect(await ended(engine, id)).toMatchObject({ output: 'by url' });
    expect((await fetch(String(urls.statusQueryGetUri))).status).toBe(200);
    expect((await fetch(String(urls.terminatePostUri), { method: 'POST' })).status).toBe(410);
    expect((await fetch(String(urls.purgeHistoryDeleteUri), { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(String(urls.statusQueryGetUri))).status).toBe(404);
  });
});

describe('the management API', () => {
  it('answers a start with the addresses of the instance', async () => {
    const answer = await post('orchestrators/nothing/started');
    expect(answer.status).toBe(202);
    expect(answer.headers.get('retry-after')).toBe('10');
    expect(await answer.json()).toMatchObject({
      id: 'started',
      statusQueryGetUri: answer.headers.get('location'),
    });
  });

  it('shows the history', async () => {
    const id = await startAs('history', 'chain');
    await ended(engine, id);
    const answer = await api(`instances/${id}?showHistory=true&showHistoryOutput=true&showInput=false`);
    const { historyEvents } = (await answer.json()) as { historyEvents: Record<string, unknown>[] };
    expect(
      historyEvents.map(({ EventType, FunctionName, Result }) => [EventType, FunctionName, Result]),
    ).toEqual([
      ['ExecutionStarted', 'chain', undefined],
      ['TaskCompleted', 'add', 3],
      ['TaskCompleted', 'add', 13],
      ['ExecutionCompleted', undefined, [3, 13]],
    ]);
  });

  it('answers 500 for a failed orchestration if it is asked to', async () => {
    const id = await startAs('failed', 'thrown');
    await ended(engine, id);
    expect((await api(`instances/${id}`)).status).toBe(200);
    expect((await api(`instances/${id}?returnInternalServerErrorOnFailure=true`)).status).toBe(500);
  });

  it('gives an orchestrator the version with which it was started', async () => {
    expect(await ended(engine, await engine.start('saysItsVersion'))).toMatchObject({ output: 'none' });
    const { result } = await call('startNew', 'saysItsVersion', { version: '1.5' });
    expect(await ended(engine, String(result))).toMatchObject({ output: '1.5' });
  });

  it.each([
    ['a body that is no JSON', 'orchestrators/nothing', '{', 400, 'Invalid JSON content'],
    ['another task hub', 'orchestrators/nothing?taskHub=other', '', 400, "this app's is tests"],
    [
      'too large an input',
      'orchestrators/nothing',
      JSON.stringify('x'.repeat(1_100_000)),
      400,
      'accepted are 1048576',
    ],
    ['waiting in the request', 'orchestrators/nothing?timeout=5', '', 501, 'not supported by the local host'],
    ['rewind', 'instances/any/rewind?reason=x', '', 501, 'rewind is not supported by the local host'],
    ['restart', 'instances/any/restart', '', 501, 'restart is not supported by the local host'],
    ['entities', 'entities/counter/one?op=add', '1', 501, 'entities are not supported by the local host'],
    ['an unknown path', 'unknown', '', 404, ''],
  ])('refuses %s', async (_, path, body, status, message) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(message);
  });

  it.each(['1.5', '0', '-1', '1e99', 'x'])('gives a page of the usual size for top=%s', async (top) => {
    for (const id of ['top-1', 'top-2', 'top-3']) await ended(engine, await startAs(id, 'nothing'));
    const answer = await api(`instances?top=${top}`, { signal: AbortSignal.timeout(10_000) });
    expect(((await answer.json()) as unknown[]).length).toBeGreaterThanOrEqual(3);
  });

  it('refuses to purge everything without a time from which on', async () => {
    expect((await api('instances', { method: 'DELETE' })).status).toBe(400);
  });

  it('is not there for pages of other sites', async () => {
    const headers = { origin: 'https://example.com' };
    expect((await api('instances', { headers })).status).toBe(403);
  });
});
