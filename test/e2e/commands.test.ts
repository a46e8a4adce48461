import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endCommand, type RunningCommand, runCommand } from './runCommand';

let folder: string;
let running: RunningCommand[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  running = [];
});
afterEach(async () => {
  for (const command of running) await endCommand(command);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

function run(file: string, ...args: string[]): RunningCommand {
  const command = runCommand(file, args, folder);
  running.push(command);
  return command;
}

const freePorts = (...flags: string[]) => flags.flatMap((flag) => [`--${flag}`, '0']);
const emulatorPorts = ['broker-port', 'health-port', 'blob-port', 'coincap-port'];

describe('npm run emulators', () => {
  it('starts broker, three storage services and CoinCap, and ends cleanly on Ctrl-C', {
    timeout: 120_000,
  }, async () => {
    const emulators = run('local/emulators.js', ...freePorts(...emulatorPorts, 'queue-port', 'table-port'));
    await emulators.until(/Ctrl-C ends them/);
    const text = emulators.text();
    const url = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
    expect((await fetch(url(/Broker health +(\S+)/))).status).toBe(200);
    expect((await fetch(`${url(/COINCAP_URL +(\S+)/)}/v3/assets`)).status).toBe(401);
    for (const service of ['Blob', 'Queue', 'Table']) {
      // Without a signature each refuses, which only the service itself does.
      const reply = await fetch(`${url(new RegExp(`${service}Endpoint=(\\S+)`))}?comp=list`);
      expect(reply.headers.get('server')).toContain(`Azurite-${service}`);
    }
    expect(text).toMatch(
      /EventHubConnection +Endpoint=sb:\/\/127\.0\.0\.1:\d+;.*UseDevelopmentEmulator=true/,
    );
    emulators.process.kill('SIGINT');
    expect(await emulators.ended).toBe(0);
  });
});

describe('npm run emulators, whose output is cut', () => {
  it('ends what it has started', { timeout: 120_000 }, async () => {
    const emulators = run('local/emulators.js', ...freePorts(...emulatorPorts, 'queue-port', 'table-port'));
    emulators.process.stdout?.destroy();
    expect(await emulators.ended).toBe(141);
    expect(emulators.text()).toBe('');
    // The last thing that a clean end does is to delete what tells others of the running parts.
    const left = readdirSync(join(folder, '.local')).filter((name) => /\.(json|pid)$/.test(name));
    expect(left).toEqual([]);
  });
});

describe('npm run clicks', () => {
  it('prints the table that the API serves, once or again and again', { timeout: 120_000 }, async () => {
    const start = run('local/start.js', '--rate', '200', ...freePorts('port', ...emulatorPorts));
    await start.until(/[1-9][\d,]* rows, Delta version [2-9]/);
    const url = /Clicks per product +(http:\/\/[^/]+)/.exec(start.text())?.[1] ?? '';
    const once = run('src/cli/clicks.js', '--url', url, '--top', '3');
    expect(await once.ended).toBe(0);
    const lines = once.text().trim().split('\n');
    expect(lines[0]).toMatch(/^[\d,]+ clicks, top 3 products, version \d+ of \d{4}-/);
    expect(lines[1]?.trim().split(/\s+/)).toEqual(['product', 'category', 'clicks']);
    expect(lines).toHaveLength(5);

    const watch = run('src/cli/clicks.js', '--url', url, '--watch', '--every', '300ms', '--top', '1');
    await watch.until(/(clicks, [\s\S]*){3}/);
    watch.process.kill('SIGINT');
    expect(await watch.ended).toBe(0);
    const totals = [...watch.text().matchAll(/^([\d,]+) clicks, /gm)].map(([, total]) =>
      Number(total?.replaceAll(',', '')),
    );
    expect(totals.at(-1)).toBeGreaterThanOrEqual(totals[0] ?? Number.POSITIVE_INFINITY);
  });

  it('says so when nobody answers', async () => {
    const clicks = run('src/cli/clicks.js', '--url', 'http://127.0.0.1:9');
    expect(await clicks.ended).toBe(1);
    expect(clicks.text()).toBe('http://127.0.0.1:9/api/clicks does not answer: is the app running?\n');
  });
});

describe('commands that name something', () => {
  it.each([
    [['checkpoints', 'reset', 'orders'], 2, 'orders is no stream: expected clickstream or coincap.'],
    [['checkpoints', 'list'], 2, '<stream> is missing: expected clickstream or coincap.'],
    [['checkpoints', 'remove'], 2, 'remove is no subcommand of checkpoints: expected list or reset.'],
    [
      ['checkpoints', 'list', 'coincap', '--settings', 'no.json'],
      2,
      '--settings no.json: there is no such file.',
    ],
    [['checkpoints', 'list', 'coincap'], 1, 'EventHubConnection is missing'],
    [['deadLetters', 'list'], 1, 'LakeStorage is missing'],
    [['deadLetters', 'lst'], 2, 'lst is no subcommand of dead-letters: expected list, show or replay.'],
    [['verify', '--settings', 'no.json', 'coincap'], 2, '--settings no.json: there is no such file.'],
    [['verify', 'clickstream', 'coincap'], 2, 'verify takes one stream; coincap is one too many.'],
    [
      ['warehouse', 'rebuild', 'click'],
      2,
      'expected clickstream.clicks or assets.asset_statistics_history_v3.',
    ],
    [['warehouse', 'rebuild', 'clicks'], 1, 'LakeStorage is missing'],
  ])('%j ends with %i and says what is wrong', async ([name, ...args], code, message) => {
    const command = run(`src/cli/${name}.js`, ...args);
    expect(await command.ended).toBe(code);
    expect(command.text()).toContain(message);
  });
});
