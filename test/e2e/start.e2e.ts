import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubProducerClient } from '@azure/event-hubs';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAzurite } from '../../local/azurite';
import { startBroker } from '../../local/broker/broker';
import { parseConfig } from '../../local/broker/config';
import { isAlive } from '../../local/isAlive';
import { loadSimulators, type Simulator } from '../../local/simulators';
import { readLocalSettings } from '../../src/cli/localSettings';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { clickstream } from '../../src/lib/streams/clickstream';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { endCommand, type RunningCommand, runCommand } from '../kit/runCommand';
import { secretsInLogs } from '../kit/secretsIn';

/*
 * `npm start` as its users run it: the compiled command in a process of its own, in an empty folder.
 */

let simulators: readonly Simulator[];
beforeAll(async () => {
  simulators = await loadSimulators();
});

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

/** Flags that make each run take free ports, so that it does not conflict with other programs. */
const freePorts = () =>
  [
    'port',
    ...['broker', 'health', 'blob', ...simulators.map(({ name }) => name)].map((name) => `${name}-port`),
  ].flatMap((flag) => [`--${flag}`, '0']);

/** The numbers of the last line about clicks: accepted, rows, clicks, warehouse. */
function comparison(text: string): number[] {
  const line = /^accepted ([\d,]+) . rows ([\d,]+) . clicks ([\d,]+) . warehouse ([\d,]+)$/m.exec(text);
  return (line?.slice(1) ?? []).map((number) => Number(number.replaceAll(',', '')));
}

/** The numbers of the last line if not every event is one row: accepted, ingested, rows, clicks, warehouse. */
function longComparison(text: string): number[] {
  const line =
    /^accepted ([\d,]+) . ingested ([\d,]+), rows ([\d,]+) . clicks ([\d,]+) . warehouse ([\d,]+)/m.exec(
      text,
    );
  return (line?.slice(1) ?? []).map((number) => Number(number.replaceAll(',', '')));
}

/** The process ids of storage, broker, simulators and host, in this order. */
const childrenOfRun = (): number[] =>
  JSON.parse(readFileSync(join(folder, '.local/run.json'), 'utf8')).children;

/** The container of the running lake. */
async function openLake(): Promise<ContainerClient> {
  const values = readLocalSettings(join(folder, '.local/settings.json'));
  return BlobServiceClient.fromConnectionString(values.LakeStorage ?? '').getContainerClient(
    values.LAKE_CONTAINER ?? '',
  );
}

/** Puts entries into a table's log that nobody can read, where its writer will write next. */
async function spoilNextVersions(table: string): Promise<void> {
  const lake = await openLake();
  const spoil = async (version: number) => {
    const blob = lake.getBlockBlobClient(`${table}/_delta_log/${String(version).padStart(20, '0')}.json`);
    const conditions = { ifNoneMatch: '*' };
    await blob.upload('spoiled', 7, { conditions }).catch(() => {});
  };
  await Promise.all(Array.from({ length: 30 }, (_, version) => spoil(version)));
}

/** Deletes the hub between two runs and makes it again, and resets the checkpoints, as an operator would. */
async function makeHubAgain(hub: string): Promise<void> {
  const broker = await startBroker({
    port: 0,
    config: parseConfig(readFileSync(join(folder, '.local/broker/config.json'), 'utf8')),
    dataDir: join(folder, '.local/broker'),
  });
  expect(broker.recreateHub(hub)).toBe(true);
  await broker.close();
  const azurite = await startAzurite({ dataDir: join(folder, '.local/storage') });
  const storage = BlobServiceClient.fromConnectionString(azurite.connectionString);
  const container = storage.getContainerClient('azure-webjobs-eventhub');
  for await (const { name } of container.listBlobsFlat()) {
    if (name.includes(`/${hub}/`)) await container.deleteBlob(name);
  }
  await azurite.close();
}

