import { spawn, spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { resolve } from 'node:path';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { noSuchStream } from '../../src/lib/api/answer';
import { ClicksApi } from '../../src/lib/api/clicksApi';
import { countTerms } from '../../src/lib/api/countTerms';
import { Counts } from '../../src/lib/counts/counts';
import { ProductNames } from '../../src/lib/counts/productNames';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { MemoryStore } from '../../src/lib/storage/memoryStore';
import { countedClicks } from '../../src/lib/streams/clickstream';
import { endCommand, type RunningCommand, runCommand } from '../kit/runCommand';
import { ClicksTable } from '../lib/counts/clicksTable';

let server: Server | undefined;
let command: RunningCommand | undefined;
afterEach(async () => {
  await endCommand(command);
  server?.closeAllConnections();
  server?.close();
});

/** What the API answers where there is no such stream. */
const { body: noStream } = noSuchStream('orderz', 'whose rows are counted', {
  streams: [{ name: 'orders' }],
  declares: 'counted',
});

/** The API of clicks and of one more stream, without the host around it; which paths were asked, whether since a time, and with which statuses. */
async function serve(table: ClicksTable, maxKeys = 100) {
  const counts = new Counts({ at: table.at, counted: countedClicks, refreshMs: 0, maxKeys });
  const names = new ProductNames(table.at.store);
  const apis = {
    clicks: new ClicksApi({ counts, names }),
    'counts/orders': new ClicksApi({ counts, names, terms: countTerms }),
  };
  const asked: { path: string; status: number }[] = [];
  server = createServer(async ({ url = '', headers }, response) => {
    const { pathname, searchParams: query } = new URL(url, 'http://127.0.0.1');
    const [, stream = '', path = ''] = /^\/api\/(clicks|counts\/\w+)(?:\/(.*))?$/.exec(pathname) ?? [];
    const answer = (await apis[stream as 'clicks']?.answer({
      path: decodeURIComponent(path),
      query,
      headers: new Headers(headers as Record<string, string>),
    })) ?? { status: 404, headers: {}, body: noStream };
    asked.push({ path: `${pathname}${query.has('since') ? '?since' : ''}`, status: answer.status });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  const port = await listenOnLoopback(server);
  return { url: `http://127.0.0.1:${port}`, asked };
}

/** Runs it to its end. Lines have one blank between their words. */
async function clicks(...args: string[]): Promise<{ code: unknown; lines: string[] }> {
  command = runCommand('src/cli/clicks.js', args, '.');
  const code = await command.ended;
  const lines = command.text().trimEnd().split('\n');
  return { code, lines: lines.map((line) => line.trim().replace(/ +/g, ' ')) };
}

it('npm run clicks ends with 1 for a product or a category that was never counted, but not for one without clicks lately', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.append([{ productid: 7, category: 3, at: Date.now() - 3_600_000 }]);
  const { url } = await serve(table);
  const of = async (...args: string[]) => clicks('--url', url, ...args);
  expect(await of('--category', '99')).toEqual({
    code: 1,
    lines: ['No click with category 99 has been counted.'],
  });
  expect((await of('--category', '99', '--csv')).code).toBe(1);
  expect((await of('--product', '99')).code).toBe(1);
  expect((await of('--category', '3', '--last', '1m')).code).toBe(0);
  expect((await of('--product', '7', '--last', '1m')).code).toBe(0);
});

it('npm run clicks -- --watch asks only for what has changed, and shows the last answer again', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.click(7, 7, 9);
  const { url, asked } = await serve(table);
  command = runCommand('src/cli/clicks.js', ['--url', url, '--watch', '--every', '50ms'], '.');
  await command.until(/(3 clicks since the beginning, 2 products, [^\n]*version 1\n[\s\S]*){4}/);
  const all = () => asked.filter(({ path }) => path === '/api/clicks').map(({ status }) => status);
  expect(all().slice(0, 4)).toEqual([200, 304, 304, 304]);
  // How fast is asked once; where a minute ends meanwhile, also for shorter times, or else whether there are any in the minute of now.
  expect(asked.length - all().length).toBeLessThanOrEqual(3);
  await table.click(9);
  await command.until(/4 clicks since the beginning, 2 products, [^\n]*version 2\n/);
  // Nothing went wrong in between: an error is shown in an answer's place.
  expect(command.text()).not.toMatch(/Error/);
  await vi.waitFor(() => expect(all().slice(-2)).toEqual([304, 304]), { timeout: 10_000 });
});

it('npm run clicks shows names, rates, changes and bars, and products that are not counted on their own in one row', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  // In the middle of a minute, of which the last 15 whole minutes do not hold the newest.
  const minute = Math.floor(Date.now() / 60_000) * 60_000 - 30_000;
  const at = (productid: number, minutesAgo: number) => ({ productid, at: minute - minutesAgo * 60_000 });
  await table.append([...[2, 3, 4, 20].map((ago) => at(7, ago)), at(9, 3), at(7, 500)]);
  await table.append([at(10, 3), at(11, 18)]);
  await table.at.store.put('products.csv', Buffer.from('9,"Lamp\n\u001b[2Jred"'));
  const { url } = await serve(table, 2);
  const { code, lines } = await clicks('--url', url);
  expect(code).toBe(0);
  expect(lines[0]).toMatch(
    /^8 clicks since the beginning, 2 products, as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, version 3$/,
  );
  expect(lines[1]).toMatch(
    /^0\.3 a minute from \S+ \d\d:\d\d to (\S+ )?\d\d:\d\d UTC, \+150 % against the time before$/,
  );
  expect(lines.slice(2)).toEqual([
    'product name category clicks a minute change',
    `7 8 5 0.2 +200 % ${'█'.repeat(40)}`,
    `9 Lamp\\n\\u001b[2Jred 10 1 0.1 new ${'█'.repeat(8)}`,
    'other - 2',
    'The products in "other" are not counted on their own; each has at most 1.',
  ]);
});

