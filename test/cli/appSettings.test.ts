import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { markRun } from '../../local/runMark';
import { readAppSettings } from '../../src/cli/appSettings';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { clickstream } from '../../src/lib/streams/clickstream';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { runCommand } from '../kit/runCommand';

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
afterAll(() => rmSync(folder, { recursive: true }));

const withEntityPath = (hub: string): string =>
  `Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=app;SharedAccessKey=c2VjcmV0;EntityPath=${hub}`;

/** The settings as a command reads them from a file with these values. */
async function read(values: Record<string, string>) {
  const file = join(folder, 'local.settings.json');
  const ofTheApp = { LakeStorage: 'UseDevelopmentStorage=true', CONSUMER_GROUP: 'tributary' };
  writeFileSync(file, JSON.stringify({ Values: { ...ofTheApp, ...values } }));
  return readAppSettings(file);
}

describe('the settings of a command', () => {
  it('refuse a connection string that names another hub than a stream has, as the app does', async () => {
    for (const { hubSetting } of await loadStreams())
      await expect(
        read({ EventHubConnection: withEntityPath('tides'), [hubSetting]: 'mine' }),
      ).rejects.toThrow(
        `- EventHubConnection has EntityPath=tides, but ${hubSetting} is mine: take ;EntityPath=tides out of the connection string, or set `,
      );
  });

  it('take a connection string that names the same hub', async () => {
    const settings = await read({ EventHubConnection: withEntityPath('Tides'), CLICKSTREAM_HUB: 'tides' });
    expect(settings.hub(clickstream, 'listen').hub).toBe('tides');
  });

  it('need none of a stream', async () => {
    const settings = await read({ EventHubConnection: withEntityPath('tides') });
    expect(settings.lakeContainer).toBe('lake');
  });
});

/*
 * The built command in a folder of its own. It ends before any request, because no warehouse is configured.
 */
