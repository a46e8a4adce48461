import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadSimulators } from '../../local/simulators';
import { readLocalSettings } from '../../src/cli/localSettings';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { findStream } from '../../src/lib/streams/loadStreams';
import { pythonOf } from '../kit/peer';
import { endCommand, type RunningCommand, runCommand } from '../kit/runCommand';
import { readColumns } from './ourTable';

/*
 * A script as the one of the published article, in Python, against `npm start`: its users change two settings and an address.
 */

const script = readFileSync('test/interop/publishCoins.py', 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'coins-'));
let running: RunningCommand;
let values: Readonly<Record<string, string>>;
beforeAll(async () => {
  const parts = ['broker', 'health', 'blob', ...(await loadSimulators()).map(({ name }) => name)];
  const ports = ['port', ...parts.map((part) => `${part}-port`)].flatMap((flag) => [`--${flag}`, '0']);
  running = runCommand('local/start.js', [...ports, '--rate', '1'], folder);
  await running.until(/in the warehouse/);
  values = readLocalSettings(join(folder, '.local/settings.json'));
});
afterAll(async () => {
  await endCommand(running);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

/** The script with other values, as a user would edit it. */
function edit(changes: Readonly<Record<string, string>>): string {
  let edited = script;
  for (const [name, value] of Object.entries(changes))
    edited = edited.replace(new RegExp(`^${name} = .*$`, 'm'), `${name} = ${JSON.stringify(value)}`);
  expect(edited.split('\n').filter((line, index) => line !== script.split('\n')[index])).toHaveLength(
    Object.keys(changes).length,
  );
  const path = join(folder, 'publish.py');
  writeFileSync(path, edited);
  return path;
}

/** What `npm run warehouse -- query` prints. */
async function query(sql: string): Promise<string> {
  const command = runCommand('src/cli/warehouse.js', ['query', sql], folder);
  expect(await command.ended).toBe(0);
  return command.text();
}

/**
 * The assets of the script in the lake: the hundred that share a time and a partition. The app sends assets too, but each with a key of
 * its own, so that they are spread over the partitions.
 */
async function readBatch(): Promise<{ id: unknown; rank: number; price: number; time: number }[]> {
  const lake = { connectionString: values.LakeStorage ?? '' };
  const store = await openAzureBlobStore(lake, values.LAKE_CONTAINER ?? '');
  const columns = await readColumns({ store, table: 'assets' });
  const column = (name: string) => columns.get(name) ?? [];
  const rows = column('id').map((id, row) => ({
    id,
    rank: Number(column('asset_rank')[row]),
    price: Number(column('priceUsd')[row]),
    time: Number(column('runtime_timestamp')[row]) / 1000,
    batch: `${column('hub_partition')[row]} ${column('runtime_timestamp')[row]}`,
  }));
  const batches = Map.groupBy(rows, ({ batch }) => batch);
  return [...batches.values()].find(({ length }) => length === 100) ?? [];
}

it('sends a hundred assets, which become a hundred rows in the lake and in the warehouse', async ({
  skip,
}) => {
  skip(!(await findStream('coincap')), 'There is no such stream.');
  const path = edit({
    CONNECTION_STRING: values.EventHubConnection ?? '',
    EVENT_HUB: values.COINCAP_HUB ?? '',
    URL: `${values.COINCAP_URL}/2023/v2/assets`,
  });
  const began = Date.now();
  const { stdout } = await promisify(execFile)(pythonOf(), [path]);
  expect(stdout).toMatch(/\rCoins sent to EventHub: 100\r\nData Published at: [\d-]{10} [\d:]{8}\.\d{6}\n$/);

  await expect.poll(async () => (await readBatch()).length, { timeout: 60_000 }).toBe(100);
  const rows = await readBatch();
  expect(new Set(rows.map(({ id }) => id)).size).toBe(100);
  expect(rows.map(({ rank }) => rank).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, n) => n + 1),
  );
  expect(rows.every(({ price }) => price > 0)).toBe(true);
  const time = rows[0]?.time ?? 0;
  expect(time).toBeGreaterThanOrEqual(began - 1);
  expect(time).toBeLessThanOrEqual(Date.now());

  const loaded = `SELECT count(*) || ' rows, ' || count(DISTINCT id) || ' assets' AS loaded
    FROM assets.asset_statistics_history_v3 WHERE epoch_ms(runtime_timestamp) = ${time}`;
  await expect.poll(() => query(loaded), { timeout: 60_000 }).toContain('100 rows, 100 assets');
});
