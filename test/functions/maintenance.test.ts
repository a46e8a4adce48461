import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { maintenanceStatus } from '../../local/maintenanceStatus';
import { type HostProcess, settingsAt, startHostProcess } from '../../local/processes';
import { loadedTables } from '../../src/lib/app/loadedTables';
import { createTable } from '../../src/lib/delta/commit';
import { tableFields } from '../../src/lib/lake/rowAddress';
import { lakeTables } from '../../src/lib/lake/tables';
import { type MaintenanceResult, maintenanceSteps } from '../../src/lib/orchestrations/maintainTables';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { clickstream } from '../../src/lib/streams/clickstream';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { fullName } from '../../src/lib/warehouse/warehouse';
import { disabledFunctions } from '../kit/disabledFunctions';
import { appendFiles, readRows, snapshotOf } from '../lib/maintenance/table';
import { deviations, documentedPaths, documentedStatuses, type Method } from './openapiContract';

/*
 * Maintenance and rebuilds as orchestrations of the compiled app: two hosts, as processes, that share a task hub.
 */

const folder = mkdtempSync(join(tmpdir(), 'maintenance-'));
const hosts: HostProcess[] = [];
let azurite: Azurite;
let store: ObjectStore;
let settings: Record<string, string>;
let tables: string[];

const startHost = async (instance: string) =>
  hosts.push(await startHostProcess({ port: 0, instance, settings, logDir: join(folder, 'logs') }));

beforeAll(async () => {
  mkdirSync(join(folder, 'logs'));
  azurite = await startAzurite({});
  tables = lakeTables(await loadStreams()).map(({ name }) => name);
  store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
  settings = {
    ...settingsAt({ storageConnection: azurite.connectionString, brokerPort: 1 }),
    // Without a broker, and without passes that nobody has asked for.
    ...disabledFunctions((name) => /^(emit|ingest|startMaintenance|syncWarehouse)/.test(name)),
    WAREHOUSE: `duckdb:${join(folder, 'warehouse.duckdb')}`,
  };
  await appendFiles({ store, table: 'dead_letters' }, 6);
  await createTable({ store, table: clickstream.table }, tableFields(clickstream), {});
  await Promise.all(['one', 'two'].map(startHost));
});

afterAll(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  await azurite.close();
  rmSync(folder, { recursive: true, force: true });
});

const answered = new Set<string>();

/** Asks one of the hosts in turn, and holds the answer to the contract. */
async function ask(method: Method, path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const host = hosts[answered.size % hosts.length];
  const reply = await fetch(`${host?.url}/api${path}`, { method: method.toUpperCase() });
  const { status, headers } = reply;
  const body = await reply.text();
  const documented = path.split('?')[0]?.replace(/^\/warehouse\/[^/]+/, '/warehouse/{table}') ?? '';
  expect(deviations(documented, { status, headers, body }, method), `${method} ${path} ${body}`).toEqual([]);
  answered.add(`${method} ${documented} ${status}`);
  return { status, body: JSON.parse(body) };
}

async function ended(path: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { status, body } = await ask('get', path);
    if (status === 200) return body;
    await new Promise((done) => setTimeout(done, 50));
  }
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const maintain = (...args: string[]): Promise<Ended> => run('maintain', ...args);

/** Runs a command on the app of this test. */
function run(command: string, ...args: string[]): Promise<Ended> {
  const argv = [resolve(`dist/src/cli/${command}.js`), ...args];
  const withUrl = args.includes('--url') ? [] : ['--url', hosts[0]?.url ?? ''];
  return new Promise((done) =>
    execFile(process.execPath, [...argv, ...withUrl], (error, out, err) =>
      done({ code: error ? Number(error.code) : 0, out, err }),
    ),
  );
}

