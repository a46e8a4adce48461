import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { type Broker, startBroker } from '../../local/broker/broker';
import { parseConfig } from '../../local/broker/config';
import { type Child, startChild } from '../../local/childProcess';
import { warehouseRows } from '../../local/figures';
import { settingsAt } from '../../local/processes';
import { Counts } from '../../src/lib/counts/counts';
import { openSnapshot } from '../../src/lib/delta/openTable';
import { deadLettersTable } from '../../src/lib/lake/deadLetters';
import { readLetters } from '../../src/lib/lake/readLetters';
import { openProducer, sendEvents } from '../../src/lib/sources/sendEvents';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';

/*
 * Follows docs/add-a-stream.md to the letter: the two files it shows are put into a copy of the app, which is then
 * compiled and run.
 */

let app: string;
let azurite: Azurite;
let broker: Broker;
let host: Child;
let settings: Record<string, string>;

beforeAll(async () => {
  app = mkdtempSync(join(tmpdir(), 'tributary-'));
  for (const path of ['src', 'package.json', 'host.json', 'tsconfig.json']) {
    cpSync(path, join(app, path), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(app, 'node_modules'));
  const files = filesOfTheGuide();
  expect([...files.keys()]).toEqual(['src/lib/streams/orders.ts', 'src/functions/ingestOrders.ts']);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(app, path)), { recursive: true });
    writeFileSync(join(app, path), text, { flag: 'wx' });
  }
  const compile = {
    extends: './tsconfig.json',
    compilerOptions: { noEmit: false, outDir: 'dist' },
    include: ['src'],
  };
  writeFileSync(join(app, 'tsconfig.build.json'), JSON.stringify(compile));
  execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: app,
  });

  azurite = await startAzurite();
  const Entities = ['clickstream', 'coincap', 'orders'].map((Name) => ({
    Name,
    PartitionCount: 2,
    ConsumerGroups: [{ Name: 'tributary' }],
  }));
  const NamespaceConfig = [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }];
  broker = await startBroker({ port: 0, config: parseConfig({ UserConfig: { NamespaceConfig } }) });
  settings = {
    ...settingsAt({
      storageConnection: azurite.connectionString,
      brokerPort: broker.port,
      coincapUrl: 'http://127.0.0.1:9',
    }),
    CLICKS_PER_SECOND: '0',
    COINCAP_SCHEDULE: '0 0 0 1 1 *',
    ORDERS_HUB: 'orders',
    WAREHOUSE: `duckdb:${join(app, 'warehouse.duckdb')}`,
  };
  host = await startChild({
    name: 'host',
    argv: [resolve('dist/local/host/main.js'), '--app', app, '--port', '0'],
    env: { PATH: process.env.PATH, ...settings },
    ready: /host ready on (http:\/\/127\.0\.0\.1:\d+)/,
  });
}, 120_000);

afterAll(async () => {
  await host?.stop();
  await broker?.close();
  await azurite?.close();
  rmSync(app, { recursive: true, force: true });
}, 60_000);

/** The code blocks of the guide under the file names in the headings above them. */
function filesOfTheGuide(): Map<string, string> {
  const guide = readFileSync('docs/add-a-stream.md', 'utf8');
  const blocks = guide.matchAll(/^## [^\n]*`(src\/[^`]+)`\n[\s\S]*?```ts\n([\s\S]*?)```/gm);
  return new Map([...blocks].map(([, path = '', text = '']) => [path, text]));
}

it('takes two files to give a stream its table, its dead letters, its counts and its warehouse rows', {
  timeout: 120_000,
}, async () => {
  const producer = openProducer({ connectionString: broker.connectionString() }, 'orders');
  const order = (n: number) => ({
    orderid: `A-${n}`,
    productid: 1 + (n % 3),
    amount: 19.9,
    at: '2026-01-02T03:04:05Z',
  });
  const good = Array.from({ length: 90 }, (_, n) => ({ body: order(n), partitionKey: String(n) }));
  const bad = [{ body: { orderid: 'B-1', productid: 'twelve' }, partitionKey: 'b' }];
  expect(await sendEvents(producer, [...good, ...bad])).toBe(91);
  await producer.close();

  const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
  const at = { store, table: 'orders' };
  const rowsOf = async () =>
    [...((await openSnapshot(at))?.txns.values() ?? [])].reduce((sum, { version }) => sum + version + 1, 0);
  for (let tries = 0; tries < 300 && (await rowsOf()) < 91; tries++) await sleep(100);

  const snapshot = await openSnapshot(at);
  expect(snapshot?.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'orderid string',
    'productid integer',
    'amount double',
    'ordered_at timestamp',
    'enqueued_at timestamp',
    'hub_created_at timestamp',
    'hub_partition integer',
    'sequence_number long',
    'element integer',
  ]);
  const rows = [...(snapshot?.files.values() ?? [])].map(({ stats }) => JSON.parse(stats ?? '{}').numRecords);
  expect(rows.reduce((sum, count) => sum + count, 0)).toBe(90);
  const letters = await openSnapshot({ store, table: deadLettersTable });
  expect(letters && (await readLetters(letters))).toMatchObject([
    { stream: 'orders', reason: 'wrong-shape' },
  ]);
  const { tally } = await new Counts({ at, counted: { key: 'productid', attribute: 'productid' } }).current();
  expect(tally.total).toBe(90);

  const loaded = () =>
    warehouseRows(settings.WAREHOUSE, { schema: 'shop', name: 'orders', columns: [] }).catch(() => 0);
  for (let tries = 0; tries < 300 && (await loaded()) < 90; tries++) await sleep(100);
  expect(await loaded()).toBe(90);
});
