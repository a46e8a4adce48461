import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadedTables } from '../../src/lib/app/loadedTables';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { openWarehouse } from '../../src/lib/warehouse/openWarehouse';
import { parseWarehouse } from '../../src/lib/warehouse/warehouseSetting';
import { disabledSources } from '../kit/disabledFunctions';
import { LocalStack } from '../kit/localStack';
import { aboutOf, runDoctor } from '../kit/runDoctor';
import { TdsServer } from '../kit/tds/tdsServer';

/*
 * `npm run doctor` beside the laptop's Azure, in which each fault is really made: exactly the line of that resource turns red.
 */

const stack = new LocalStack();
let server: TdsServer;
let streams: string[];

beforeAll(async () => {
  await stack.start();
  server = await TdsServer.start({ dialect: 'pool' });
  stack.settings.WAREHOUSE = server.connectionString;
  await init(server);
  const lake = await openAzureBlobStore({ connectionString: stack.settings.LakeStorage ?? '' }, 'lake');
  await lake.put('made', Buffer.from('The container is there.'));
  streams = (await loadStreams()).map(({ name }) => name);
}, 120_000);

afterAll(async () => {
  await server?.close();
  await stack.stop();
});

async function init({ connectionString }: TdsServer): Promise<void> {
  const tables = (await loadedTables()).map(({ table }) => table);
  const warehouse = await openWarehouse({ setting: parseWarehouse(connectionString), tables });
  await warehouse?.init(tables);
  await warehouse?.close();
}

/** Runs the doctor with some settings changed. */
const examine = (changed: Readonly<Record<string, string>> = {}) => runDoctor(stack, { changed });

const ofEach = (what: string) => streams.map((stream) => `${what} ${stream}`);

it('finds nothing wrong where all is well, and leaves nothing in the lake', { timeout: 60_000 }, async () => {
  const { code, text, red } = await examine();
  expect(red).toEqual([]);
  expect(code).toBe(0);
  expect(text).not.toMatch(/AccountKey|SharedAccessKey|Password/i);
  for (const what of ['settings', 'host storage', 'clock', 'lake', 'warehouse', ...ofEach('hub of')])
    expect(text).toMatch(new RegExp(`^ok +${what}: `, 'm'));
  expect(text).toMatch(/^ok +readers of clickstream: .*; no app reads partition 0 now/m);
  expect(text).toMatch(/^ok +CLICKSTREAM_SCHEDULE: .*: [\d,]+ times in 31 days$/m);
  const lake = await openAzureBlobStore({ connectionString: stack.settings.LakeStorage ?? '' }, 'lake');
  expect(await lake.get('_doctor/probe')).toBeUndefined();
});

it('reads beside an app without disturbing it', { timeout: 90_000 }, async () => {
  await stack.startHost('reads', disabledSources());
  await stack.sendClicks(90);
  await expect.poll(async () => (await stack.figures('clickstream')).rows, { timeout: 60_000 }).toBe(90);
  const { red, text } = await examine();
  expect(red).toEqual([]);
  expect(text).toMatch(/^ok +readers of clickstream: .*, and an app does$/m);
  await stack.sendClicks(90);
  await expect.poll(async () => (await stack.figures('clickstream')).rows, { timeout: 60_000 }).toBe(180);
  await stack.stopHost('reads');
});

const key = Buffer.from('not the key').toString('base64');
const replaced = (name: string, part: RegExp, by: string): [string, () => Record<string, string>] => [
  name,
  () => ({ [name]: (stack.settings[name] ?? '').replace(part, by) }),
];