describe('where the settings of a command are from', () => {
  const place = join(folder, 'place');
  beforeEach(() => {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(join(place, '.local'), { recursive: true });
  });

  const values = {
    EventHubConnection: withEntityPath('tides').replace(/;EntityPath.*/, ''),
    LakeStorage: 'UseDevelopmentStorage=true',
    CONSUMER_GROUP: 'tributary',
    WAREHOUSE: 'none',
  };
  const put = (path: string, content: object = { Values: values }) =>
    writeFileSync(join(place, path), JSON.stringify(content));

  /** The first line of the output, the others, and the exit code. */
  async function run(args: readonly string[], environment: Record<string, string> = {}) {
    const env = { PATH: process.env.PATH, ...environment };
    const { text, ended } = runCommand('src/cli/warehouse.js', args, place, env);
    const status = await ended;
    const [first, ...rest] = text().trim().split('\n');
    return { first, rest, status };
  }
  const query = ['query', 'select 1'];
  const noWarehouse = [
    'WAREHOUSE is none: set it to the connection string of a database or, on this machine, to duckdb:PATH.',
  ];
  const noSettings =
    'There are no settings: start "npm start", or make local.settings.json (cp local.settings.sample.json local.settings.json).';
  const noSettingsAfterRun = `${noSettings} What ran here last has ended; "npm run emulators" has its storage and hubs, without the app.`;

  it('is in the help, in the order in which it is looked for', async () => {
    const { text, ended } = runCommand('src/cli/warehouse.js', ['--help'], place, { PATH: process.env.PATH });
    expect(await ended).toBe(0);
    expect(text()).toMatch(
      /--settings FILE .*local\.settings\.json.* in this folder, or else .* npm start or npm run emulators that runs here; environment variables override each$/m,
    );
  });

  it('is said in one line: the file in this folder, or another one', async () => {
    put('local.settings.json');
    expect(await run(query)).toEqual({
      first: 'Settings: local.settings.json.',
      rest: noWarehouse,
      status: 1,
    });
    put('other.json');
    expect((await run([...query, '--settings', 'other.json'])).first).toBe('Settings: other.json.');
  });

  it('is the running npm start, which a file in this folder does not override in silence', async () => {
    put('.local/settings.json');
    const mark = await markRun(join(place, '.local'), 'npm start');
    onTestFinished(() => mark.remove());
    expect((await run(['status'])).first).toBe(
      'Settings: those of the emulators that run here (.local/settings.json).',
    );
    put('local.settings.json');
    expect((await run(['status'])).first).toBe(
      'Settings: local.settings.json. What runs here has its own: --settings .local/settings.json.',
    );
  });

  it('is the environment, which overrides a file only by name', async () => {
    expect(await run(query, values)).toMatchObject({
      first: 'Settings: the environment.',
      rest: noWarehouse,
    });
    put('local.settings.json');
    expect((await run(query, { LAKE_CONTAINER: 'other', WAREHOUSE: 'none', HOME: place })).first).toBe(
      'Settings: local.settings.json; from the environment: LAKE_CONTAINER.',
    );
  });

  it('names what the environment takes from a file, also with an empty value and for the host', async () => {
    put('local.settings.json', { Values: { ...values, LAKE_CONTAINER: 'lake' } });
    expect((await run(query, { LAKE_CONTAINER: ' ', COINCAP_URL: '' })).first).toBe(
      'Settings: local.settings.json; from the environment: LAKE_CONTAINER.',
    );
    expect((await run(query, { FUNCTIONS_WORKER_RUNTIME: 'dotnet' })).first).toBe(
      'Settings: local.settings.json; from the environment: FUNCTIONS_WORKER_RUNTIME.',
    );
    rmSync(join(place, 'local.settings.json'));
    expect((await run(query, { FUNCTIONS_WORKER_RUNTIME: 'node' })).first).toBe(noSettings);
  });

  it('may name storage on this machine that does not run: then it is said how to start it', async () => {
    const LakeStorage =
      'AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=http://127.0.0.1:1/a;DefaultEndpointsProtocol=http';
    const { rest, status } = await run(['status'], { ...values, LakeStorage, WAREHOUSE: 'duckdb:w.duckdb' });
    expect([rest.join('\n'), status]).toEqual([
      expect.stringMatching(
        /ECONNREFUSED 127\S+[^.] \(storage\.unavailable, see docs\/errors\.md\)\. Nothing runs there: start "npm start" or/,
      ),
      1,
    ]);
  });

  it('may have no more than a query needs', async () => {
    expect(await run(query, { WAREHOUSE: 'none' })).toMatchObject({ rest: noWarehouse });
    const { rest } = await run(query, { WAREHOUSE: 'Server=a:1433;Database=d' });
    expect(rest).toEqual([
      'Settings are missing or malformed:',
      expect.stringMatching(/^- WAREHOUSE is malformed: its server has a colon/),
    ]);
  });

  it('is nothing: then one sentence says what to do', async () => {
    expect(await run(['status'])).toEqual({ first: noSettings, rest: [], status: 1 });
    expect(await run(['status', '--settings', 'gone.json'])).toMatchObject({ status: 2 });
  });

  it.each([
    ['ended', '.local/last-settings.json'],
    ['was killed', '.local/settings.json'],
  ])('is the last npm start that %s, for a query alone', async (_how, path) => {
    put(path);
    expect(await run(query)).toMatchObject({
      first: `Settings: those of what ran here last, which has ended (${path}).`,
      rest: noWarehouse,
    });
    expect(await run(['status'])).toEqual({ first: noSettingsAfterRun, rest: [], status: 1 });
  });

  it.each([
    'nobody is there',
    'another program is there, also with its process id',
    'another folder is used',
  ])('is no run that was killed: on the port that it left %s', async (what) => {
    put('.local/settings.json');
    const other = await markRun(join(place, 'other'), 'npm start');
    const program = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request'));
    const port = await listenOnLoopback(program);
    onTestFinished(() => {
      other.remove();
      program.close();
    });
    const ofOther = JSON.parse(readFileSync(join(place, 'other/run.json'), 'utf8'));
    const ports = { nobody: 1, 'another program': port, 'another folder': ofOther.port };
    const [, found] = Object.entries(ports).find(([who]) => what.startsWith(who)) ?? [];
    put('.local/run.json', { port: found, pid: process.pid, children: [] });
    expect(await run(['status'])).toEqual({ first: noSettingsAfterRun, rest: [], status: 1 });
  });
});
