import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { FunctionsCore } from '../../local/host/functionsCore';
import { loadApp } from '../../local/host/loadApp';
import { sampleSettings } from '../../local/project';
import { orchestrationsVersion } from '../../src/lib/orchestrations/orchestration';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import type { Stream } from '../../src/lib/streams/stream';

const { main }: { main: string } = JSON.parse(readFileSync('package.json', 'utf8'));
const core = new FunctionsCore(() => {});

const bindingsOf = (name: string) => Object.values(core.functions.get(name)?.metadata.bindings ?? {});

/** With these settings, every function that sends events has something to send. */
const sending: Record<string, string> = sampleSettings();

beforeAll(async () => {
  // The sample may lack the hub of a stream that was added.
  for (const { hubSetting, name } of await loadStreams()) sending[hubSetting] ??= name;
  Object.assign(process.env, sending);
  // Not `dist/src`: the test command has built it, and a stale file there would be deployed too.
  expect(existsSync('dist/src/index.js')).toBe(true);
  await loadApp(process.cwd(), core, () => {});
});

it('keeps every line of the log: traces are not sampled', () => {
  const { logging } = JSON.parse(readFileSync('host.json', 'utf8'));
  expect(logging.applicationInsights.samplingSettings.excludedTypes.split(';')).toContain('Trace');
});

describe("package.json's main", () => {
  it('loads exactly the functions of src/functions, except those that send events of no stream', async () => {
    const others = named('').filter((name) => !name.startsWith('emit'));
    expect([...core.functions.keys()].sort()).toEqual([...others, ...(await emitters())].sort());
    expect([...core.functions.keys()]).toEqual(
      expect.arrayContaining([
        'emitClickstream',
        'getAssets',
        'getClicks',
        'getCounts',
        'getDashboard',
        'getHealth',
        'getLatest',
        'ingestClickstream',
        'maintainTables',
        'syncWarehouse',
      ]),
    );
  });

  it('misses no compiled file and matches no stale one', () => {
    const wanted = ['src/index.ts', ...globSync('src/functions/*.ts')].map(
      (path) => `dist/${path.replace(/\.ts$/, '.js')}`,
    );
    expect(globSync(main).sort()).toEqual(wanted.sort());
  });
});

/** The functions of src/functions whose names begin like this. */
const named = (prefix: string) =>
  readdirSync('src/functions')
    .filter((file) => file.startsWith(prefix) && file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length));

/** The stream that belongs to a function like `ingestClickstream`; undefined if the project has none of that name. */
const streamOf = async (name: string): Promise<Stream | undefined> => {
  const wanted = name.replace(/^[a-z]+/, '').toLowerCase();
  return (await loadStreams()).find((stream) => stream.name.toLowerCase() === wanted);
};

/** The functions that send events of a stream of the project. */
async function emitters(): Promise<string[]> {
  const names = named('emit');
  const streams = await Promise.all(names.map(streamOf));
  return names.filter((_, index) => streams[index]);
}

describe.each(named('ingest'))('%s', (name) => {
  it('takes batches of bytes from the hub of its stream', async () => {
    const stream = await streamOf(name);
    expect(bindingsOf(name)[0]).toMatchObject({
      type: 'eventHubTrigger',
      connection: 'EventHubConnection',
      eventHubName: `%${stream?.hubSetting}%`,
      consumerGroup: '%CONSUMER_GROUP%',
      cardinality: 'many',
      dataType: 'binary',
    });
  });

  it('is tried again without limit, under a minute apart', () => {
    expect(core.functions.get(name)?.metadata.retryOptions).toMatchObject({
      strategy: 'exponentialBackoff',
      maxRetryCount: -1,
      minimumInterval: { seconds: 1 },
      maximumInterval: { seconds: 50 },
    });
  });
});

describe.each(named('emit'))('%s', (name) => {
  it('fires on the schedule that its stream has set', async ({ skip }) => {
    skip((await streamOf(name)) === undefined, 'The project does not have its stream.');
    const schedule = `%${name.slice('emit'.length).toUpperCase()}_SCHEDULE%`;
    expect(bindingsOf(name)[0]).toMatchObject({ type: 'timerTrigger', schedule });
  });
});

