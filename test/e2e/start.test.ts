import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endCommand, type RunningCommand, runCommand } from './runCommand';

/*
 * `npm start` as its users run it: the compiled command in a process of its own, in an empty folder.
 */

let folder: string;
let running: RunningCommand | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
});
afterEach(async () => {
  await endCommand(running);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

function start(...args: string[]): RunningCommand {
  running = runCommand('local/start.js', args, folder);
  return running;
}

/** Each run takes free ports, so that nothing else on the machine is in the way. */
const freePorts = () =>
  ['port', 'broker-port', 'health-port', 'blob-port', 'coincap-port'].flatMap((flag) => [`--${flag}`, '0']);

/** The numbers of the last line about clicks: accepted, and what the others say. */
function comparison(text: string): number[] {
  const line = /^accepted ([\d,]+) . rows ([\d,]+) . clicks ([\d,]+) . warehouse ([\d,]+)$/m.exec(text);
  return (line?.slice(1) ?? []).map((number) => Number(number.replaceAll(',', '')));
}

describe('npm start', () => {
  it('shows clicks flowing and ends with four equal numbers', { timeout: 120_000 }, async () => {
    const run = start('--for', '6s', '--rate', '500', ...freePorts());
    expect(await run.ended).toBe(0);
    const [accepted = 0, ...others] = comparison(run.text());
    expect(accepted).toBeGreaterThan(1000);
    expect(others).toEqual([accepted, accepted, accepted]);
    expect(run.text()).toMatch(/assets: accepted (\d+) = rows \1 = warehouse \1/);
    expect(run.text()).toMatch(
      /clicks [\d,]+ emitted, [\d,]+ ingested, [\d,]+ rows, Delta version \d+, [\d,]+ in the warehouse · assets /,
    );
    // Everything is kept in one folder, so that wiping it wipes all.
    expect(readdirSync(folder)).toEqual(['.local']);
  });

  it('agrees again over both runs after kill -9 in the middle', { timeout: 180_000 }, async () => {
    const killed = start('--rate', '500', ...freePorts());
    await killed.until(/[1-9][\d,]* rows, Delta version [3-9]/);
    killed.process.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');

    const second = start('--rate', '500', '--for', '4s', ...freePorts());
    expect(await second.ended).toBe(0);
    const [accepted = 0, ...others] = comparison(second.text());
    expect(others).toEqual([accepted, accepted, accepted]);
    const before = [...killed.text().matchAll(/clicks ([\d,]+) emitted/g)].at(-1)?.[1]?.replaceAll(',', '');
    expect(accepted).toBeGreaterThan(Number(before));
  });

  it('ends cleanly on Ctrl-C', { timeout: 120_000 }, async () => {
    const run = start(...freePorts());
    await run.until(/[1-9][\d,]* rows, Delta version/);
    run.process.kill('SIGINT');
    expect(await run.ended).toBe(0);
    expect(comparison(run.text())).toHaveLength(4);
  });

  it('names a busy port and its flag in one line', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const run = start(...freePorts(), '--broker-port', String(port));
    expect(await run.ended).toBe(1);
    expect(run.text()).toBe(`Port ${port} on 127.0.0.1 is in use: choose another with --broker-port.\n`);
    server.close();
  });

  it.each([
    [['--rate', 'fast'], '--rate fast: expected a number from 0 to 100000.'],
    [['--for', 'ever'], '--for ever: expected a duration like 20s or 5m.'],
    [['--fro', '5s'], "Unknown option '--fro'"],
  ])('says what is wrong with %j', async (args, message) => {
    const run = start(...args);
    expect(await run.ended).toBe(1);
    expect(run.text()).toContain(message);
    expect(run.text()).toContain('--for 20s');
    expect(readdirSync(folder)).toEqual([]);
  });
});
