import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isRefused, listenOnLoopback, namingFlag, untilListening } from '../../src/lib/sameMachine';
import { requestsOfOtherSites, sendAs } from '../kit/sendAs';

const server = createServer((request, response) => {
  if (!isRefused(request, response)) response.end('served');
});
let url: string;
beforeAll(async () => {
  url = `http://127.0.0.1:${await listenOnLoopback(server)}`;
});
afterAll(() => server.close());

const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };

it.each([
  {},
  { host: 'localhost' },
  { host: 'LOCALHOST:7071' },
  { host: '127.0.0.1:1' },
  { host: '[::1]' },
  { host: '[::1]:7071' },
  { origin: 'http://127.0.0.1:7071' },
  { origin: 'http://localhost:3000', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
  { origin: 'https://[::1]' },
  { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
  { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  { ...link, 'sec-fetch-dest': 'document' },
])('serves %j', async (headers) => {
  expect(await sendAs(url, headers)).toEqual({ status: 200, body: 'served' });
});

it.each([
  { host: 'example.com' },
  { host: '127.0.0.1.example.com:7071' },
  { host: 'localhost.' },
  { host: 'localhost:7071:80' },
  { host: 'example.com@localhost' },
])('refuses %j, and says which hosts it takes', async (headers) => {
  const { status, body } = await sendAs(url, headers);
  expect([status, body]).toEqual([403, expect.stringContaining('must be 127.0.0.1, localhost or [::1]')]);
});

it.each([
  { origin: 'null' },
  { origin: '' },
  { origin: 'https://example.com' },
  { origin: 'http://localhost.example.com' },
  { origin: 'http://localhost@example.com' },
  { origin: 'http://localhost/, https://example.com' },
  { origin: 'chrome-extension://localhost' },
  { origin: 'null', ...link, 'sec-fetch-dest': 'document' },
  { ...link, 'sec-fetch-dest': 'iframe' },
  ...requestsOfOtherSites.filter((headers) => !headers.host),
])('refuses %j as another site', async (headers) => {
  const { status, body } = await sendAs(url, headers, 'POST');
  expect([status, body]).toEqual([403, expect.stringContaining('A web page of another site may not')]);
});

it.each([
  ['a server', (port: number) => listenOnLoopback(createTcpServer(), port)],
  ['a server of a library', (port: number) => untilListening(createTcpServer().listen(port, '127.0.0.1'))],
])(
  '%s that finds its port in use says so in one line, and with the flag that chooses another',
  async (_what, listen) => {
    const port = Number(new URL(url).port);
    await expect(listen(port)).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use.`);
    await expect(listen(port).catch(namingFlag('health-port'))).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use: choose another with --health-port.`,
    );
  },
);

it('an error that is about no port in use is thrown as it is', async () => {
  const error = new Error('The data folder cannot be written.');
  await expect(Promise.reject(error).catch(namingFlag('port'))).rejects.toBe(error);
  await expect(listenOnLoopback(createTcpServer(), 70_000)).rejects.toThrow(/port/i);
});