/** The line about an app that does not answer. Its end depends on whether `npm start` runs in this folder. */
const notAnswering = (url: string) =>
  expect.stringMatching(
    new RegExp(
      `^${url} does not answer: is the app running\\? --url tells where it is; --here works without it\\. ` +
        '(On this machine, "npm start" starts it|That of "npm start" here is at --url http://\\S+)\\.\n$',
    ),
  );

describe('/api/maintenance', () => {
  it('says that there was no pass yet, and what is wrong with a request', async () => {
    expect((await ask('get', '/maintenance')).status).toBe(404);
    expect((await ask('post', '/maintenance?table=nowhere')).body).toMatchObject({
      status: 400,
      detail: `table is "nowhere": expected one of ${tables.join(', ')}.`,
      parameter: 'table',
    });
    expect((await ask('post', '/maintenance?step=all')).body).toMatchObject({ parameter: 'step' });
    expect((await ask('post', '/maintenance?tables=clicks')).body).toMatchObject({ parameter: 'tables' });
    const twice = await ask('post', '/maintenance?step=clean&step=vacuum');
    expect(twice.body).toMatchObject({ status: 400, parameter: 'step', accepts: 'one value' });
    const ofTable = await ask('get', '/maintenance?table=clicks');
    expect(ofTable.body).toMatchObject({ status: 400, accepts: 'no parameters' });
    expect((await ask('get', '/maintenance')).status).toBe(404);
  });

  it('starts one pass however many ask for it at once, and tells what it did', async () => {
    const before = await readRows({ store, table: 'dead_letters' });
    const starts = await Promise.all(Array.from({ length: 50 }, () => ask('post', '/maintenance')));
    expect(starts.filter(({ body }) => body.started)).toHaveLength(1);
    const running = { tables, steps: maintenanceSteps, fullAt: expect.any(Number) };
    for (const { body } of starts) expect(body.running).toEqual(body.started ? undefined : running);
    expect(new Set(starts.map(({ body }) => body.id))).toEqual(new Set(['maintainTables']));
    const { runtimeStatus, input, output, customStatus } = await ended('/maintenance');
    expect(runtimeStatus).toBe('Completed');
    expect(input).toEqual({
      tables,
      steps: maintenanceSteps,
      fullAt: expect.any(Number),
    });
    expect(output).toMatchObject({ counts: 'saved', failures: [] });
    const results = new Map((output as MaintenanceResult).tables.map((result) => [result.table, result]));
    expect([...results.keys()]).toEqual(tables);
    const steps = { checkpoint: 'written', clean: 'done', vacuum: 'done', compact: 'done' };
    expect(results.get('clicks')).toMatchObject({ steps });
    expect(results.get('dead_letters')).toMatchObject({
      steps,
      compaction: { before: { files: 6 }, after: { files: 1 }, bins: 1, left: 0 },
    });
    expect(customStatus).toMatchObject({ step: 'counts' });
    expect((await snapshotOf({ store, table: 'dead_letters' })).files.size).toBe(1);
    expect(await readRows({ store, table: 'dead_letters' })).toEqual(before);
  });

  it('answers who asks just when a pass ends that it runs, or starts the next one', async () => {
    const path = '/maintenance?table=dead_letters&step=checkpoint';
    for (let round = 0; round < 2; round++) {
      const starts = await Promise.all(Array.from({ length: 50 }, () => ask('post', path)));
      expect(new Set(starts.map(({ status }) => status))).toEqual(new Set([202]));
    }
    await ended('/maintenance');
  }, 60_000);

  it('is told in the status line of npm start while it runs', async () => {
    const url = hosts[0]?.url ?? '';
    expect(await maintenanceStatus(url)).toBeUndefined();
    await ask('post', '/maintenance');
    await expect
      .poll(() => maintenanceStatus(url), { interval: 5 })
      .toMatch(/^maintenance: (\w+ )?(checkpoint|clean|vacuum|compact|counts), \d+ of \d+$/);
    await ended('/maintenance');
    expect(await maintenanceStatus(url)).toBeUndefined();
  });

  it('ends a pass that another release of the app has begun, and says what to do', async () => {
    const hub = `${hosts[0]?.url}/runtime/webhooks/durabletask`;
    const started = await fetch(`${hub}/orchestrators/maintainTables/old?version=1`, {
      method: 'POST',
      body: JSON.stringify({ tables, steps: ['counts'], fullAt: null }),
    });
    expect(started.status).toBe(202);
    const old = async () => (await fetch(`${hub}/instances/old`)).json();
    await expect.poll(old, { timeout: 20_000 }).toMatchObject({ runtimeStatus: 'Failed' });
    expect(await old()).toMatchObject({
      output: expect.stringContaining(
        'begun by another release of the app (version 1; this one has 2). Start it again with POST /api/maintenance',
      ),
    });
  });

  it('takes a table and a step, and keeps in mind when the last full pass was', async () => {
    const { input: full } = await ended('/maintenance');
    await ask('post', '/maintenance?table=clicks&step=vacuum');
    const { input, output } = await ended('/maintenance');
    expect(input).toEqual({ ...(full as object), tables: ['clicks'], steps: ['vacuum'] });
    expect(output).toMatchObject({ tables: [{ table: 'clicks', steps: { vacuum: 'done' } }], counts: null });
  });
});

