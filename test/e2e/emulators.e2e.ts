import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPortFlags } from '../../local/ports';
import { endCommand, type RunningCommand, runCommand } from './runCommand';

/*
 * `npm run emulators`, which run for an app under Core Tools.
 */

let folder: string;
const running: RunningCommand[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
});
afterEach(async () => {
  for (const command of running.splice(0).reverse()) await endCommand(command);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

function run(file: string, ...args: string[]): RunningCommand {
  const command = runCommand(file, args, folder);
  running.push(command);
  return command;
}

async function startEmulators(): Promise<RunningCommand> {
  const names = [...Object.keys(await loadPortFlags()), 'queue-port', 'table-port'];
  const emulators = run('local/emulators.js', ...names.flatMap((name) => [`--${name}`, '0']));
  await emulators.until(/Ctrl-C ends them/);
  return emulators;
}

it('end if one of them dies, and say which', { timeout: 60_000 }, async () => {
  const emulators = await startEmulators();
  const [storage = 0] = JSON.parse(readFileSync(join(folder, '.local/run.json'), 'utf8')).children;
  process.kill(storage, 'SIGKILL');
  expect(await emulators.ended).toBe(1);
  expect(emulators.text()).toContain('storage ended with SIGKILL, so all the others are ended too');
});

it('are refused beside a run of the same folder', { timeout: 60_000 }, async () => {
  await startEmulators();
  const second = run('local/start.js');
  expect(await second.ended).toBe(1);
  expect(second.text()).toMatch(/^"npm run emulators" runs here already, since /);
});
