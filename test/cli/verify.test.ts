import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { type Broker, startBroker } from '../../local/broker/broker';
import { settingsAt } from '../../local/processes';
import { orList } from '../../src/cli/commandLine/command';
import { cachedStatePath } from '../../src/lib/counts/cachedState';
import { Counts } from '../../src/lib/counts/counts';
import { replayLetters } from '../../src/lib/ingest/replayLetters';
import { LatestFold } from '../../src/lib/latest/latest';
import { latestStatePath } from '../../src/lib/latest/latestState';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { openHubClient } from '../../src/lib/sources/hubClient';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { clickstream, countedClicks as counted } from '../../src/lib/streams/clickstream';
import { loadStreams } from '../../src/lib/streams/loadStreams';
import { openDuckDb } from '../../src/lib/warehouse/duckdb/sharedFile';
import { openSynapse } from '../../src/lib/warehouse/synapse/synapseWarehouse';
import type { Warehouse } from '../../src/lib/warehouse/warehouse';
import { runCommand } from '../kit/runCommand';
import { TdsServer } from '../kit/tds/tdsServer';
import { writeAssets } from '../kit/writeAssets';
import { type Click, clicksTable, clicksToLoad, headOf, loadRows } from '../lib/verify/loadedTable';
import { clickBody, rowsIn, StreamTables } from '../lib/verify/streamTables';
import { configOf } from '../local/broker/clients';

/*
 * `npm run verify` and `npm run trace` as their users run them, on the storage emulator.
 */

let azurite: Azurite;
/** Its hubs stay empty. */
let broker: Broker;
beforeAll(async () => {
  broker = await startBroker({ port: 0, config: configOf({ clickstream: 2 }) });
  azurite = await startAzurite();
  const { connectionString } = azurite;
  const good = new StreamTables(await openAzureBlobStore({ connectionString }, 'good'));
  await good.addLetters([{ partition: 0, sequenceNumber: 2, body: '{"productid"' }]);
  await good.commit(rowsIn(0, [0, 1, 3]), [[0, 3]]);
  const bad = new StreamTables(await openAzureBlobStore({ connectionString }, 'bad'));
  await bad.commit(rowsIn(1, [0, 0, 4]), [[1, 4]]);
  const store = await openAzureBlobStore({ connectionString }, 'miscounted');
  await new StreamTables(store).commit(rowsIn(0, [0, 1]), [[0, 1]]);
  await new Counts({ at: { store, table: 'clicks' }, counted }).save();
  const path = cachedStatePath('clicks');
  const state = Buffer.from((await store.get(path))?.bytes ?? []).toString('utf8');
  await store.put(path, Buffer.from(state.replace('"counts":[1,1]', '"counts":[1,5]')));
});
afterAll(async () => {
  await azurite.close();
  await broker.close();
});

interface Ended {
  readonly code: number | NodeJS.Signals;
  readonly output: string;
}

const run = (command: string, container: string, ...args: string[]): Promise<Ended> =>
  runWith({ LAKE_CONTAINER: container }, command, ...args);

/** Runs a command with these settings instead of the usual ones, which name no warehouse. */
async function runWith(changed: Record<string, string>, command: string, ...args: string[]): Promise<Ended> {
  const settings = settingsAt({
    storageConnection: azurite.connectionString,
    brokerPort: broker.port,
  });
  const env = { PATH: process.env.PATH, ...settings, ...changed };
  const running = runCommand(`src/cli/${command}.js`, args, tmpdir(), env);
  return { code: await running.ended, output: running.text() };
}

