import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { clickstream } from '../src/lib/streams/clickstream';
import type { WarehouseTable } from '../src/lib/streams/stream';
import { parseConnectionString, type SqlAddress } from '../src/lib/warehouse/connectionString';
import { openSynapse } from '../src/lib/warehouse/synapse/synapseWarehouse';
import { fullName, type Load, type Warehouse } from '../src/lib/warehouse/warehouse';
import { TdsServer } from '../test/kit/tds/tdsServer';
import { benchLoad } from './benchLoad';
import { clickColumns, clickFields } from './clickRows';
import { median, printTable, rounded } from './numbers';
import { openJsonLoader } from './openJson';

/*
 * Three ways to load many rows into SQL Server and Azure SQL, each with the ledger in one transaction: the text of INSERT statements, a
 * bulk load, and one JSON parameter that OPENJSON takes apart. The threshold of `src/lib/warehouse/synapse/loads.ts` follows from the
 * results.
 *
 * Set SYNAPSE_TEST_CONNECTION to an empty database of a real server. Otherwise the server of the tests is used, in this process. Then the
 * times include that server's own work, and it has no OPENJSON.
 *
 *   npm run bench -- sqlLoads [--runs 5] [--rows 100000]
 */

const flags = {
  runs: numberFlag({ meaning: 'runs of each', fallback: 5, most: 100, whole: true }),
  rows: numberFlag({ meaning: 'the most rows of a load', fallback: 100_000, most: 1_000_000, whole: true }),
};
const clicks: WarehouseTable = { ...(clickstream.warehouse as WarehouseTable), name: 'clicks_of_bench' };
const realServer = process.env.SYNAPSE_TEST_CONNECTION;

runCommand({
  call: 'npm run bench -- sqlLoads',
  does: action({
    meaning: 'Milliseconds of a load as text, as a bulk load, and with OPENJSON.',
    flags,
    run: measure,
  }),
});

async function measure({ runs, rows: most }: Given<typeof flags>): Promise<number> {
  const server = realServer ? undefined : await TdsServer.start({ dialect: 'server' });
  if (server) server.keepBatches = false;
  const address: SqlAddress = server ? server.address : parseConnectionString(realServer ?? '');
  const ways: readonly (readonly [string, Pick<Warehouse, 'load' | 'close'>])[] = [
    ['text', openSynapse({ address, bulkThreshold: Number.POSITIVE_INFINITY })],
    ['bulk load', openSynapse({ address, bulkThreshold: 0 })],
    ...(server ? [] : [['OPENJSON', openJsonLoader(address)] as const]),
  ];
  const admin = openSynapse({ address });
  await admin.init([clicks]);
  const counts = [10, 100, 200, 500, 1000, 10_000, 100_000, 1_000_000].filter((count) => count <= most);
  const table: string[][] = [];
  let version = (await admin.ledger()).get(fullName(clicks))?.version ?? -1;
  for (const count of counts) {
    const cells: string[] = [];
    for (const [, way] of ways) {
      const next = () => loadOf(count, version++);
      cells.push(rounded(median(await timesOf(way, runs, next))));
    }
    table.push([count.toLocaleString('en-US'), ...cells]);
    server?.rows(fullName(clicks)).splice(0);
  }
  printTable(
    [`clicks a load, ms (${server ? 'server of the tests' : admin.name})`, ...ways.map(([name]) => name)],
    table,
  );
  if (server)
    console.log(
      'OPENJSON was not measured: the server of the tests has none. Name a real one in SYNAPSE_TEST_CONNECTION.',
    );
  await admin.query(
    `DROP TABLE ${fullName(clicks)}; DELETE FROM ops.load_ledger WHERE table_name = '${fullName(clicks)}';`,
  );
  for (const [, way] of ways) await way.close();
  await admin.close();
  await server?.close();
  return 0;
}

/** The milliseconds of each run. A run before the first one opens the connection. */
async function timesOf(way: Pick<Warehouse, 'load'>, runs: number, next: () => Load): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const load = next();
    const started = performance.now();
    if ((await way.load(load)) !== 'loaded') throw new Error('The ledger was moved by somebody else.');
    times.push(performance.now() - started);
  }
  return times.slice(1);
}

/** Clicks that move the table from a version to the next. */
function loadOf(count: number, version: number): Load {
  const columns = clickColumns(count);
  return benchLoad(
    clicks,
    version,
    clicks.columns.map(({ from }) => columns[clickFields.findIndex(({ name }) => name === from)] ?? []),
  );
}