describe('the other functions', () => {
  it('fire on their schedules and serve their routes', () => {
    expect(bindingsOf('startMaintenance')[0]).toMatchObject({
      type: 'timerTrigger',
      schedule: '0 */5 * * * *',
    });
    expect(bindingsOf('maintainTables')[0]).toMatchObject({ type: 'orchestrationTrigger' });
    for (const [name, route, method] of [
      ['postMaintenance', 'maintenance', 'POST'],
      ['getMaintenance', 'maintenance', 'GET'],
      ['postRebuild', 'warehouse/{table}/rebuild', 'POST'],
      ['getRebuild', 'warehouse/{table}/rebuild', 'GET'],
    ] as const)
      expect(bindingsOf(name)).toContainEqual(
        expect.objectContaining({ type: 'httpTrigger', route, methods: [method], authLevel: 'admin' }),
      );
    expect(bindingsOf('syncWarehouse')[0]).toMatchObject({
      type: 'timerTrigger',
      schedule: '30 * * * * *',
    });
    expect(bindingsOf('getHealth')[0]).toMatchObject({
      type: 'httpTrigger',
      route: 'health',
      methods: ['GET', 'HEAD'],
      authLevel: 'anonymous',
    });
    expect(bindingsOf('getClicks')[0]).toMatchObject({
      type: 'httpTrigger',
      route: 'clicks/{view?}',
      methods: ['GET'],
      authLevel: 'function',
    });
    expect(bindingsOf('getCounts')[0]).toMatchObject({
      type: 'httpTrigger',
      route: 'counts/{stream?}/{view?}',
      methods: ['GET'],
      authLevel: 'function',
    });
    expect(bindingsOf('getLatest')[0]).toMatchObject({
      type: 'httpTrigger',
      route: 'latest/{stream?}/{key?}/{view?}',
      methods: ['GET'],
      authLevel: 'function',
    });
    expect(bindingsOf('getAssets')[0]).toMatchObject({
      type: 'httpTrigger',
      route: 'assets/{id?}/{view?}',
      methods: ['GET'],
      authLevel: 'function',
    });
    expect(bindingsOf('getDashboard')[0]).toMatchObject({
      type: 'httpTrigger',
      route: 'dashboard/{part?}',
      methods: ['GET'],
      authLevel: 'anonymous',
    });
  });
});

describe('host.json', () => {
  const host = JSON.parse(readFileSync('host.json', 'utf8'));

  it('sets batches for files rather than for single events, and few activities at once', () => {
    expect(host.extensions.eventHubs).toEqual({
      minEventBatchSize: 1000,
      maxEventBatchSize: 4000,
      // With the time of a commit, about a second: COMMIT_INTERVAL.
      maxWaitTime: '00:00:00.750',
      prefetchCount: 8000,
      prefetchSizeInBytes: 8 * 1024 * 1024,
      batchCheckpointFrequency: 1,
    });
    expect(host.extensions.durableTask).toEqual({
      hubName: 'tributary',
      defaultVersion: orchestrationsVersion,
      maxConcurrentActivityFunctions: 2,
    });
    expect(host.extensionBundle).toEqual({
      id: 'Microsoft.Azure.Functions.ExtensionBundle',
      version: '[4.*, 5.0.0)',
    });
  });
});

/** Names of the functions of an app in a process of its own, and what it printed. */
function registered(settings: Record<string, string>): { names: string[]; lines: string[] } {
  const script = `
    const { FunctionsCore } = require('./dist/local/host/functionsCore.js');
    const core = new FunctionsCore(() => {});
    require('./dist/local/host/loadApp.js').loadApp(process.cwd(), core, () => {})
      .then(() => console.log('names ' + [...core.functions.keys()].sort().join(' ')));`;
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !(key in sending)));
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    env: { ...env, ...settings },
  });
  const lines = `${stderr}${stdout}`.trim().split('\n');
  return { names: lines.pop()?.split(' ').slice(1) ?? [], lines };
}

describe('a function that sends events', () => {
  it('is not registered where it would send none, which a line says', async () => {
    const all = registered(sending);
    expect(all.lines).toEqual([]);
    expect(all.names).toEqual(expect.arrayContaining(await emitters()));
    const none = registered({ ...sending, CLICKS_PER_SECOND: '', COINCAP_API_KEY: '' });
    expect(none.names).toEqual(all.names.filter((name) => !name.startsWith('emit')));
    expect(none.lines.sort()).toEqual(
      (await emitters())
        .map((name) => expect.stringMatching(new RegExp(`^${name} is not registered: [A-Z_]+ is .+\\.$`)))
        .sort(),
    );
    expect(registered({ ...sending, CLICKS_PER_SECOND: '0' }).lines).toContain(
      'emitClickstream is not registered: CLICKS_PER_SECOND is 0.',
    );
  });

  it('is registered with a wrong value, so that it fails where that is seen', () => {
    expect(registered({ ...sending, CLICKS_PER_SECOND: 'many' }).names).toContain('emitClickstream');
  });

  it('is not registered with a wrong schedule, which a line says by the name of the setting', () => {
    const { names, lines } = registered({ ...sending, CLICKSTREAM_SCHEDULE: 'every second' });
    expect(names).not.toContain('emitClickstream');
    expect(names).toContain('ingestClickstream');
    expect(lines).toContainEqual(
      expect.stringMatching(/^emitClickstream is not registered: CLICKSTREAM_SCHEDULE is malformed \(.*\)/),
    );
  });
});

describe('the start of the app', () => {
  it('logs what is wrong with the settings, and goes on', () => {
    const { names, lines } = registered({ ...sending, CONSUMER_GROUP: '', LAKE_CONTAINER: 'No container' });
    expect(names).toContain('getHealth');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        event: 'settings-invalid',
        level: 'error',
        code: 'settings.invalid',
        retriable: false,
        message: expect.stringMatching(/\n- LAKE_CONTAINER is malformed: .*\n- CONSUMER_GROUP is missing: /),
      },
    ]);
  });
});
