import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { executionsOf } from '../../kit/functionsBill';
import { requestsOfOtherSites, sendAs } from '../../kit/sendAs';
import { type AppOptions, runHostProcess, startHostProcess, writeApp } from './hostProcess';

function makeApp(options: AppOptions): string {
  const folder = writeApp(options);
  onTestFinished(folder.remove);
  return folder.dir;
}

async function start(options: AppOptions, settings: Record<string, string> = {}) {
  const host = await startHostProcess({ dir: makeApp(options), settings });
  onTestFinished(async () => {
    await host.stop('SIGKILL');
  });
  return host;
}

describe('the host', () => {
  test('prints its functions with their addresses; the route prefix comes from host.json', async () => {
    const host = await start(
      {
        source: `app.http('hello', { methods: ['GET', 'POST'], route: 'greet/{name}', handler: async (request) => ({ body: process.env.GREETING + request.params.name }) });`,
        hostJson: { extensions: { http: { routePrefix: '' } } },
      },
      { GREETING: 'hi ' },
    );
    expect(host.lines('hello: [GET,POST]')).toEqual([`  hello: [GET,POST] ${host.url}/greet/{name}`]);
    expect(await (await fetch(`${host.url}/greet/Bob`)).text()).toBe('hi Bob');
    expect(await host.stop('SIGINT')).toBe(0);
  });

  test('runs one scale group of the app alone if it is told to', async () => {
    const dir = makeApp({
      source: `
app.get('hello', { handler: async () => ({ body: 'hi' }) });
app.timer('tick', { schedule: '0 0 0 1 1 *', handler: () => {} });`,
    });
    // A timer that ran would need a storage account.
    const host = await startHostProcess({ dir, group: 'http' });
    expect((await fetch(`${host.url}/api/hello`)).status).toBe(200);
    expect(host.lines('(disabled)')).toEqual(['  tick: timerTrigger (disabled)']);
    await host.stop();
    const other = await startHostProcess({ dir, group: 'another' });
    expect((await fetch(`${other.url}/api/hello`)).status).toBe(404);
    await other.stop();
  });

  test('hooks run around the app and its functions, and may change inputs and results', async () => {
    const host = await start({
      source: `
app.hook.appStart((context) => { context.hookData.started = true; console.log('app started'); });
app.hook.appTerminate(() => console.log('app ended'));
app.hook.preInvocation((context) => { context.hookData.seen = context.invocationContext.functionName;
  const handler = context.functionHandler; context.functionHandler = async (...args) => ({ body: 'wrapped ' + (await handler(...args)).body }); });
app.hook.postInvocation((context) => { if (context.error) { context.error = null; context.result = { body: 'saved ' + context.hookData.seen }; } });
app.hook.log((context) => { context.message = context.message.replace('secret', '***'); });
app.get('good', { handler: async (request, context) => { context.log('a secret'); context.warn('careful'); context.debug('hidden'); return { body: 'good' }; } });
app.get('bad', { handler: async () => { throw new Error('bad'); } });`,
    });
    expect(await (await fetch(`${host.url}/api/good`)).text()).toBe('wrapped good');
    expect(await (await fetch(`${host.url}/api/bad`)).text()).toBe('saved bad');
    expect(host.lines('app started')).toHaveLength(1);
    expect(host.lines('good: ')[1]).toMatch(/^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] INFORMATION good: a \*\*\*$/);
    expect(host.lines('WARNING good: careful')).toHaveLength(1);
    expect(host.lines('hidden')).toEqual([]);
    await host.stop();
    expect(host.lines('app ended')).toHaveLength(1);
  });

  test('logs each execution and how long it took, if a setting asks for the level Debug', async () => {
    const source = `app.get('slow', { handler: async () => { await new Promise((done) => setTimeout(done, 60)); return {}; } });`;
    const level = 'AzureFunctionsJobHost__logging__logLevel__default';
    const [quiet, host] = await Promise.all([start({ source }), start({ source }, { [level]: 'Debug' })]);
    for (const { url } of [quiet, host]) expect((await fetch(`${url}/api/slow`)).status).toBe(200);
    await Promise.all([quiet.stop(), host.stop()]);
    expect(quiet.lines('executed in')).toEqual([]);
    const executions = executionsOf(host.output());
    expect(executions.map(({ name }) => name)).toEqual(['slow']);
    expect(executions.map(({ from, to }) => to - from >= 55)).toEqual([true]);
  });

  test('runs nothing and tells nothing for a web page of another site', async () => {
    const host = await start({
      source: `app.http('hello', { handler: async () => { console.log('called'); return { body: 'hello' }; } });`,
    });
    for (const headers of requestsOfOtherSites) {
      expect((await sendAs(`${host.url}/api/hello`, headers)).status).toBe(403);
      expect((await sendAs(`${host.url}/api/hello`, headers, 'OPTIONS')).status).toBe(403);
      expect((await sendAs(`${host.url}/admin/host/status`, headers)).status).toBe(403);
      expect((await sendAs(`${host.url}/admin/functions/hello`, headers, 'POST')).status).toBe(403);
      expect((await sendAs(`${host.url}/admin/functions/hello/state`, headers, 'PUT')).status).toBe(403);
    }
    expect(host.lines('called')).toEqual([]);
    expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe('hello');
    expect(host.lines('called')).toHaveLength(1);
  });

  test('waits for a running request at SIGTERM', async () => {
    const host = await start({
      source: `app.get('slow', { handler: async (request, context) => { context.log('begun'); await new Promise((done) => setTimeout(done, 1500)); return { body: 'done' }; } });`,
    });
    const answer = fetch(`${host.url}/api/slow`).then((response) => response.text());
    await expect.poll(() => host.lines('begun').length).toBe(1);
    const exit = host.stop('SIGTERM');
    expect(await answer).toBe('done');
    expect(await exit).toBe(0);
  });

  test('lists functions that a setting disables, and starts them not', async () => {
    const host = await start(
      {
        source: `app.get('on', { handler: async () => ({ body: 'on' }) });
app.get('off', { handler: async () => ({ body: 'off' }) });
app.timer('tick', { schedule: '* * * * * *', runOnStartup: true, handler: async () => {} });`,
      },
      {
        'AzureWebJobs.off.Disabled': 'true',
        AzureWebJobs_tick_Disabled: '1',
        'AzureWebJobs.on.Disabled': 'false',
      },
    );
    expect(host.lines('(disabled)')).toEqual([
      '  off: httpTrigger (disabled)',
      '  tick: timerTrigger (disabled)',
    ]);
    expect(await (await fetch(`${host.url}/api/on`)).text()).toBe('on');
    expect((await fetch(`${host.url}/api/off`)).status).toBe(404);
    const status = await (await fetch(`${host.url}/admin/host/status`)).json();
    expect(status).toMatchObject({
      functions: expect.arrayContaining([{ name: 'tick', type: 'timerTrigger', isDisabled: true }]),
    });
    expect(await (await fetch(`${host.url}/admin/functions`)).json()).toEqual([
      { name: 'on', isDisabled: false },
      { name: 'off', isDisabled: true },
      { name: 'tick', isDisabled: true },
    ]);
  });

  test('a busy port is one line that names port and flag', async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    const port = await listenOnLoopback(server);
    const { code, output } = await runHostProcess({ dir: makeApp({ source: '' }), port });
    expect([code, output]).toEqual([1, `Port ${port} on 127.0.0.1 is in use: choose another with --port.\n`]);
  });

  test.each([
    [['--nope'], '--nope is no option of node dist/local/host/main.js: expected --app, '],
    [['--app', '.', '--port', '65536'], '--port 65536: expected a whole number from 0 to 65535.'],
    [[], '--app is missing.'],
  ])('a wrong use is told, with the way to the usage: %j', (args, message) => {
    const argv = ['dist/local/host/main.js', ...args];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    expect(status).toBe(2);
    const [first, second, ...rest] = stderr.split('\n');
    expect(first).toContain(message);
    expect([second, ...rest]).toEqual(['"node dist/local/host/main.js --help" says what it takes.', '']);
  });

  const hub = (more: string) =>
    `app.eventHub('ingest', { connection: 'Hub', eventHubName: 'clicks', cardinality: 'many', ${more} handler: async () => {} });`;
  const storage = { AzureWebJobsStorage: 'UseDevelopmentStorage=true' };
  test.each<[string, string, Record<string, string>, string]>([
    [
      'a timer without storage',
      `app.timer('emit', { schedule: '* * * * *', handler: () => {} });`,
      {},
      'AzureWebJobsStorage',
    ],
    [
      'a setting that is not set',
      `app.timer('emit', { schedule: '%EVERY%', handler: () => {} });`,
      storage,
      'emit: schedule refers to the setting EVERY, which is not set.',
    ],
    [
      'a connection that is not set',
      hub(''),
      storage,
      'neither the setting Hub (a connection string) nor Hub__fullyQualifiedNamespace is set',
    ],
    ['cardinality one', hub(`cardinality: 'one',`), { ...storage, Hub: 'x' }, 'cardinality must be "many"'],
    [
      'an unknown trigger',
      `app.storageQueue('q', { queueName: 'q', connection: 'x', handler: () => {} });`,
      {},
      'triggers of type queueTrigger are not supported',
    ],
    [
      'two functions of one name',
      `app.get('a', () => {}); app.get('a', () => {});`,
      {},
      'two functions named "a"',
    ],
    [
      'a wrong route',
      `app.get('a', { route: 'x/{id:odd}', handler: () => {} });`,
      {},
      'unknown constraint "odd"',
    ],
    ['an app that throws', `throw new Error('broken app');`, {}, 'Error: broken app\n    at '],
  ])('%s ends the host with an error that names it', async (_title, source, settings, message) => {
    const { code, output } = await runHostProcess({ dir: makeApp({ source }), settings });
    expect(output).toContain(message);
    expect(code).toBe(1);
  });

  test('a folder without an app, and a main that matches nothing', async () => {
    const { code, output } = await runHostProcess({ dir: '/nonexistent' });
    expect([code, output]).toEqual([
      1,
      '/nonexistent/host.json does not exist: it is not the folder of a Functions app.\n',
    ]);
    const host = await start({ source: '' });
    expect(host.lines('No functions found')).toHaveLength(1);
  });
});
