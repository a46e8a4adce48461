import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, expect, it } from 'vitest';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { endCommand, type RunningCommand, runCommand } from '../kit/runCommand';

/*
 * Commands that have work done by the app: what they refuse, and what they say while it does not answer.
 */

let mute: Server | undefined;
let command: RunningCommand | undefined;
afterEach(async () => {
  await endCommand(command);
  mute?.close();
});

const start = (name: string, ...args: string[]): RunningCommand => {
  command = runCommand(`src/cli/${name}.js`, args, tmpdir(), { PATH: process.env.PATH });
  return command;
};

const elsewhere = 'https://contoso.azurewebsites.net';

it.each([
  ['maintain --dry-run --url', '--dry-run', 'maintain', ['--dry-run', '--url', elsewhere]],
  ['maintain --here --url', '--here', 'maintain', ['--here', '--url', elsewhere]],
  ['rebuild --here --url', '--here', 'warehouse', ['rebuild', 'clicks', '--here', '--url', elsewhere]],
])('%s is refused: what is done here would not be done in that app', async (_name, flag, file, args) => {
  const { text, ended } = start(file, ...args);
  expect([await ended, text().split('\n')[0]]).toEqual([
    2,
    `--url is for work of the app, but with ${flag} this process works: leave one out.`,
  ]);
});

it('a key of the app is refused as well', async () => {
  const { text, ended } = start('maintain', '--here', '--key', 'secret');
  expect([await ended, text().split('\n')[0]]).toEqual([
    2,
    '--key is for work of the app, but with --here this process works: leave one out.',
  ]);
});

it.each(['checkpoint', 'counts'])(
  'a dry run of %s is refused, because it would say nothing',
  async (step) => {
    const { text, ended } = start('maintain', step, '--dry-run');
    expect([await ended, text().split('\n')[0]]).toEqual([
      2,
      `${step} has no --dry-run: expected clean, vacuum, compact or all.`,
    ]);
  },
);

it('counts of one table are refused, because they are saved for all together', async () => {
  const { text, ended } = start('maintain', 'counts', 'clicks');
  expect([await ended, text().split('\n')[0]]).toEqual([
    2,
    'counts is a step of all tables together: leave out clicks.',
  ]);
});

it('an error of the app stays within its line, whatever text is in it', async () => {
  const refusing = createHttpServer((_, reply) => reply.writeHead(503).end('{"detail":"One\\nline."}'));
  mute = refusing;
  const port = await listenOnLoopback(refusing);
  const url = `http://127.0.0.1:${port}`;
  const { text, ended } = start('maintain', '--url', url);
  expect([await ended, text()]).toEqual([1, `${url}/api/maintenance answered 503: One\\nline.\n`]);
});

it('says that the app has yet to begin what it was asked for', async () => {
  const answers = ['Pending', 'Pending', 'Completed'];
  const app = createHttpServer(({ method }, reply) => {
    const output = { tables: [], counts: 'saved', failures: [] };
    const status = { runtimeStatus: answers.shift(), output };
    reply.end(JSON.stringify(method === 'POST' ? { started: true } : status));
  });
  mute = app;
  const port = await listenOnLoopback(app);
  const url = `http://127.0.0.1:${port}`;
  const NODE_OPTIONS = '--import=data:text/javascript,process.stderr.isTTY=true';
  command = runCommand('src/cli/maintain.js', ['--url', url], tmpdir(), {
    PATH: process.env.PATH,
    NODE_OPTIONS,
  });
  expect(await command.ended).toBe(0);
  expect(command.text()).toContain('pass: the app has yet to begin it, step 0 of 1');
});

it.each([
  [200, '<html></html>', ' is not the API of Tributary: --url tells where the app is.'],
  [200, '{}', ' is not the API of Tributary: --url tells where the app is.'],
  [501, '<html></html>', ' answered 501, so it is not the API of Tributary: --url tells where the app is.'],
  [500, '', ' answered 500 and does not say why: see the log of the app, for "npm start" in .local/logs.'],
  [401, '', ' answered 401: --key must be the master key.'],
])('what answers %i with %j is not followed, and said to be wrong', async (status, body, message) => {
  const other = createHttpServer((_, reply) => reply.writeHead(status).end(body));
  mute = other;
  const port = await listenOnLoopback(other);
  const url = `http://127.0.0.1:${port}`;
  const { text, ended } = start('maintain', '--url', url);
  expect([await ended, text()]).toEqual([1, `${url}/api/maintenance${message}\n`]);
});

it('a command is not silent while the app does not answer', async () => {
  const server = createServer();
  mute = server;
  const port = await listenOnLoopback(server);
  const url = `http://127.0.0.1:${port}`;
  await start('maintain', '--url', url).until(/./);
  expect(command?.text()).toBe(`No answer yet: ${url}/api/maintenance\n`);
});