it('npm run clicks tells the rate of a time that began after the first click', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  // In the middle of a minute: 30 clicks in each of the last 8 minutes, of which 7 or 8 are over.
  const minute = Math.floor(Date.now() / 60_000) * 60_000 - 30_000;
  const minutes = [0, 1, 2, 3, 4, 5, 6, 7];
  await table.append(
    minutes.flatMap((ago) => Array.from({ length: 30 }, () => ({ productid: 7, at: minute - ago * 60_000 }))),
  );
  const { url } = await serve(table);
  const { lines } = await clicks('--url', url);
  expect(lines[1]).toMatch(/^(?:30|24) a minute from .* against the time before$/);
  // A time that is asked for stays as it is.
  const { lines: asked } = await clicks('--url', url, '--last', '15m');
  expect(asked[1]).toMatch(/^16 a minute from .*, none in the time before$/);
});

it('npm run clicks says in the minute of the first clicks that it is too early for a rate, and tells of no rate then', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  const now = Date.now();
  await table.append([
    { productid: 7, at: now },
    { productid: 7, at: now - 50 * 60_000 },
  ]);
  const { url } = await serve(table);
  // Once the minute has ended, its clicks have a rate. On a busy machine that can be before an answer.
  const hasEnded = () => Math.floor(Date.now() / 60_000) > Math.floor(now / 60_000);
  const early =
    /^No clicks from \d{4}-\d\d-\d\d \d\d:\d\d to (?:\S+ )?\d\d:\d\d UTC, so it is too early for a rate\.$/;
  const titles = 'product category clicks';
  const all = await clicks('--url', url);
  if (hasEnded()) return;
  expect(all.lines).toMatchObject([
    expect.stringMatching(/^2 clicks since the beginning, 1 product, /),
    expect.stringMatching(early),
    titles,
    expect.stringMatching(/^7 8 2 /),
  ]);
  const { lines } = await clicks('--url', url, '--last', '10m', '--product', '7');
  if (hasEnded()) return;
  expect([lines[0], lines[1]]).toEqual([
    expect.stringMatching(/^1 click in the last 10m, /),
    expect.stringMatching(early),
  ]);
});