describe('npm start', () => {
  it('shows clicks flowing and ends with four equal numbers', { timeout: 120_000 }, async () => {
    const run = start('--for', '4s', '--rate', '500', ...freePorts());
    expect(await run.ended).toBe(0);
    const [accepted = 0, ...others] = comparison(run.text());
    expect(accepted).toBeGreaterThan(1000);
    expect(others).toEqual([accepted, accepted, accepted]);
    for (const { table } of (await loadStreams()).filter((stream) => stream !== clickstream))
      expect(run.text()).toMatch(new RegExp(`^${table}: accepted (\\d+) = rows \\1 = warehouse \\1$`, 'm'));
    expect(run.text()).toMatch(
      /clicks [\d,]+ emitted, [\d,]+ ingested, [\d,]+ rows?, Delta version \d+, [\d,]+ in the warehouse(?: · |\n)/,
    );
    // All data is in one folder, so that deleting it deletes everything.
    expect(readdirSync(folder)).toEqual(['.local']);
  });

  it('gets to four equal numbers in processes that share no memory, also while tables are maintained and rebuilt', {
    timeout: 180_000,
  }, async () => {
    const run = start('--groups', '--rate', '500', ...freePorts());
    await run.until(/[1-9][\d,]* rows, Delta version [3-9]/);
    const url = /(http:\S+)\/api\/clicks/.exec(run.text())?.[1];
    expect((await fetch(`${url}/api/maintenance`, { method: 'POST' })).status).toBe(202);
    await expect
      .poll(async () => (await fetch(`${url}/api/maintenance`)).json(), { timeout: 60_000 })
      .toMatchObject({ runtimeStatus: 'Completed', output: { counts: 'saved', failures: [] } });
    const rebuilt = `${url}/api/warehouse/clickstream.clicks/rebuild`;
    expect((await fetch(rebuilt, { method: 'POST' })).status).toBe(202);
    await expect
      .poll(async () => (await fetch(rebuilt)).json(), { timeout: 60_000 })
      .toMatchObject({
        runtimeStatus: 'Completed',
        output: { outcome: 'rebuilt', table: 'clickstream.clicks' },
      });
    const values = readLocalSettings(join(folder, '.local/settings.json'));
    run.process.kill('SIGINT');
    expect(await run.ended).toBe(0);
    const [accepted = 0, ...others] = comparison(run.text());
    expect(accepted).toBeGreaterThan(1000);
    expect(others).toEqual([accepted, accepted, accepted]);
    const logs = readdirSync(join(folder, '.local/logs'));
    expect(secretsInLogs(join(folder, '.local/logs'), values)).toEqual([]);
    expect(logs).toEqual(
      expect.arrayContaining(['http.log', 'durable.log', 'ingestClickstream.log', 'syncWarehouse.log']),
    );
    const logsWith = (event: string) =>
      logs.filter((log) =>
        readFileSync(join(folder, '.local/logs', log), 'utf8').includes(`"event":"${event}"`),
      );
    expect(logsWith('maintenance')).toEqual(['durable.log']);
    expect(logsWith('rebuild')).toEqual(['durable.log']);
  });

  it('leaves no process behind after kill -9, and agrees again over both runs', {
    timeout: 180_000,
  }, async () => {
    const killed = start('--rate', '500', ...freePorts());
    await killed.until(/[1-9][\d,]* rows, Delta version [3-9]/);
    const pids = childrenOfRun();
    killed.process.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');
    await expect.poll(() => pids.filter(isAlive), { timeout: 20_000 }).toEqual([]);

    const second = start('--rate', '500', '--for', '4s', ...freePorts());
    expect(await second.ended).toBe(0);
    const [accepted = 0, ...others] = comparison(second.text());
    expect(others).toEqual([accepted, accepted, accepted]);
    const before = [...killed.text().matchAll(/clicks ([\d,]+) emitted/g)].at(-1)?.[1]?.replaceAll(',', '');
    expect(accepted).toBeGreaterThan(Number(before));
  });

  it('ends cleanly on Ctrl-C, agrees, and names the dead letter when an event is no click', {
    timeout: 120_000,
  }, async () => {
    const run = start(...freePorts());
    await run.until(/[1-9][\d,]* rows, Delta version/);
    const values = readLocalSettings(join(folder, '.local/settings.json'));
    const producer = new EventHubProducerClient(
      values.EventHubConnection ?? '',
      values.CLICKSTREAM_HUB ?? '',
    );
    await producer.sendBatch([{ body: 'no click' }]);
    await producer.close();
    run.process.kill('SIGINT');
    expect(await run.ended).toBe(0);
    const [accepted = 0, ...others] = longComparison(run.text());
    expect(others).toEqual([accepted, accepted - 1, accepted - 1, accepted - 1]);
    expect(run.text().trim().split('\n').at(-1)).toMatch(/, 1 dead letter$/);
  });

  it('agrees over a hub that was deleted and made again', { timeout: 180_000 }, async () => {
    const first = start('--for', '3s', ...freePorts());
    expect(await first.ended).toBe(0);
    const [before = 0] = comparison(first.text());
    await makeHubAgain('clickstream');

    const second = start('--for', '3s', ...freePorts());
    expect(await second.ended).toBe(0);
    const [accepted = 0, ingested, ...stored] = longComparison(second.text());
    expect(accepted).toBeGreaterThan(0);
    expect(ingested).toBe(accepted);
    expect(stored).toEqual([before + accepted, before + accepted, before + accepted]);
  });

  it('ends at once on a second Ctrl-C while the last events do not arrive', {
    timeout: 120_000,
  }, async () => {
    const run = start(...freePorts());
    await run.until(/[1-9][\d,]* rows, Delta version/);
    const apiUrl = /Clicks per product +(http:\/\/[^/]+)/.exec(run.text())?.[1];
    const url = `${apiUrl}/admin/functions/ingestClickstream/state`;
    expect((await fetch(url, { method: 'PUT', body: '{"state":"disabled"}' })).status).toBe(200);
    const emitted = () => [...run.text().matchAll(/clicks ([\d,]+) emitted/g)].length;
    const lines = emitted();
    await expect.poll(emitted, { timeout: 20_000 }).toBeGreaterThan(lines + 2);
    run.process.kill('SIGINT');
    await run.until(/the last events arrive/);
    // Signals in quick succession count as one.
    await sleep(700);
    run.process.kill('SIGINT');
    expect(await run.ended).toBe(130);
    expect(run.text().trim().split('\n').at(-1)).toBe('Ended without waiting for the last events.');
  });

  it('goes on beside a table that cannot be written, and says at the end why its events are missing', {
    timeout: 120_000,
  }, async () => {
    const run = start(...freePorts());
    await run.until(/clicks .* Delta version [3-9]/);
    await spoilNextVersions(clickstream.table);
    await run.until(/^the numbers of clicks cannot be read \(delta\.invalid: /m);
    await run.until(
      /its table cannot be read: delta\.invalid \(docs\/errors\.md#deltainvalid\); the batches of partitions? .* fail since .* for that reason\./,
    );
    // The others go on.
    const assets = () => [...run.text().matchAll(/assets ([\d,]+) emitted, \1 ingested/g)].at(-1)?.[1];
    const before = assets();
    await expect.poll(assets, { timeout: 30_000 }).not.toBe(before);
    run.process.kill('SIGINT');
    expect(await run.ended).toBe(1);
    const [, end = ''] = run.text().split('Ending: ');
    expect(end).toMatch(
      /^the numbers of clicks cannot be read \(delta\.invalid: .*the batches of partitions? .* fail since /m,
    );
    expect(run.text()).toMatch(/^assets: accepted (\d+) = rows \1 = warehouse \1$/m);
    expect(run.text().trim().split('\n').at(-1)).toBe('the numbers cannot be compared');
  });

  it('ends if storage dies, says so, and leaves no process behind', { timeout: 120_000 }, async () => {
    const run = start(...freePorts());
    await run.until(/ emitted, /);
    const pids = childrenOfRun();
    expect(pids).toHaveLength(3 + simulators.length);
    process.kill(pids[0] ?? 0, 'SIGKILL');
    expect(await run.ended).toBe(1);
    expect(run.text().trim().split('\n').at(-1)).toBe(
      `storage ended with SIGKILL, so all the others are ended too; see ${join(folder, '.local/logs/storage.log')}.`,
    );
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('refuses a second run beside it, and has a warehouse for queries, also after it has ended', {
    timeout: 120_000,
  }, async () => {
    const query = async () => {
      const sql = 'select count(*) as n from clickstream.clicks';
      const command = runCommand('src/cli/warehouse.js', ['query', sql], folder);
      expect([await command.ended, command.text()]).toEqual([0, expect.stringMatching(/(^|\n)n\n\d+\n$/)]);
      return Number(/\d+\n$/.exec(command.text())?.[0]);
    };
    const run = start(...freePorts());
    await run.until(/[1-9][\d,]* in the warehouse/);
    expect(await query()).toBeGreaterThan(0);
    const ofLake = runCommand('src/cli/query.js', ['select count(*) > 0 as has_rows from clicks'], folder);
    expect([await ofLake.ended, ofLake.text()]).toEqual([0, expect.stringMatching(/^has_rows\ntrue$/m)]);

    const { pid } = run.process;
    const second = runCommand('local/start.js', freePorts(), folder);
    expect(await second.ended).toBe(1);
    expect(second.text()).toMatch(
      new RegExp(
        `^"npm start" runs here already, since .*, as process ${pid}\\. Its dashboard: http://.*: kill ${pid}\n$`,
      ),
    );
    // The first one does not notice it.
    run.process.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(await query()).toBe(comparison(run.text()).at(-1));
  });

  it('names a busy port and its flag in one line', async () => {
    const server = createServer();
    const port = await listenOnLoopback(server);
    const run = start(...freePorts(), '--broker-port', String(port));
    expect(await run.ended).toBe(1);
    expect(run.text()).toBe(`Port ${port} on 127.0.0.1 is in use: choose another with --broker-port.\n`);
    server.close();
  });

  it.each([
    [['--rate', 'fast'], '--rate fast: expected a number from 0 to 100000.'],
    [['--for', 'ever'], '--for ever: expected a duration like 20s or 5m, of at most 576h.'],
    [['--fro', '5s'], '--fro is no option of start: expected --for, '],
  ])('says what is wrong with %j', async (args, message) => {
    const run = start(...args);
    expect(await run.ended).toBe(2);
    expect(run.text()).toContain(message);
    expect(run.text()).toContain('"npm start -- --help" says what it takes.');
    expect(readdirSync(folder)).toEqual([]);
  });
});