describe('npm run maintain', () => {
  it('starts a pass in the app and follows it to its end', async () => {
    await appendFiles({ store, table: 'dead_letters' }, 3, { first: 60 });
    const { code, out, err } = await maintain('compact', 'dead_letters');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(
      /^dead_letters: compact done: 1 bin; version 10 with 4 files, [\d,]+ bytes -> version 11 with \d files?, [\d,]+ bytes\n$/,
    );
  });

  it('says that a table is not there yet', async ({ skip }) => {
    const missing = tables.find((table) => !['clicks', 'dead_letters'].includes(table));
    if (missing === undefined) return skip('The project has no stream whose table is not there yet.');
    expect((await maintain('vacuum', missing)).out).toBe(`${missing}: there is no such table\n`);
  });

  it('does not wait for a pass that somebody has suspended', async () => {
    const url = hosts[0]?.url ?? '';
    const { suspendPostUri, resumePostUri } = (await ask('post', '/maintenance')).body;
    const steer = (address: unknown) => fetch(String(address).replace('{text}', 'test'), { method: 'POST' });
    expect((await steer(suspendPostUri)).status).toBe(202);
    const { code, err } = await maintain();
    expect([code, err]).toEqual([
      1,
      'A pass runs already; this one begins after it.\nThe pass is suspended, and no other one begins until it is resumed or terminated. The answer to POST /api/maintenance has the addresses for that.\n',
    ]);
    expect(await maintenanceStatus(url)).toBe('maintenance is suspended');
    expect((await steer(resumePostUri)).status).toBe(202);
    await ended('/maintenance');
  });

  it.each([
    ['maintain', 'compact'],
    ['warehouse', 'rebuild', 'clicks'],
  ])('takes no settings for the work of the app, which has its own: %s %s', async (command, ...args) => {
    const file = join(folder, 'settings.json');
    writeFileSync(file, JSON.stringify({ Values: settings }));
    const { code, err } = await run(command, ...args, '--settings', file);
    expect([code, err.split('\n')[0]]).toEqual([
      2,
      '--settings is for work in this process: add --here, or leave it out and say with --url where the app is.',
    ]);
  });

  it('says what to do if the app does not answer', async () => {
    const { code, err } = await maintain('--url', 'http://127.0.0.1:9');
    expect([code, err]).toEqual([1, notAnswering('http://127.0.0.1:9/api/maintenance')]);
  });
});