describe('turns red', () => {
  it.each<[string, () => Record<string, string>, () => string[], RegExp]>([
    [
      'a missing container',
      () => ({ LAKE_CONTAINER: 'elsewhere' }),
      () => ['lake'],
      /to mend it: start the app, .* or set LAKE_CONTAINER/,
    ],
    [
      'a missing hub',
      () => ({ CLICKSTREAM_HUB: 'none' }),
      () => ['hub of clickstream'],
      /to mend it: set CLICKSTREAM_HUB to a hub that the emulator has/,
    ],
    [
      'a missing consumer group',
      () => ({ CONSUMER_GROUP: 'none' }),
      () => ofEach('readers of'),
      /to mend it: set CONSUMER_GROUP to one that the emulator has/,
    ],
    [
      'a wrong key of storage',
      replaced('LakeStorage', /AccountKey=[^;]+/, `AccountKey=${key}`)[1],
      () => ['lake'],
      /403[\s\S]*the key is wrong: set LakeStorage to a connection string that the emulator accepts/,
    ],
    [
      'a wrong key of hubs',
      replaced('EventHubConnection', /SharedAccessKey=[^;]+/, `SharedAccessKey=${key}`)[1],
      () => ofEach('hub of'),
      /to mend it: set a connection string with a policy of the emulator that has Listen/,
    ],
    [
      'a port at which nothing answers',
      replaced(
        'AzureWebJobsStorage',
        /BlobEndpoint=http:\/\/127\.0\.0\.1:\d+/,
        'BlobEndpoint=http://127.0.0.1:1',
      )[1],
      () => ['host storage'],
      /ECONNREFUSED/,
    ],
    [
      'a schedule that the plan of CoinCap does not pay for',
      () => ({ COINCAP_SCHEDULE: '0 */30 * * * *', COINCAP_MONTHLY_REQUESTS: '1487' }),
      () => ['COINCAP_SCHEDULE'],
      /1,488 times in 31 days, and the plan pays for 1,487 \(COINCAP_MONTHLY_REQUESTS\)\n +to mend it: set COINCAP_SCHEDULE to "0 0 \* \* \* \*"/,
    ],
    [
      'an identity in a wrong form',
      () => ({ EventHubConnection: '', EventHubConnection__fullyQualifiedNamespace: 'sb://contoso' }),
      () => ['settings'],
      /EventHubConnection__fullyQualifiedNamespace/,
    ],
  ])(
    '%s',
    async (_, changed, expected, says) => {
      const { code, text, red } = await examine(changed());
      expect(aboutOf(red)).toEqual(expected());
      expect(text).toMatch(says);
      // No command of Azure mends an emulator.
      expect(text).not.toMatch(/to mend it: .*\baz /);
      expect(code).toBe(1);
    },
    60_000,
  );

  it('nothing for a DuckDB file of something else, which it leaves as it is', {
    timeout: 60_000,
  }, async () => {
    const path = join(stack.folder, 'other.duckdb');
    const file = await DuckDBInstance.create(path);
    file.closeSync();
    const before = readFileSync(path);
    const { red, text } = await examine({ WAREHOUSE: `duckdb:${path}` });
    expect(red).toEqual([]);
    expect(text).toMatch(/^ok +warehouse: the DuckDB file .*other\.duckdb can be read$/m);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('a database whose firewall does not know this machine', { timeout: 60_000 }, async () => {
    server.refuseLogins = {
      number: 40615,
      message:
        "Cannot open server 'one' requested by the login. Client with IP address '203.0.113.7' is not allowed to access the server.",
    };
    const { red, text } = await examine();
    server.refuseLogins = undefined;
    expect(aboutOf(red)).toEqual(['warehouse']);
    expect(text).toMatch(/to mend it: az sql server firewall-rule create .* --end-ip-address 203\.0\.113\.7/);
  });

  it('a paused pool, and a database without the ledger', { timeout: 90_000 }, async () => {
    server.refuseLogins = { number: 42108, message: 'Cannot connect: the pool is paused.' };
    const paused = await examine();
    server.refuseLogins = undefined;
    expect(aboutOf(paused.red)).toEqual(['warehouse']);
    expect(paused.text).toContain('az synapse sql pool resume');
    const empty = await TdsServer.start({ dialect: 'pool' });
    const { red, text } = await examine({ WAREHOUSE: empty.connectionString });
    await empty.close();
    expect(aboutOf(red)).toEqual(['warehouse']);
    expect(text).toContain('to mend it: npm run warehouse -- init');
  });
});
