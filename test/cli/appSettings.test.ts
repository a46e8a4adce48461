import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readAppSettings } from '../../src/cli/appSettings';
import { clickstream } from '../../src/lib/streams/clickstream';
import { loadStreams } from '../../src/lib/streams/loadStreams';

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

  /** The first line of stderr, the others, and the exit code. */
  function run(args: readonly string[], environment: Record<string, string> = {}) {
    const { stderr, status } = spawnSync(process.execPath, [resolve('dist/src/cli/warehouse.js'), ...args], {
      cwd: place,
      env: { PATH: process.env.PATH, ...environment },
      encoding: 'utf8',
    });
    const [first, ...rest] = stderr.trim().split('\n');
    return { first, rest, status };
  }
  const query = ['query', 'select 1'];
  const noWarehouse = [
    'WAREHOUSE is none: set it to the connection string of a database or, on this machine, to duckdb:PATH.',
  ];
  const noSettings =
    'There are no settings: start "npm start", or make local.settings.json (cp local.settings.sample.json local.settings.json).';

  it('is said in one line: the file in this folder, or another one', () => {
    put('local.settings.json');
    expect(run(query)).toEqual({ first: 'Settings: local.settings.json.', rest: noWarehouse, status: 1 });
    put('other.json');
    expect(run([...query, '--settings', 'other.json']).first).toBe('Settings: other.json.');
  });

  it('is the running npm start, which a file in this folder does not override in silence', () => {
    put('.local/settings.json');
    expect(run(['status']).first).toBe(
      'Settings: those of the emulators that run here (.local/settings.json).',
    );
    put('local.settings.json');
    expect(run(['status']).first).toBe(
      'Settings: local.settings.json. What runs here has its own: --settings .local/settings.json.',
    );
  });

  it('is the environment, which overrides a file only by name', () => {
    expect(run(query, values)).toMatchObject({ first: 'Settings: the environment.', rest: noWarehouse });
    put('local.settings.json');
    expect(run(query, { LAKE_CONTAINER: 'other', WAREHOUSE: 'none', HOME: place }).first).toBe(
      'Settings: local.settings.json; from the environment: LAKE_CONTAINER.',
    );
  });

  it('is nothing: then one sentence says what to do', () => {
    expect(run(['status'])).toEqual({ first: noSettings, rest: [], status: 1 });
    expect(run(['status', '--settings', 'gone.json'])).toMatchObject({ status: 2 });
  });

  it.each([
    ['ended', '.local/last-settings.json'],
    ['was killed', '.local/settings.json'],
  ])('is the last npm start that %s, for a query alone', (_how, path) => {
    put(path);
    const { pid } = spawnSync(process.execPath, ['--version']);
    put('.local/run.json', { pid });
    expect(run(query)).toMatchObject({
      first: `Settings: those of the last npm start here, which has ended (${path}).`,
      rest: noWarehouse,
    });
    expect(run(['status'])).toEqual({ first: noSettings, rest: [], status: 1 });
  });
});
