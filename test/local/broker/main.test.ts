import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { EventHubProducerClient } from '@azure/event-hubs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { retry, until } from './clients';

const mainFile = join(process.cwd(), 'dist', 'local', 'broker', 'main.js');

let dir: string;
let running: ChildProcessByStdio<null, Readable, Readable>[] = [];

beforeAll(() => {
  if (!existsSync(mainFile)) throw new Error(`${mainFile} is missing: run "npm run build" first`);
});
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'broker-main-'));
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running = [];
  rmSync(dir, { recursive: true, force: true });
});

function run(...args: string[]) {
  const child = spawn(process.execPath, [mainFile, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  const output = { out: '', err: '' };
  child.stdout.on('data', (text) => {
    output.out += text;
  });
  child.stderr.on('data', (text) => {
    output.err += text;
  });
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }));
  return {
    child,
    exited,
    ready: () => until(`the broker: ${output.err}`, () => output.out.includes('listening')),
    output,
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  server.close();
  await once(server, 'close');
  return port;
}

const producerOf = (port: number): EventHubProducerClient =>
  new EventHubProducerClient(
    `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;EntityPath=clickstream`,
    { retryOptions: retry },
  );

describe('the broker process', () => {
  it('serves the configured hubs, answers health, and ends cleanly on SIGTERM', async () => {
    const [port, health] = [await freePort(), await freePort()];
    const { child, exited, ready, output } = run('--port', String(port), '--health-port', String(health));
    await ready();
    expect(output.out).toBe(`broker listening on 127.0.0.1:${port}, health on http://127.0.0.1:${health}\n`);
    const response = await fetch(`http://127.0.0.1:${health}/health`);
    expect([response.status, await response.text()]).toEqual([200, '{"status":"healthy"}\n']);
    const producer = producerOf(port);
    await producer.sendBatch([{ body: 1 }]);
    expect(await (await fetch(`http://127.0.0.1:${health}/stats`)).json()).toMatchObject({
      hubs: { clickstream: { accepted: 1 } },
    });
    child.kill('SIGTERM');
    expect(await exited).toMatchObject({ code: 0, signal: null, err: '' });
    await producer.close();
  });

  it('loses nothing that it accepted when it is killed', async () => {
    const [port, health] = [await freePort(), await freePort()];
    const args = ['--port', String(port), '--health-port', String(health), '--data', dir];
    const first = run(...args);
    await first.ready();
    const producer = producerOf(port);
    let accepted = 0;
    let killed = false;
    const body = 'x'.repeat(200);
    while (!killed) {
      await producer
        .sendBatch(Array.from({ length: 200 }, () => ({ body })))
        .then(() => {
          accepted += 200;
        })
        .catch(() => {
          killed = true;
        });
      if (accepted === 10_000) first.child.kill('SIGKILL');
    }
    expect(accepted).toBeGreaterThanOrEqual(10_000);
    expect(await first.exited).toMatchObject({ signal: 'SIGKILL' });
    await producer.close();

    const second = run(...args);
    await second.ready();
    const stats: unknown = await (await fetch(`http://127.0.0.1:${health}/stats`)).json();
    expect(stats).toMatchObject({ hubs: { clickstream: { accepted: expect.any(Number) } } });
    const kept = (stats as { hubs: { clickstream: { accepted: number } } }).hubs.clickstream.accepted;
    expect(kept).toBeGreaterThanOrEqual(accepted);
  });

  it('ends with one line and exit code 1 when a port is in use, naming port and flag', async () => {
    const taken = createServer();
    const busy = await listenOnLoopback(taken);
    const free = String(await freePort());
    expect(await run('--port', String(busy), '--health-port', free).exited).toMatchObject({
      code: 1,
      err: `Port ${busy} on 127.0.0.1 is in use: choose another with --port.\n`,
    });
    expect(await run('--port', free, '--health-port', String(busy)).exited).toMatchObject({
      code: 1,
      err: `Port ${busy} on 127.0.0.1 is in use: choose another with --health-port.\n`,
    });
    taken.close();
  });

  it('says what it takes, with a command that works as it is written', async () => {
    const { code, out } = await run('--help').exited;
    expect(code).toBe(0);
    expect(out).toMatch(/^node dist\/local\/broker\/main\.js \[options\]\n/);
    expect(out).toContain('--health-port N');
  });

  it('says in one line what is wrong with flags and configuration', async () => {
    const config = join(dir, 'config.json');
    writeFileSync(config, '{}');
    expect(await run('--port', 'x').exited).toMatchObject({
      code: 2,
      err: '--port x: expected a whole number from 0 to 65535.\n"node dist/local/broker/main.js --help" says what it takes.\n',
    });
    expect(await run('--config', config).exited).toMatchObject({
      code: 1,
      err: 'broker configuration: UserConfig must be an object, found nothing\n',
    });
    expect(await run('--nonsense').exited).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^--nonsense is no option of node dist\/local\/broker\/main\.js: expected --port, .*\n.*\n$/,
      ),
    });
  });
});
