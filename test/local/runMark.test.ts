import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ensureNotRunning, markRun } from '../../local/runMark';
import { listenOnLoopback } from '../../src/lib/sameMachine';

let dataDir: string;
const started: ChildProcess[] = [];
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'mark-')), '.local');
});
afterEach(async () => {
  for (const child of started.splice(0)) await kill(child);
  rmSync(join(dataDir, '..'), { recursive: true });
});

/** Starts a script in a process of its own, and waits until it prints something. */
async function run(script: string): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  await once(child.stdout, 'data');
  return Object.assign(child, { pid: child.pid ?? 0 });
}

const runForEver = () => run('console.log("runs"); setInterval(() => {}, 1000);');

/** Starts a run that marks the folder. */
const startRun = (...children: number[]) =>
  run(`require(${JSON.stringify(resolve('dist/local/runMark.js'))})
    .markRun(${JSON.stringify(dataDir)}, 'npm start')
    .then((mark) => {
      for (const pid of ${JSON.stringify(children)}) mark.addChild(pid);
      mark.setDashboard('http://127.0.0.1:7071/api/dashboard');
      console.log('runs');
    });
    setInterval(() => {}, 1000);`);

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const isMarked = () => existsSync(join(dataDir, 'run.json'));

function write(mark: unknown): void {
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'run.json'), typeof mark === 'string' ? mark : JSON.stringify(mark));
}

describe('a folder', () => {
  it('must be one that can be written', async () => {
    writeFileSync(dataDir, '');
    await expect(ensureNotRunning(dataDir)).rejects.toThrow(
      `${dataDir}, where all data is kept, cannot be used: there is something of this name already.`,
    );
  });

  it('is free if nothing ever ran there, and after a run that removed its mark', async () => {
    await ensureNotRunning(dataDir);
    const mark = await markRun(dataDir, 'npm start');
    expect(isMarked()).toBe(true);
    mark.remove();
    expect(isMarked()).toBe(false);
    await ensureNotRunning(dataDir);
  });

  it('is refused while a run goes on, with what runs, where it can be seen and how to end it', async () => {
    const { pid } = await startRun();
    await expect(ensureNotRunning(dataDir)).rejects.toThrow(
      new RegExp(
        `^"npm start" runs here already, since 20.*, as process ${pid}\\. Its dashboard: http://127\\.0\\.0\\.1:7071/api/dashboard\\. .* press Ctrl-C in its terminal, or: kill ${pid}$`,
      ),
    );
  });

  it('is marked by the first of two runs alone', async () => {
    const mark = await markRun(dataDir, 'npm run emulators');
    onTestFinished(() => mark.remove());
    await expect(markRun(dataDir, 'npm start')).rejects.toThrow('"npm run emulators" runs here already');
    expect(isMarked()).toBe(true);
  });

  it('is refused while the run is stopped, with how to continue it', async () => {
    const stopped = await startRun();
    stopped.kill('SIGSTOP');
    await expect(ensureNotRunning(dataDir)).rejects.toThrow(
      `Process ${stopped.pid} uses ${dataDir}, but does not answer. If it was stopped with Ctrl-Z, "fg" in its terminal continues it.`,
    );
    expect(isMarked()).toBe(true);
  });

  it('is free once the processes of a run that was killed have ended', async () => {
    const child = await runForEver();
    await kill(await startRun(child.pid));
    let isFree = false;
    const freed = ensureNotRunning(dataDir).then(() => {
      isFree = true;
    });
    await new Promise((done) => setTimeout(done, 300));
    expect(isFree).toBe(false);
    await kill(child);
    await freed;
    expect(isMarked()).toBe(false);
  });

  it('is free if another program has the port of a run that was killed', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    onTestFinished(() => void other.close());
    write({ port: await listenOnLoopback(other), pid: process.pid, children: [] });
    await ensureNotRunning(dataDir);
  });

  it.each(['', '{"port":', '{"port":"a","pid":1}', '[1]'])(
    'is free if the mark is damaged: %j',
    async (text) => {
      write(text);
      await ensureNotRunning(dataDir);
      (await markRun(dataDir, 'npm start')).remove();
    },
  );
});
