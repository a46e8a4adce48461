import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadSimulators, type Simulator } from '../../local/simulators';
import { orList } from '../../src/cli/commandLine/command';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { CommandFolder } from '../kit/commandFolder';

let folder: CommandFolder;
beforeEach(() => {
  folder = new CommandFolder();
});

const run = (file: string, ...args: string[]) => folder.run(file, ...args);
const freePorts = (...flags: string[]) => flags.flatMap((flag) => [`--${flag}`, '0']);
let simulators: readonly Simulator[];
let emulatorPorts: readonly string[];
beforeAll(async () => {
  simulators = await loadSimulators();
  const simulatorPorts = simulators.map(({ name }) => `${name}-port`);
  emulatorPorts = ['broker-port', 'health-port', 'blob-port', ...simulatorPorts];
});

describe('npm run emulators', () => {
  it('starts broker, three storage services and the simulators, and ends cleanly on Ctrl-C', {
    timeout: 120_000,
  }, async () => {
    const emulators = run('local/emulators.js', ...freePorts(...emulatorPorts, 'queue-port', 'table-port'));
    await emulators.until(/Ctrl-C ends them/);
    const text = emulators.text();
    const url = (pattern: RegExp) => pattern.exec(text)?.[1] ?? '';
    expect((await fetch(url(/Broker health +(\S+)/))).status).toBe(200);
    for (const { urlSetting } of simulators)
      expect((await fetch(url(new RegExp(`^${urlSetting} +(\\S+)`, 'm')))).status).toBe(404);
    for (const service of ['Blob', 'Queue', 'Table']) {
      // Each service refuses a request without a signature, which proves that the service itself answers.
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
  it('ends all processes that it started', { timeout: 120_000 }, async () => {
    const emulators = run('local/emulators.js', ...freePorts(...emulatorPorts, 'queue-port', 'table-port'));
    emulators.process.stdout?.destroy();
    expect(await emulators.ended).toBe(141);
    expect(emulators.text()).toBe('');
    // The last step of a clean end is to delete the files that tell others about the running parts.
    const left = readdirSync(join(folder.path, '.local')).filter((name) => /\.(json|pid)$/.test(name));
    // Queries of the DuckDB file read their settings here afterwards.
    expect(left).toEqual(['last-settings.json']);
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
    expect(lines[0]).toMatch(
      /^[\d,]+ clicks since the beginning, the top 3 products, as of .* UTC, version \d+$/,
    );
    // In the minute of the first clicks there is no rate, and no change.
    expect(lines[1]).toMatch(/ UTC, (?:.* the time before|so it is too early for a rate\.)$/);
    const rate = lines[1]?.endsWith(' the time before') ? ['a', 'minute', 'change'] : [];
    expect(lines[2]?.trim().split(/\s+/)).toEqual(['product', 'category', 'clicks', ...rate]);
    expect(lines).toHaveLength(6);

    const watch = run('src/cli/clicks.js', '--url', url, '--watch', '--every', '300ms', '--top', '1');
    await watch.until(/(clicks since [\s\S]*){3}/);
    watch.process.kill('SIGINT');
    expect(await watch.ended).toBe(0);
    const totals = [...watch.text().matchAll(/^([\d,]+) clicks since /gm)].map(([, total]) =>
      Number(total?.replaceAll(',', '')),
    );
    expect(totals.at(-1)).toBeGreaterThanOrEqual(totals[0] ?? Number.POSITIVE_INFINITY);
  });

  it('says that the app does not answer', async () => {
    const clicks = run('src/cli/clicks.js', '--url', 'http://127.0.0.1:9');
    expect(await clicks.ended).toBe(1);
    expect(clicks.text()).toBe(
      'http://127.0.0.1:9/api/clicks does not answer: is the app running? --url tells where it is. On this machine, "npm start" starts it.\n',
    );
  });
});

/** A message with the names of the streams, and of their tables in the warehouse, filled in. */
async function withNames(message: string): Promise<string> {
  const streams = await loadStreams();
  const tables = streams.flatMap(({ warehouse }) => warehouse ?? []);
  return message
    .replace('{streams}', orList(streams.map(({ name }) => name)))
    .replace('{tables}', orList(tables.map(({ schema, name }) => `${schema}.${name}`)));
}

describe('commands that name something', () => {
  it.each([
    [['checkpoints', 'reset', 'clicks'], 2, 'clicks is no stream: expected {streams}.'],
    [['checkpoints', 'list'], 2, '<stream> is missing: expected {streams}.'],
    [['checkpoints', 'remove'], 2, 'remove is no subcommand of checkpoints: expected list, reset or skip.'],
    [
      ['checkpoints', 'list', 'clickstream', '--settings', 'no.json'],
      2,
      '--settings no.json: there is no such file.',
    ],
    [['checkpoints', 'list', 'clickstream'], 1, 'There are no settings: start "npm start", or make'],
    [['deadLetters', 'list'], 1, 'There are no settings: start "npm start", or make'],
    [
      ['deadLetters', 'lst'],
      2,
      'lst is no subcommand of dead-letters: expected list, show, replay or erased.',
    ],
    [['verify', '--settings', 'no.json', 'clickstream'], 2, '--settings no.json: there is no such file.'],
    [['verify', 'clickstream', 'clicks'], 2, 'verify takes one stream; clicks is one too many.'],
    [['warehouse', 'rebuild', 'click'], 2, 'expected {tables}, or the name of its Delta table.'],
    [['warehouse', 'rebuild', 'clicks', '--here'], 1, 'There are no settings: start "npm start", or make'],
  ])('%j ends with %i and says what is wrong', async ([name, ...args], code, message) => {
    const command = run(`src/cli/${name}.js`, ...args);
    expect(await command.ended).toBe(code);
    expect(command.text()).toContain(await withNames(message));
  });
});
