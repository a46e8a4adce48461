import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeNoAnswer } from '../../src/cli/noAnswer';
import { listenOnLoopback } from '../../src/lib/sameMachine';

const before =
  'http://127.0.0.1:7071/api/clicks does not answer: is the app running? --url tells where it is.';
const url = new URL('http://127.0.0.1:7071/api/clicks?top=1');

/** Works in a folder in which a run has left its mark, and answers with what it says of itself. */
async function workBeside(said: Readonly<Record<string, string>>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'no-answer-'));
  const dataDir = join(folder, '.local');
  mkdirSync(dataDir);
  const back = process.cwd();
  process.chdir(folder);
  const run = {
    dataDir: join(process.cwd(), '.local'),
    pid: process.pid,
    since: '2026-01-01T00:00:00Z',
    ...said,
  };
  const server = createServer((socket) => socket.end(JSON.stringify(run)));
  const port = await listenOnLoopback(server);
  writeFileSync(join(dataDir, 'run.json'), JSON.stringify({ port, pid: process.pid, children: [] }));
  onTestFinished(() => {
    server.close();
    process.chdir(back);
    rmSync(folder, { recursive: true });
  });
}

it.each([
  [{ command: 'npm start' }, ' "npm start" runs here, and its app has not started yet.'],
  [
    { command: 'npm start', dashboard: 'http://127.0.0.1:8000/api/dashboard' },
    ' That of "npm start" here is at --url http://127.0.0.1:8000.',
  ],
  [
    { command: 'npm start', dashboard: 'http://127.0.0.1:7071/api/dashboard' },
    ' "npm start" runs here, and its app is busy, is stopped, or waits for something else: "npm run doctor" says what does not answer.',
  ],
  [
    { command: 'npm run emulators' },
    ' "npm run emulators" runs here without an app: "func start" starts one beside it.',
  ],
])('where no app answers beside %j, the next step is told', async (said, hint) => {
  await workBeside(said);
  expect(await describeNoAnswer(url)).toBe(before + hint);
});

it('says nothing of this machine for an app elsewhere', async () => {
  expect(
    await describeNoAnswer(
      new URL('https://contoso.azurewebsites.net/api/clicks'),
      '; --here works without it',
    ),
  ).toBe(
    'https://contoso.azurewebsites.net/api/clicks does not answer: is the app running? --url tells where it is; --here works without it.',
  );
});
