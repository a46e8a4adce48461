import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { ClicksApi } from '../../src/lib/api/clicksApi';
import { Counts } from '../../src/lib/counts/counts';
import { ProductNames } from '../../src/lib/counts/productNames';
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

/** The API without the host around it; its answers' statuses as they go out. */
async function serve(table: ClicksTable, maxKeys = 100): Promise<{ url: string; statuses: number[] }> {
  const counts = new Counts({ at: table.at, counted: countedClicks, refreshMs: 0, maxKeys });
  const api = new ClicksApi({ counts, names: new ProductNames(table.at.store) });
  const statuses: number[] = [];
  server = createServer(async ({ url = '', headers }, response) => {
    const { searchParams: query } = new URL(url, 'http://127.0.0.1');
    const tag = headers['if-none-match'];
    const answer = await api.answer({
      path: '',
      query,
      headers: new Headers(tag ? { 'if-none-match': tag } : {}),
    });
    statuses.push(answer.status);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, statuses };
}

it('npm run clicks -- --watch shows the last answer again after a 304', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.click(7, 7, 9);
  const { url, statuses } = await serve(table);
  command = runCommand('src/cli/clicks.js', ['--url', url, '--watch', '--every', '50ms'], '.');
  await command.until(/(3 clicks, 2 products, version 1 [\s\S]*){4}/);
  expect(new Set(statuses.slice(0, 4))).toEqual(new Set([200, 304]));
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  await table.click(9);
  await command.until(/4 clicks, 2 products, version 2 /);
  // Nothing went wrong in between: an error is shown in an answer's place.
  expect(command.text()).not.toMatch(/Error/);
  await vi.waitFor(() => expect(statuses.slice(-2)).toEqual([304, 304]), { timeout: 10_000 });
});

it('npm run clicks shows names, and products that are not counted on their own together in one row', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.click(7, 7, 9, 10, 11);
  await table.at.store.put('products.csv', Buffer.from('9,"Lamp\n\u001b[2Jred"'));
  const { url } = await serve(table, 2);
  command = runCommand('src/cli/clicks.js', ['--url', url], '.');
  expect(await command.ended).toBe(0);
  const lines = command.text().trim().split('\n');
  expect(lines[0]).toMatch(/^5 clicks, 2 products, version 2 /);
  expect(lines.slice(1).map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
    'product category clicks',
    '7 8 2',
    '9 10 1 Lamp\\n\\u001b[2Jred',
    'other - 2',
    'The products in "other" are not counted on their own; each has at most 1.',
  ]);
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
  await command.until(/version 1 /);
  expect(command.text()).toMatch(/ 7 +\d+ +1\n +9 +\d+ +1\n +10 +\d+ +1\n/);
});

it('npm run clicks says in a sentence that there are no clicks yet', async () => {
  const { url } = await serve(new ClicksTable(new MemoryStore()));
  command = runCommand('src/cli/clicks.js', ['--url', url], '.');
  expect(await command.ended).toBe(0);
  expect(command.text()).toBe('No clicks yet: nothing was ingested.\n');
});

it.each([
  [404, 'Not here', 'answered 404.'],
  [401, '', 'answered 401: --key must be a function key.'],
  [503, '{"detail":"Storage does not answer."}', 'answered 503: Storage does not answer.'],
  [503, '{"detail":"One\\nline."}', 'answered 503: One\\nline.'],
  [200, '<html></html>', 'is not the API of Tributary: --url tells where the app is.'],
  [200, '{"total":"many"}', 'is not the API of Tributary: --url tells where the app is.'],
])('npm run clicks says what is wrong with an answer: %i %s', async (status, body, message) => {
  server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  command = runCommand('src/cli/clicks.js', ['--url', url], '.');
  expect(await command.ended).toBe(1);
  expect(command.text()).toBe(`${url}/api/clicks ${message}\n`);
});
