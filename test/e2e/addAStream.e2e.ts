import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSnapshot } from '../../src/lib/delta/openTable';
import { deadLettersTable } from '../../src/lib/lake/deadLetters';
import { readLetters } from '../../src/lib/lake/readLetters';
import { openProducer, sendEvents } from '../../src/lib/sources/sendEvents';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { RunningCommand } from '../kit/runCommand';
import { AppCopy, testsOfStreams } from './appCopy';

/*
 * Follows docs/add-a-stream.md exactly: its two files are put into a copy of the project, the copy is built and started, and the
 * guide's script sends the first order.
 */

let app: AppCopy;
let stack: RunningCommand;

beforeAll(async () => {
  app = new AppCopy();
  const files = filesOfTheGuide();
  expect([...files.keys()]).toEqual([
    'src/lib/streams/orders.ts',
    'src/functions/ingestOrders.ts',
    'sendOrder.mjs',
  ]);
  for (const [path, text] of files) app.add(path, text);
  await app.build();
  stack = await app.start('--rate', '20');
}, 120_000);

afterAll(() => app?.delete(), 60_000);

/** The code blocks of the guide under the file names in the headings above them. */
function filesOfTheGuide(): Map<string, string> {
  const guide = readFileSync('docs/add-a-stream.md', 'utf8');
  const blocks = guide.matchAll(/^## [^\n]*: `([^`]+)`\n[\s\S]*?```[jt]s\n([\s\S]*?)```/gm);
  return new Map([...blocks].map(([, path = '', text = '']) => [path, text]));
}

const ofTemplate = 'test/infra/checkTemplate.test.ts';

/** The guide's lines for the template, and where they go: below another line, or in its place. */
const linesOfTheTemplate = () =>
  [
    ...readFileSync('docs/add-a-stream.md', 'utf8').matchAll(
      /^\| `(deploy\/[^`]+)` \| `([^`]+)` \| (below|in the place of) `([^`]+)` \|$/gm,
    ),
  ].map(([, path = '', line = '', place, above = '']) => ({ path, line, place, above }));

async function output(file: string, ...args: string[]): Promise<string> {
  const command = app.run(file, ...args);
  expect([await command.ended, command.text()]).toEqual([0, expect.anything()]);
  return command.text();
}

it('takes two files to give a stream its hub, its setting and its rows on the laptop', {
  timeout: 120_000,
}, async () => {
  await output('sendOrder.mjs');
  await stack.until(/orders 1 emitted, 1 ingested, 1 row, Delta version \d+, 1 in the warehouse/);
  const query = ['query', 'select orderid, amount from shop.orders'];
  expect(await output('dist/src/cli/warehouse.js', ...query)).toMatch(/A-17\s.*19\.9/);
  expect(await output('dist/src/cli/verify.js', 'orders')).toContain('Each event is there once.');
});

it('leaves a project that passes its checks, with the lines for the template', {
  timeout: 1_800_000,
}, async () => {
  await app.checkTypes();
  await app.lint('src/lib/streams/orders.ts', 'src/functions/ingestOrders.ts');
  await expect(app.test(ofTemplate)).rejects.toThrow('the setting ORDERS_HUB is missing');
  for (const { path, line, place, above } of linesOfTheTemplate()) {
    const text = app.read(path);
    expect(text.split(above)).toHaveLength(2);
    app.add(path, text.replace(above, place === 'below' ? `${above}\n${line}` : line));
  }
  // A further stream changes which functions there are, and not what the others answer.
  const withoutAnswers = testsOfStreams.filter((path) => path !== 'test/functions');
  await app.test(...withoutAnswers, 'test/functions/registration.test.ts');
});

it('gives it its table, its dead letters and its counts as well', { timeout: 120_000 }, async () => {
  const { EventHubConnection = '', ORDERS_HUB = '', LakeStorage = '' } = app.settings();
  const producer = openProducer({ connectionString: EventHubConnection }, ORDERS_HUB);
  const order = (n: number) => ({
    orderid: `A-${n}`,
    productid: 1 + (n % 3),
    store: n % 4 === 0 ? 'Bonn' : 'Köln',
    amount: 19.9,
    at: '2026-01-02T03:04:05Z',
  });
  const good = Array.from({ length: 89 }, (_, n) => ({ body: order(n), partitionKey: String(n) }));
  const bad = [{ body: { orderid: 'B-1', productid: 'twelve' }, partitionKey: 'b' }];
  expect(await sendEvents(producer, [...good, ...bad])).toBe(90);
  await producer.close();
  await stack.until(/orders 91 emitted, 91 ingested, 90 rows, Delta version \d+, 90 in the warehouse/);

  const store = await openAzureBlobStore({ connectionString: LakeStorage }, 'lake');
  const at = { store, table: 'orders' };
  const snapshot = await openSnapshot(at);
  expect(snapshot?.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'orderid string',
    'productid integer',
    'store string',
    'amount double',
    'ordered_at timestamp',
    'enqueued_at timestamp',
    'hub_created_at timestamp',
    'hub_partition integer',
    'sequence_number long',
    'element integer',
    '_rescued_data string',
  ]);
  const letters = await openSnapshot({ store, table: deadLettersTable });
  expect(letters && (await readLetters(letters))).toMatchObject([
    { stream: 'orders', reason: 'wrong-shape' },
  ]);
  const [, url = ''] = /(http:\S+)\/api\/dashboard/.exec(stack.text()) ?? [];
  const counts = await (await fetch(`${url}/api/counts/orders`)).json();
  expect(counts).toMatchObject({
    version: snapshot?.version,
    total: 90,
    keys: [{ key: 1, attribute: 1, count: 30 }, { count: 30 }, { count: 29 }, { key: 12, count: 1 }],
  });

  const byStore = await (await fetch(`${url}/api/counts/orders?by=store`)).json();
  expect(byStore).toMatchObject({
    total: 90,
    keys: [
      { key: 'Köln', attribute: null, count: 67 },
      { key: 'Bonn', count: 23 },
    ],
  });
  const history = await (await fetch(`${url}/api/counts/orders/history?by=store&key=Bonn`)).json();
  expect(history).toMatchObject({ total: 23 });

  stack.process.kill('SIGINT');
  expect(await stack.ended).toBe(0);
  expect(stack.text()).toContain('orders: accepted 91 = ingested 91, rows 90 = warehouse 90, 1 dead letter');
});

it('refuses to start with a stream whose file names a column that it does not have', async () => {
  const path = 'src/lib/streams/orders.ts';
  const text = filesOfTheGuide().get(path) ?? '';
  app.add(path, text.replace("from: 'amount', type: 'float'", "from: 'amuont', type: 'float'"));
  await app.build();
  for (const command of ['dist/local/start.js', 'dist/local/emulators.js']) {
    const refused = app.run(command);
    expect([await refused.ended, refused.text()]).toEqual([
      1,
      "The stream orders has no column amuont, which the warehouse's column amount names: expected one of orderid, productid, store, amount, ordered_at, enqueued_at, hub_created_at, hub_partition, sequence_number, element, _rescued_data.\n",
    ]);
  }
}, 120_000);