describe('npm run verify', () => {
  it('ends with 0 when each event is there once', async () => {
    const { code, output } = await run('verify', 'good', 'clickstream');
    expect(output).toBe(
      'Settings: the environment.\n' +
        'partition 0 of the hub made 2026-01-01T12:00:00.000Z: 0 to 3, 3 rows, 1 dead letter: complete\n' +
        'clicks version 1, 1 file: 3 rows, 1 dead letter, 0 events that never came.\nEach event is there once.\n' +
        'The counts of version 1 are right: 3, with no cached state.\n' +
        'No events wait in the hub.\n',
    );
    expect(code).toBe(0);
  });

  it('ends with 1 and names missing and doubled events', async () => {
    const { code, output } = await run('verify', 'bad', 'clickstream');
    expect(output).toContain('3 events missing, 1 duplicate row');
    expect(output).toContain('  missing     1 to 3\n  duplicate   0 element 0\n');
    expect(output).toContain(
      '1 of 1 partition is not right.\n' +
        'If another engine deleted what is missing: npm run dead-letters -- erased clickstream. If storage went back in time or files ' +
        'were deleted: docs/operations.md, "When something was lost or made again".\n',
    );
    expect(code).toBe(1);
  });

  it('ends with 1 when the cached counts are not those of the files', async () => {
    const { code, output } = await run('verify', 'miscounted', 'clickstream');
    expect(output).toContain('Each event is there once.');
    expect(output).toMatch(
      /The counts of version \d are wrong in 1 place, with the cached state of version \d:\n {2}2: 5 counted, 1 in the files\n {2}To count them again: stop the app, delete \S+\/clicks\/_counts\/state\.json, and start the app\.\n/,
    );
    expect(code).toBe(1);
  });

  it('ends with 1 when the saved newest rows are not those of the files', async ({ skip }) => {
    const { latest } = (await loadStreams()).find(({ name }) => name === 'coincap') ?? {};
    if (!latest) return skip('The project has no stream coincap, or it tells no newest rows.');
    const { connectionString } = azurite;
    const store = await openAzureBlobStore({ connectionString }, 'mispriced');
    await writeAssets(store, [
      { id: 'bitcoin', priceUsd: '2.5', runtime_timestamp: 1_700_000_000_000 },
      { id: 'tether', priceUsd: '1', runtime_timestamp: 1_700_000_000_000 },
    ]);
    expect((await run('verify', 'mispriced', 'coincap')).output).toContain(
      '\nThe newest rows of version 1 are right: those of 2 keys, with no saved state.\n',
    );
    const at = { store, table: 'assets' };
    await new LatestFold({ at, latest }).save();
    const path = latestStatePath('assets');
    const state = Buffer.from((await store.get(path))?.bytes ?? []).toString('utf8');
    await store.put(path, Buffer.from(state.replace('2.5', '3.5')));
    const { code, output } = await run('verify', 'mispriced', 'coincap');
    expect(output).toMatch(
      /The newest rows of version 1 are wrong in 1 place, with the saved state of version 1:\n {2}bitcoin: \[.*3\.5.*\] served, \[.*2\.5.*\] in the files\n {2}To fold them again: stop the app, delete \S+\/assets\/_latest\/state\.json, and start the app\.\n/,
    );
    expect(code).toBe(1);
  });

  it('ends with 1 without a table, and with 2 for an unknown stream', async () => {
    expect(await run('verify', 'empty', 'clickstream')).toMatchObject({ code: 1 });
    const { code, output } = await run('verify', 'good', 'click');
    expect([code, output.split('\n')[0]]).toEqual([
      2,
      `click is no stream: expected ${orList((await loadStreams()).map(({ name }) => name))}.`,
    ]);
  });
});

