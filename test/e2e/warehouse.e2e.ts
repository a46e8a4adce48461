import { afterAll, beforeAll, expect, it } from 'vitest';
import { stopSources } from '../../local/hostAdmin';
import { openProducer, sendEvents } from '../../src/lib/sources/sendEvents';
import { findStream, loadStreams } from '../../src/lib/streams/loadStreams';
import type { Stream } from '../../src/lib/streams/stream';
import { openSynapse } from '../../src/lib/warehouse/synapse/synapseWarehouse';
import { fullName } from '../../src/lib/warehouse/warehouse';
import { frequentSchedules, LocalStack } from '../kit/localStack';
import { TdsServer } from '../kit/tds/tdsServer';
import { checksum, clickColumns, readDelta, readServer } from '../kit/warehouseRows';

/*
 * Two hosts load one SQL pool, while hosts are killed and connections break around commits.
 */

let stack: LocalStack;
let server: TdsServer;
beforeAll(async () => {
  coincap = await findStream('coincap');
  server = await TdsServer.start();
  server.keepBatches = false;
  stack = new LocalStack();
  await stack.start({
    WAREHOUSE: server.connectionString,
    CLICKS_PER_SECOND: '300',
    ...(await frequentSchedules()),
    COMMIT_INTERVAL: '200ms',
  });
  const warehouse = openSynapse({ address: server.address });
  await warehouse.init((await loadStreams()).flatMap(({ warehouse: table }) => (table ? [table] : [])));
  await warehouse.close();
});
afterAll(async () => {
  await stack.stop();
  await server.close();
});

const clicksTable = 'clickstream.clicks';
const assetsTable = 'assets.asset_statistics_history_v3';
/** A stream with rows that its warehouse table cannot hold; undefined if the stream was removed from the project. */
let coincap: Stream | undefined;

async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const giveUpAt = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`${what} did not come true in ${limitMs / 1000} s.`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

const untilClicksGrow = (by: number) => {
  const rows = server.rows(clicksTable).length;
  return until(`${by} more clicks`, () => server.rows(clicksTable).length >= rows + by);
};

/** Sends assets whose name is too long for varchar(255). */
async function sendMisfits(count: number): Promise<void> {
  const producer = openProducer(
    { connectionString: stack.settings.EventHubConnection ?? '' },
    stack.settings[coincap?.hubSetting ?? ''] ?? '',
  );
  const events = Array.from({ length: count }, (_, index) => ({
    body: { id: `misfit-${index}`, name: '★'.repeat(3), timestamp: Date.UTC(2026, 0, 1) },
    partitionKey: `misfit-${index}`,
  }));
  expect(await sendEvents(producer, events)).toBe(count);
  await producer.close();
}

it('has every row once, in the warehouse or among the rejected, after all kills', {
  timeout: 180_000,
}, async () => {
  await stack.startHost('one');
  await stack.startHost('two');
  await untilClicksGrow(300);
  server.plan({ drop: 'after-commit' });
  if (coincap) await sendMisfits(7);
  await untilClicksGrow(300);
  server.plan({ drop: 'before-commit' });
  await stack.killHost('one');
  await untilClicksGrow(300);
  await stack.startHost('one');
  server.dropAll();
  await untilClicksGrow(300);
  server.plan({ drop: 'after-commit' });
  await stack.killHost('two');
  await untilClicksGrow(300);

  const url = stack.hosts.get('one')?.url ?? '';
  await stopSources(url);
  for (const { name } of await loadStreams())
    await until(`every event of ${name} is a row`, async () => {
      const { accepted, rows } = await stack.figures(name);
      return accepted === rows;
    });

  // All planned breaks have happened.
  expect(server.planned).toBe(0);
  const storage = stack.settings.LakeStorage ?? '';
  const clicks = await readDelta(storage, 'clicks', clickColumns);
  await until('the warehouse has the clicks', () => server.rows(clicksTable).length >= clicks.length);
  expect(server.rows(clicksTable)).toHaveLength(clicks.length);
  expect(checksum(readServer(server, clicksTable, clickColumns))).toBe(checksum(clicks));
});

it('has each asset in its table, except the misfits, which are among the rejected rows', {
  timeout: 60_000,
}, async ({ skip }) => {
  skip(!coincap, 'The project has no stream coincap.');
  const storage = stack.settings.LakeStorage ?? '';
  const history = ['id', 'asset_rank', 'priceUsd', 'marketCapUsd'];
  const assets = await readDelta(storage, 'assets', history);
  const loaded = () => server.rows(assetsTable).length + server.rows('ops.rejected_rows').length;
  await until('the warehouse has the assets', () => loaded() >= assets.length);
  expect(loaded()).toBe(assets.length);
  expect(server.rows('ops.rejected_rows')).toHaveLength(7);
  expect(checksum(readServer(server, assetsTable, history))).toBe(
    checksum(assets.filter(([id]) => !String(id).startsWith('misfit'))),
  );
});

it('is healthy after all that', async () => {
  const url = stack.hosts.get('one')?.url ?? '';
  const health = await (await fetch(`${url}/api/health`)).text();
  const tables = (await loadStreams()).flatMap(({ warehouse }) =>
    warehouse ? [{ table: fullName(warehouse) }] : [],
  );
  expect(JSON.parse(health)).toMatchObject({ status: 'ok', warehouse: { kind: 'sql', tables } });
  expect(health).not.toMatch(/secret|loader@|127\.0\.0\.1|AccountKey/);
});