describe('/api/warehouse/{table}/rebuild', () => {
  it('says that there was no rebuild yet, and what is wrong with a request', async () => {
    expect((await ask('get', '/warehouse/clickstream.clicks/rebuild')).status).toBe(404);
    expect((await ask('get', '/warehouse/clicks/rebuild')).status).toBe(404);
    const accepts = expect.stringMatching(/^one of clickstream\.clicks\b/);
    for (const method of ['get', 'post'] as const)
      expect((await ask(method, '/warehouse/nowhere/rebuild')).body).toMatchObject({ status: 400, accepts });
    for (const [method, query] of [
      ['post', 'yes=1'],
      ['post', 'yes=true&yes=false'],
      ['get', 'yes=true'],
    ] as const)
      expect((await ask(method, `/warehouse/clicks/rebuild?${query}`)).status, query).toBe(400);
  });

  it('rebuilds the table once, also if it is asked for twice', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => ask('post', '/warehouse/clicks/rebuild')));
    expect([one?.body.started, two?.body.started].sort()).toEqual([false, true]);
    const { instanceId, output, customStatus } = await ended('/warehouse/clickstream.clicks/rebuild');
    expect(instanceId).toBe('rebuildWarehouse-clickstream.clicks');
    expect(output).toEqual({ outcome: 'rebuilt', version: 0, table: 'clickstream.clicks', steps: 1 });
    expect(customStatus).toMatchObject({ table: 'clickstream.clicks' });
  });

  it('is what the command starts, and follows to its end', async () => {
    const { code, out, err } = await run('warehouse', 'rebuild', 'clicks');
    expect([code, out, err]).toEqual([0, 'clickstream.clicks: rebuilt from version 0\n', '']);
    const { input } = await ended('/warehouse/clicks/rebuild');
    expect(input).toEqual({ table: 'clickstream.clicks', yes: false });
    const away = await run('warehouse', 'rebuild', 'clicks', '--url', 'http://127.0.0.1:9');
    expect([away.code, away.err]).toEqual([
      1,
      notAnswering('http://127.0.0.1:9/api/warehouse/clickstream.clicks/rebuild'),
    ]);
  });

  it('says so if there is no Delta table to rebuild from', async () => {
    const other = (await loadedTables()).find(({ deltaTable }) => deltaTable !== clickstream.table);
    if (!other) return;
    await ask('post', `/warehouse/${other.deltaTable}/rebuild`);
    const { output } = await ended(`/warehouse/${other.deltaTable}/rebuild`);
    expect(output).toEqual({ outcome: 'no-table', table: fullName(other.table), steps: 1 });
  });
});

it('names what is away while storage does not answer', async () => {
  process.kill(azurite.pid, 'SIGSTOP');
  try {
    const paths = ['/maintenance', '/warehouse/clicks/rebuild'];
    const asked = paths.flatMap((path) => [ask('get', path), ask('post', path)]);
    for (const { body } of await Promise.all(asked))
      expect(body).toMatchObject({ status: 503, detail: expect.stringContaining('AzureWebJobsStorage') });
    const { code, err } = await maintain();
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(
        /\/api\/maintenance answered 503: The host can .* AzureWebJobsStorage or, .*\.\n$/,
      ),
    ]);
  } finally {
    process.kill(azurite.pid, 'SIGCONT');
  }
}, 60_000);

it('has been held to everything in the contract that it can be made to answer', () => {
  const wanted = (['get', 'post'] as const).flatMap((method) =>
    documentedPaths(method)
      .filter((path) => /^\/(maintenance|warehouse)\b/.test(path))
      .flatMap((path) => documentedStatuses(path, method).map((status) => `${method} ${path} ${status}`)),
  );
  expect(wanted.filter((entry) => !answered.has(entry) && !entry.endsWith(' 401'))).toEqual([]);
});

it('logs each step in the invocation that took it', () => {
  const logs = ['one', 'two'].map((instance) =>
    readFileSync(join(folder, 'logs', `${instance}.log`), 'utf8'),
  );
  const lines = logs.join('').split('\n');
  expect(
    lines.filter((line) => /"event":"maintenance".*"step":"compact".*"outcome":"committed"/.test(line))
      .length,
  ).toBe(2);
});