describe('npm run verify, with a warehouse', () => {
  let server: TdsServer;
  let pool: Warehouse;
  beforeEach(async () => {
    server = await TdsServer.start();
    pool = openSynapse({ address: server.address });
    await pool.init([clicksTable]);
  });
  afterEach(async () => {
    await pool.close();
    await server.close();
  });

  const good: readonly Click[] = [
    [0, 0],
    [0, 1],
    [0, 3],
  ];

  /** Loads these clicks as those of the good table's newest version, or of that many versions later. */
  async function load(warehouse: Warehouse, clicks: readonly Click[], later = 0): Promise<void> {
    const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'good');
    const head = await headOf(store);
    await loadRows(warehouse, { ...head, version: head.version + later }, clicksToLoad(clicks));
  }

  const verify = (warehouse: string) =>
    runWith({ LAKE_CONTAINER: 'good', WAREHOUSE: warehouse }, 'verify', 'clickstream');

  it('ends with 0 when a pool has the same rows', async () => {
    await load(pool, good);
    const { code, output } = await verify(server.connectionString);
    expect(output).toMatch(
      /right: 3, .*\nThe warehouse has as many rows as the lake: clickstream\.clicks has 3 rows, as version 1 of the Delta table\. To compare their values: npm run warehouse -- check clickstream\.clicks\nNo events wait in the hub/,
    );
    expect(code).toBe(0);
  });

  it('does not say that a pool has the rows of the lake while it is behind', async () => {
    const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'behind');
    const tables = new StreamTables(store);
    await tables.commit([[0, 0]], [[0, 0]]);
    await loadRows(pool, await headOf(store), clicksToLoad([[0, 0]]));
    await tables.commit([[0, 1]], [[0, 1]]);
    const settings = { LAKE_CONTAINER: 'behind', WAREHOUSE: server.connectionString };
    const { code, output } = await runWith(settings, 'verify', 'clickstream');
    expect(output).toContain(
      '\nThe warehouse is loaded up to version 1 of 2, and has as many rows as that version: clickstream.clicks has 1 row. ' +
        'How far it is now: npm run warehouse -- status\n',
    );
    expect(code).toBe(0);
  });

  it('asks a DuckDB file through the process that has it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'verify-'));
    const file = await openDuckDb(join(folder, 'warehouse.duckdb'));
    await file.init([clicksTable]);
    await load(file, good);
    const { code, output } = await verify(`duckdb:${join(folder, 'warehouse.duckdb')}`);
    await file.close();
    rmSync(folder, { recursive: true });
    expect(output).toContain('\nThe warehouse has as many rows as the lake: clickstream.clicks has 3 rows, ');
    expect(code).toBe(0);
  });

  it('does not make a DuckDB file that is not there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'verify-'));
    const file = join(folder, 'misspelt', 'warehouse.duckdb');
    const { code, output } = await verify(`duckdb:${file}`);
    expect(output).toContain(
      `The warehouse was not compared: there is no file ${file}, which WAREHOUSE names.\n`,
    );
    expect([code, readdirSync(folder)]).toEqual([0, []]);
    rmSync(folder, { recursive: true });
  });

  it('ends with 1 and names the partitions with missing rows, and the remedy', async () => {
    await load(pool, good.slice(1));
    const { code, output } = await verify(server.connectionString);
    expect(output).toContain(
      'Each event is there once.\nThe counts of version 1 are right: 3, with no cached state.\n' +
        'The warehouse is wrong: clickstream.clicks has 2 rows, version 1 of the Delta table has 3. ' +
        'To load it again: npm run warehouse -- rebuild clickstream.clicks\n' +
        '  partition 0 of the hub made 2026-01-01T12:00:00.000Z: 2 rows where 3 should be\n',
    );
    expect(code).toBe(1);
  });

  it('ends with 1 and tells rows of the warehouse without an address', async () => {
    const rows = clicksToLoad([[0, 5]]);
    const columns = rows.columns.map((cells, column) =>
      clicksTable.columns[column]?.name.startsWith('hub_') ? cells.map(() => null) : cells,
    );
    await load(pool, good);
    const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'good');
    await loadRows(pool, await headOf(store), { ...rows, columns });
    const { output } = await verify(server.connectionString);
    expect(output).toContain('  without an address: 1 row where 0 should be\n');
  });

  it('ends with 1 and names the partitions with different rows', async () => {
    await load(pool, [...good.slice(0, 2), [0, 2]]);
    const { code, output } = await verify(server.connectionString);
    expect(output).toContain(': other rows, their sequence numbers add up to 3 and not to 4\n');
    expect(code).toBe(1);
  });

  it('ends with 1 and names the remedy if the lake went back to a version before the ledger', async () => {
    await load(pool, good, 7);
    const { code, output } = await verify(server.connectionString);
    expect(output).toContain(
      "The warehouse is not right: clickstream.clicks: the lake's storage went back in time: its version 8 is not the one " +
        'that was loaded. To load it again: npm run warehouse -- rebuild clickstream.clicks\n',
    );
    expect(code).toBe(1);
  });

  it('ends with 0 when nothing was loaded yet', async () => {
    const { code, output } = await verify(server.connectionString);
    expect(output).toContain('The warehouse was not compared: clickstream.clicks has not been loaded yet.\n');
    expect(code).toBe(0);
  });

  it('ends with 0 when the pool is paused, and with 1 when it refuses us', async () => {
    server.refuseLogins = { number: 42108, message: 'Can not connect to the SQL pool since it is paused.' };
    const paused = await verify(server.connectionString);
    expect(paused.output).toMatch(
      /\nThe warehouse does not answer, so it was not compared: .* paused.*\nNo events wait in the hub/,
    );
    expect(paused.code).toBe(0);
    server.refuseLogins = { number: 18456, message: "Login failed for user 'loader'." };
    const refused = await verify(server.connectionString);
    expect(refused.output).toMatch(
      /\nThe warehouse could not be compared: .*Login failed.*\nNo events wait in the hub/,
    );
    expect(refused.code).toBe(1);
    expect(paused.output + refused.output).not.toContain('secret');
  });
});

