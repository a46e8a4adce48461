import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { settingsAt } from '../../local/processes';
import { openContainer } from '../../src/lib/storage/azureBlobStore';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import type { Stream } from '../../src/lib/streams/stream';
import { fullName } from '../../src/lib/warehouse/warehouse';

/*
 * What each command says before anything was ingested. Only `verify` asks a hub; the others work without settings of one.
 */

const folder = mkdtempSync(join(tmpdir(), 'empty-'));
let azurite: Azurite;
const containerNamed = (name: string) => openContainer({ connectionString: azurite.connectionString }, name);
beforeAll(async () => {
  azurite = await startAzurite();
  await (await containerNamed('lake')).create();
  writeFileSync(join(folder, 'names.csv'), '7,Lamp\n');
});
afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true });
});

/** @param number tells its files from those of the commands that run at the same time */
function run(
  [name, ...args]: readonly string[],
  number: number,
  own: Readonly<Record<string, string>> = {},
): Promise<{ code: number; lines: string[] }> {
  const settings = settingsAt({ storageConnection: azurite.connectionString, brokerPort: 1 });
  const ofTheLake = { LakeStorage: settings.LakeStorage, LAKE_CONTAINER: settings.LAKE_CONTAINER };
  const needed = name === 'verify' ? settings : ofTheLake;
  const warehouse = `duckdb:${join(folder, String(number))}`;
  const env = { PATH: process.env.PATH, ...needed, WAREHOUSE: warehouse, ...own };
  return new Promise((done) =>
    execFile(
      process.execPath,
      [resolve(`dist/src/cli/${name}.js`), ...args],
      { env, cwd: folder },
      (error, out, err) => {
        const lines = `${out}${err.replace('Settings: the environment.\n', '')}`.trim().split('\n');
        done({ code: Number(error?.code ?? 0), lines });
      },
    ),
  );
}

const hasNo = 'devstoreaccount1/lake (LakeStorage and LAKE_CONTAINER) has no table';
const none = (table: string) => `${hasNo} ${table}: nothing was ingested yet.`;
const noLetters = `${hasNo} dead_letters: there are no dead letters.`;
const clicks = 'clickstream.clicks';

const loadedBy = (streams: readonly Stream[]): string[] =>
  streams.flatMap(({ warehouse }) => (warehouse ? [fullName(warehouse)] : []));

/** What each command says, in a project with these streams. */
const commandsOf = (streams: readonly Stream[]): [command: string, code: number, lines: string[]][] => [
  ['trace clickstream 0 1', 1, [none('clicks')]],
  ['deadLetters list', 0, [noLetters]],
  ['deadLetters show clickstream 0 1', 1, [noLetters]],
  ['deadLetters replay clickstream', 0, ['There are no dead letters of clickstream.']],
  ['table history clicks', 1, [none('clicks')]],
  ['table files dead_letters', 1, [noLetters]],
  ['table check clicks', 1, [none('clicks')]],
  ['table repair clicks', 1, [none('clicks')]],
  ['maintain compact clicks --here', 1, ['clicks: there is no such table']],
  ['maintain vacuum clicks --dry-run', 1, [none('clicks')]],
  ['maintain --dry-run', 0, [...streams.map(({ table }) => none(table)), noLetters]],
  ['warehouse status', 0, loadedBy(streams).map((name) => `${name}: no Delta table yet`)],
  [
    'warehouse sync',
    0,
    loadedBy(streams).map((name) => `${name} has nothing to load: there is no Delta table yet`),
  ],
  ['warehouse rebuild clicks --here', 1, [`${clicks}: not rebuilt, because there is no Delta table yet`]],
  [
    'verify clickstream',
    1,
    [
      'It is unknown how many events wait in the hub: connect ECONNREFUSED 127.0.0.1:1. Nothing runs there: ' +
        'start "npm start" or "npm run emulators", or correct the settings.',
      none('clicks'),
    ],
  ],
];

it('a command says in a sentence that there is nothing yet', { timeout: 60_000 }, async () => {
  const commands = commandsOf(await loadStreams());
  const said = await Promise.all(commands.map(([command], number) => run(command.split(' '), number)));
  expect(said.map(({ code, lines }, number) => [commands[number]?.[0], code, lines])).toEqual(commands);
});

const elsewhere =
  'devstoreaccount1 has no container lkae, which LAKE_CONTAINER names: correct LAKE_CONTAINER or LakeStorage, or start the app, which makes the container of a new lake with its first event.';

const ofTheLake = [
  'products put names.csv',
  'products show',
  'deadLetters list',
  'deadLetters replay clickstream',
  'deadLetters erased clickstream',
  'trace clickstream 0 1',
  'table detail clicks',
  'table check clicks',
  'maintain --here',
  'maintain --dry-run',
  'query select+1+from+clicks',
  'warehouse status',
  'warehouse sync',
  'verify clickstream',
];

it('a command makes no container of a mistyped name, and says which setting has it', {
  timeout: 60_000,
}, async () => {
  const said = await Promise.all(
    ofTheLake.map((command, number) => {
      const words = command.split(' ').map((word) => word.replaceAll('+', ' '));
      return run(words, 100 + number, { LAKE_CONTAINER: 'lkae' });
    }),
  );
  const told = said.map(({ code, lines }, number) => [ofTheLake[number], code, lines.length, lines[0]]);
  expect(told).toEqual(ofTheLake.map((command) => [command, 1, 1, expect.stringContaining(elsewhere)]));
  expect(await (await containerNamed('lkae')).exists()).toBe(false);
});