it('npm run clicks tells no rate of the minute in which the clicks began, whose average would be too low', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  const minute = Math.floor(Date.now() / 60_000) * 60_000;
  await table.append([1, 2, 3].map((seconds) => ({ productid: 7, at: minute - seconds * 1000 })));
  const { url } = await serve(table);
  const { lines } = await clicks('--url', url);
  if (Date.now() >= minute + 60_000) return;
  const time = (at: number) => new Date(at).toISOString().slice(11, 16);
  expect(lines[1]).toMatch(/^No clicks from .* UTC, so it is too early for a rate\.$/);
  expect(lines[1]).toContain(` ${time(minute - 120_000)} to `);
  expect(lines[2]).toBe('product category clicks');
  // A time that is asked for has its average.
  const { lines: asked } = await clicks('--url', url, '--last', '5m');
  expect(asked[1]).toMatch(/^0\.6 a minute from .*, none in the time before$/);
});

it('npm run clicks -- --watch shows several products on a terminal that does not know its size', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.click(7, 9, 10);
  const { url } = await serve(table);
  const asTerminal = {
    NODE_OPTIONS: '--import=data:text/javascript,process.stdout.isTTY=true;process.stdout.rows=0',
  };
  command = runCommand('src/cli/clicks.js', ['--url', url, '--watch'], '.', {
    ...process.env,
    ...asTerminal,
  });
  await command.until(/^ *10 /m);
  expect(command.text()).toMatch(/^ *7 .*\n *9 .*\n *10 .*\n/m);
});

it('npm run clicks shows a part of the time, of the products, and another stream', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.append([{ productid: 7, at: Date.now() - 10 * 3_600_000 }]);
  await table.click(7, 9, 9, 19);
  const { url } = await serve(table);
  const firstLines = async (...args: string[]) => (await clicks('--url', url, ...args)).lines.slice(0, 4);
  const rows = /^(?:product|key) /;
  const listed = async (...args: string[]) => {
    const lines = await firstLines(...args, '--top', '5');
    return [
      lines[0]?.split(', as of')[0],
      ...lines.slice(lines.findIndex((line) => rows.test(line)) + 1),
    ].map((line) => line?.replace(/(?: [\d.]+ (?:-|new|\S+ %))?(?: \S*█\S*)?$/, ''));
  };
  expect(await listed('--last', '2h')).toEqual(['4 clicks in the last 2h, 3 products', '9 10 2']);
  expect(await listed('--category', '10')).toEqual([
    '3 clicks with category 10 since the beginning, 2 products',
    '9 10 2',
  ]);
  expect(await listed('--product', '7', '--last', '2h')).toEqual(['1 click in the last 2h', '7 8 1']);
  expect(await listed('--product', '7')).toEqual(['2 clicks since the beginning', '7 8 2']);
  expect(await listed('--stream', 'orders', '--category', '8')).toEqual([
    '2 rows with attribute 8 since the beginning, 1 key',
    '7 8 2',
  ]);
  // For 31 days, the API counts those before in the table's files.
  expect((await firstLines('--last', '31d'))[0]).toMatch(/^5 clicks in the last 31d, 3 products, /);
  for (const last of ['31d', '5d'])
    expect((await firstLines('--last', last))[1]).toMatch(
      / from \d{4}-\d\d-\d\d 00:00 to \d{4}-\d\d-\d\d 00:00 UTC, /,
    );
});

const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

it.runIf(hasTerminal)('npm run clicks -- --watch fits into a terminal, with its heading', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.click(...Array.from({ length: 50 }, (_, n) => n));
  const { url } = await serve(table, 30);
  const file = resolve('dist/src/cli/clicks.js');
  const call = `stty rows 12 cols 50; exec ${process.execPath} ${file} --url ${url} --watch --every 100ms`;
  const env = { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' };
  const run = spawn('script', ['-qec', call, '/dev/null'], { env });
  onTestFinished(() => void run.kill('SIGKILL'));
  let text = '';
  run.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const frames = () => text.replaceAll('\u001b', 'ESC').split('ESC[HESC[2J').slice(1, -1);
  await expect.poll(() => frames().length, { timeout: 20_000 }).toBeGreaterThan(0);
  const lines = frames()[0]?.trimEnd().split('\r\n') ?? [];
  // The cursor stands in a line of its own below them.
  expect(lines).toHaveLength(11);
  expect(lines[0]).toMatch(/^50 clicks since the beginning, /);
  expect(lines.at(-2)).toMatch(/^ +other +- +20$/);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(50);
});

