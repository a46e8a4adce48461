import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { loadPortFlags } from '../../local/ports';
import { readLocalSettings } from '../../src/cli/localSettings';
import { CommandFolder } from '../kit/commandFolder';
import type { RunningCommand } from '../kit/runCommand';

/*
 * `npm run emulators` with an app beside them that has the sample settings, as under Core Tools.
 */

let folder: CommandFolder;
beforeEach(() => {
  folder = new CommandFolder();
});

const run = (file: string, ...args: string[]) => folder.run(file, ...args);

async function startEmulators(): Promise<RunningCommand> {
  const names = [...Object.keys(await loadPortFlags()), 'queue-port', 'table-port'];
  const emulators = run('local/emulators.js', ...names.flatMap((name) => [`--${name}`, '0']));
  await emulators.until(/Ctrl-C ends them/);
  return emulators;
}

it('the sample settings show rows in a warehouse', { timeout: 120_000 }, async () => {
  await startEmulators();
  const sample = readLocalSettings(resolve('local.settings.sample.json'));
  // The sample names the default ports, which other programs may have, and a file in the app's folder, where the host runs.
  const { WAREHOUSE: _, ...addresses } = readLocalSettings(join(folder.path, '.local/settings.json'));
  expect(sample.WAREHOUSE).toMatch(/^duckdb:\.local\//);
  const WAREHOUSE = String(sample.WAREHOUSE).replace('duckdb:', `duckdb:${folder.path}/`);
  const Values = { ...sample, ...addresses, WAREHOUSE };
  writeFileSync(join(folder.path, 'local.settings.json'), JSON.stringify({ IsEncrypted: false, Values }));
  const host = run(
    'local/host/main.js',
    '--app',
    resolve('.'),
    '--port',
    '0',
    '--settings',
    'local.settings.json',
  );
  await host.until(/host ready on/);
  const rows = async () => {
    const query = run('src/cli/warehouse.js', 'query', 'select count(*) as n from clickstream.clicks');
    return (await query.ended) === 0 ? Number(/(\d+)\n$/.exec(query.text())?.[1]) : 0;
  };
  await expect.poll(rows, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0);
});

it('end if one of them dies, and say which', { timeout: 60_000 }, async () => {
  const emulators = await startEmulators();
  const [storage = 0] = JSON.parse(readFileSync(join(folder.path, '.local/run.json'), 'utf8')).children;
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