describe('npm run verify, with a hub', () => {
  const verifyAt = (connectionString: string) =>
    runWith({ LAKE_CONTAINER: 'good', EventHubConnection: connectionString }, 'verify', 'clickstream');

  it('says how many events wait in it', async () => {
    const full = await startBroker({ port: 0, config: configOf({ clickstream: 2 }) });
    const connectionString = full.connectionString();
    const client = await openHubClient({ connectionString }, 'clickstream');
    const send = (count: number) => client.sendBatch(Array.from({ length: count }, () => ({ body: {} })));
    await send(1);
    const one = await verifyAt(connectionString);
    await send(1505);
    const many = await verifyAt(connectionString);
    await client.close();
    await full.close();
    expect(one.output).toMatch(/\n1 event waits in the hub\.\n$/);
    expect(many.output).toMatch(/\n1,506 events wait in the hub\.\n$/);
    expect([one.code, many.code]).toEqual([0, 0]);
  });

  it('names in one sentence the settings that are missing', async () => {
    const names = { CLICKSTREAM_HUB: '' };
    const { code, output } = await runWith({ LAKE_CONTAINER: 'good', ...names }, 'verify', 'clickstream');
    expect(output).toMatch(
      /\nIt is unknown how many events wait in the hub: CLICKSTREAM_HUB is missing: expected [^\n]+\.\n$/,
    );
    expect(code).toBe(0);
  });

  it('ends soon if the hub accepts the connection but never answers', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}));
    const port = await listenOnLoopback(silent);
    const started = performance.now();
    const { code, output } = await verifyAt(
      `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=reader;SharedAccessKey=hidden;UseDevelopmentEmulator=true;`,
    );
    expect(performance.now() - started).toBeLessThan(12_000);
    expect(output).toMatch(/\nIt is unknown how many events wait in the hub: no answer in time\.\n$/);
    expect(output).not.toContain('hidden');
    expect(code).toBe(0);
    silent.close();
  });
});

describe('npm run trace', () => {
  it('tells the story of a row', async () => {
    const { code, output } = await run('trace', 'good', 'clickstream', '0', '1');
    expect(output).toMatch(
      /^event 1 of partition 0, hub made 2026-01-01T12:00:00\.000Z\n {2}enqueued {3}2026-01-01T12:00:00\.000Z\n {2}committed {2}version 1 at 20\S+Z\n {2}row in part-\S+\n {4}productid +2\n/m,
    );
    expect(code).toBe(0);
  });

  it('tells the story of a dead letter and of a missing event', async () => {
    const letter = await run('trace', 'good', 'clickstream', '0', '2');
    expect(letter.output).toMatch(/letter in part-\S+\n(?:.*\n)* {4}body +\{"productid"\n/);
    expect(letter.code).toBe(0);
    const missing = await run('trace', 'bad', 'clickstream', '1', '2');
    expect(missing.output).toMatch(/ {2}MISSING: .*\n {2}what to do: npm run verify -- clickstream\n/);
    expect(missing.code).toBe(1);
  });

  it('tells the version that has the row of a replayed letter', async () => {
    const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'replayed');
    const tables = new StreamTables(store);
    await tables.commit([[0, 0]], [[0, 1]]);
    await tables.addLetters([{ partition: 0, sequenceNumber: 1, body: clickBody }]);
    const at = (table: string) => ({ store, table });
    await replayLetters({ stream: clickstream, rows: at('clicks'), letters: at('dead_letters') });
    const { code, output } = await run('trace', 'replayed', 'clickstream', '0', '1');
    expect(output).toMatch(
      /\n {2}committed {2}version 1 at \S+, as a dead letter\n {2}replayed {3}version 2 at \S+, which has the row\n {2}row in/,
    );
    expect(code).toBe(0);
  });

  it('says which partitions there are', async () => {
    const { code, output } = await run('trace', 'bad', 'clickstream', '9', '2');
    expect(output).toContain('clicks has no events of partition 9: it has those of partition 1.\n');
    expect(code).toBe(1);
  });

  it('lists its arguments for --help', async () => {
    const { code, output } = await run('trace', 'good', 'clickstream', '0', 'x');
    expect(output).toMatch(
      /^x is no sequence number: expected a whole number from 0 to 9007199254740991\.\n/,
    );
    expect(code).toBe(2);
  });
});