it('npm run clicks -- --csv has all products, and nothing that controls a terminal', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.click(...Array.from({ length: 30 }, (_, n) => n));
  await table.at.store.put('products.csv', Buffer.from('0,"=1\u001b[2J, red"'));
  const { url } = await serve(table);
  command = runCommand('src/cli/clicks.js', ['--url', url, '--csv'], '.');
  expect(await command.ended).toBe(0);
  const lines = command.text().split('\r\n');
  expect(lines).toHaveLength(32);
  expect(lines.slice(0, 3)).toEqual([
    'productid,name,category,clicks',
    `0,"'=1\\u001b[2J, red",1,1`,
    '1,,2,1',
  ]);
});

it('npm run clicks says in a sentence that there are no clicks yet', async () => {
  const { url } = await serve(new ClicksTable(new MemoryStore()));
  expect(await clicks('--url', url)).toEqual({ code: 0, lines: ['No clicks yet: nothing was ingested.'] });
});

it.each([
  [['--every', '2s'], '--every is for --watch: add it, or leave out --every.'],
  [['--csv', '--watch'], '--csv prints once: leave out --watch.'],
  [['--product', '7', '--category', '3'], '--product names one product: leave out --category.'],
  ...['trending', '99999999999'].map((product): [string[], string] => [
    ['--product', product],
    `--product ${product}: expected a whole number from -2147483648 to 2147483647.`,
  ]),
  ...['attributes', 'history', 'trending', '.', '..'].map((key): [string[], string] => [
    ['--stream', 'orders', '--product', key],
    `--product ${key}: the API does not tell a key of this name by itself. Leave out --product: it is in the table, and with --csv certainly.`,
  ]),
])('npm run clicks refuses %j', async (args, message) => {
  const { code, lines } = await clicks(...args);
  expect([code, lines[0]]).toEqual([2, message]);
});

it('npm run clicks ends with 2 for a value that the API does not take, and says what it takes', async () => {
  const { url } = await serve(await new ClicksTable(new MemoryStore()).create());
  const said = async (...args: string[]) => {
    const { code, lines } = await clicks('--url', url, ...args);
    return [code, lines[0]];
  };
  const span = 'expected a time in whole minutes, hours or days, like 15m, 3h or 9d.';
  expect(await said('--last', '99s')).toEqual([2, `--last 99s: ${span}`]);
  expect(await said('--last', '15', '--csv')).toEqual([2, `--last 15: ${span}`]);
  expect(await said('--last', '15', '--watch')).toEqual([2, `--last 15: ${span}`]);
  expect(await said('--category', 'x')).toEqual([
    2,
    '--category x: expected a whole number from -2147483648 to 2147483647.',
  ]);
  for (const name of ['nothing', '.', '..', '../clicks'])
    expect(await said('--stream', name)).toEqual([2, `--stream ${name}: expected orders.`]);
  expect(await said('--stream', '.', '--csv')).toEqual([2, '--stream .: expected orders.']);
});

it.each([
  [404, 'Not here', 'answered 404, so it is not the API of Tributary: --url tells where the app is.'],
  [403, 'Stopped', 'answered 403: the function app may be stopped, or refuse this network.'],
  [500, '', 'answered 500 and does not say why: see the log of the app, for "npm start" in .local/logs.'],
  [401, '', 'answered 401: --key must be a function key.'],
  [503, '{"detail":"Storage does not answer."}', 'answered 503: Storage does not answer.'],
  [503, '{"detail":"One\\nline."}', 'answered 503: One\\nline.'],
  [200, '<html></html>', 'is not the API of Tributary: --url tells where the app is.'],
  [200, '{"total":"many"}', 'is not the API of Tributary: --url tells where the app is.'],
])('npm run clicks says what is wrong with an answer: %i %s', async (status, body, message) => {
  server = createServer((_, response) => response.writeHead(status).end(body));
  const port = await listenOnLoopback(server);
  const url = `http://127.0.0.1:${port}`;
  for (const args of [[], ...(body.startsWith('{') ? [] : [['--csv']])]) {
    command = runCommand('src/cli/clicks.js', ['--url', url, ...args], '.');
    expect(await command.ended).toBe(1);
    expect(command.text()).toBe(`${url}/api/clicks ${message}\n`);
  }
});
