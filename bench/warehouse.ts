import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBValue } from '@duckdb/node-api';
import { numberFlag } from '../src/cli/commandLine/arguments';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { append, createTable } from '../src/lib/delta/commit';
import { openState } from '../src/lib/delta/openTable';
import { beginning } from '../src/lib/delta/position';
import { writeDataFile } from '../src/lib/delta/writeDataFile';
import { MemoryStore } from '../src/lib/storage/memoryStore';
import { clickstream } from '../src/lib/streams/clickstream';
import type { WarehouseTable } from '../src/lib/streams/stream';
import { catchUp } from '../src/lib/warehouse/catchUp';
import { openDuckDbFile } from '../src/lib/warehouse/duckdb/duckDbWarehouse';
import { fencedLoad, insertStatements } from '../src/lib/warehouse/synapse/loadStatements';
import { SqlClient } from '../src/lib/warehouse/synapse/sqlClient';
import { openSynapse } from '../src/lib/warehouse/synapse/synapseWarehouse';
import { UnloadedCommits } from '../src/lib/warehouse/unloadedCommits';
import { fullName, type Load, type Warehouse } from '../src/lib/warehouse/warehouse';
import { assetTable as assets } from '../test/kit/assetStream';
import { TdsServer } from '../test/kit/tds/tdsServer';
import { benchLoad } from './benchLoad';
import { clickColumns, clickFields } from './clickRows';
import { median, printTable, rounded } from './numbers';

/*
 * The warehouse. It measures rows per second into DuckDB and into its bare appender; the milliseconds to build and send 1,000 assets as one
 * batch and as one INSERT per row; and 1,000 versions in one load and one by one. The SQL server is that of the tests, in this process, so
 * the times of sending include its own work.
 *
 *   npm run bench -- warehouse [--rows 1000000] [--runs 5]
 */

const flags = {
  rows: numberFlag({ meaning: 'rows into DuckDB', fallback: 1_000_000, most: 20_000_000 }),
  runs: numberFlag({ meaning: 'runs of each', fallback: 5, most: 100 }),
};
const folder = mkdtempSync(join(tmpdir(), 'bench-warehouse-'));
const clicks = clickstream.warehouse as WarehouseTable;

runCommand({
  call: 'npm run bench -- warehouse',
  does: action({
    meaning: 'Rows into the warehouse, against an appender and single rows.',
    flags,
    run: measureWarehouses,
  }),
});

async function measureWarehouses({ rows, runs }: Given<typeof flags>): Promise<number> {
  try {
    printDuckDb(rows, await measureDuckDb(rows, runs));
    console.log();
    printBatch(await measureBatch(Math.max(runs, 20)));
    console.log();
    printVersions(await measureVersions());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}

function printDuckDb(rows: number, { ours, bare }: Awaited<ReturnType<typeof measureDuckDb>>): void {
  const title = `${rows.toLocaleString('en-US')} clicks into DuckDB`;
  printTable(
    [title, 'ours, rows/s', 'bare appender, rows/s', 'ratio'],
    [['load with ledger, one transaction', rounded(ours), rounded(bare), rounded(ours / bare)]],
  );
}

function printBatch({
  build,
  buildSingle,
  send,
  sendSingle,
}: Awaited<ReturnType<typeof measureBatch>>): void {
  printTable(
    ['1,000 assets, ms', 'one statement', 'a statement a row', 'ratio'],
    [
      ['build the text', rounded(build), rounded(buildSingle), rounded(buildSingle / build)],
      ['send, until committed', rounded(send), rounded(sendSingle), rounded(sendSingle / send)],
    ],
  );
}

const printVersions = (measured: Awaited<ReturnType<typeof measureVersions>>): void =>
  printTable(
    ['1,000 versions of 100 clicks, ms', 'in one go', 'one by one', 'ratio'],
    measured.map(({ name, together, single }) => [
      name,
      rounded(together),
      rounded(single),
      rounded(single / together),
    ]),
  );

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The columns of the warehouse's table, in its order. */
const warehouseClicks = (rows: number) => {
  const columns = clickColumns(rows);
  return clicks.columns.map(({ from }) => columns[clickFields.findIndex(({ name }) => name === from)] ?? []);
};

async function measureDuckDb(rows: number, runs: number): Promise<{ ours: number; bare: number }> {
  const columns = warehouseClicks(rows);
  const [ours, bare]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run++) {
    const warehouse = await openDuckDbFile(join(folder, `ours-${run}.duckdb`));
    await warehouse.init([clicks]);
    const load: Load = {
      table: clicks,
      from: beginning,
      to: { tableId: 'bench', version: 1, mark: undefined },
      rows: { columns, count: rows, rejected: [] },
    };
    ours.push(rows / ((await timed(() => warehouse.load(load))) / 1000));
    await warehouse.close();
    bare.push(rows / ((await timeAppender(join(folder, `bare-${run}.duckdb`), columns, rows)) / 1000));
  }
  return { ours: median(ours), bare: median(bare) };
}

/** The milliseconds of DuckDB's own appender, for the same rows into a new file. */
async function timeAppender(
  path: string,
  columns: readonly (readonly number[])[],
  rows: number,
): Promise<number> {
  const api = await import('@duckdb/node-api');
  const instance = await api.DuckDBInstance.create(path);
  const connection = await instance.connect();
  const types = clicks.columns.map(({ type }) =>
    type === 'int' ? api.INTEGER : type === 'bigint' ? api.BIGINT : api.TIMESTAMP,
  );
  const definitions = clicks.columns.map(({ name }, index) => `"${name}" ${types[index]}`);
  await connection.run(`create table clicks (${definitions.join(', ')})`);
  const took = await timed(async () => {
    const appender = await connection.createAppender('clicks');
    for (let start = 0; start < rows; start += 2048) {
      const end = Math.min(start + 2048, rows);
      const chunk = api.DuckDBDataChunk.create(types, end - start);
      for (const [index, { type }] of clicks.columns.entries()) {
        const slice = (columns[index] ?? []).slice(start, end);
        const toTime = (micros: number) => new api.DuckDBTimestampValue(BigInt(micros));
        if (type === 'int') chunk.setColumnValues(index, slice);
        else chunk.setColumnValues(index, slice.map<DuckDBValue>(type === 'bigint' ? BigInt : toTime));
      }
      appender.appendDataChunk(chunk);
    }
    appender.closeSync();
  });
  connection.closeSync();
  instance.closeSync();
  return took;
}

/** 1,000 assets as the API answers them. */
function assetsLoad(version: number, count = 1000): Load {
  const cell: Readonly<Record<string, (row: number) => string | number | null>> = {
    'varchar(255)': (row) => `asset-number-${row}`,
    bigint: (row) => row + 1,
    float: (row) => (row % 7 === 0 ? null : Math.sqrt(row + version) * 12_345.678),
    datetime: () => 1_780_000_000_000_000,
  };
  return benchLoad(
    assets,
    version,
    assets.columns.map(({ type }) => Array.from({ length: count }, (_, row) => cell[type]?.(row) ?? null)),
  );
}

const toBatch = (load: Load, body: string) =>
  fencedLoad({ name: fullName(assets), from: load.from, to: load.to, token: `${load.to.version}`, body });

async function measureBatch(runs: number) {
  const server = await TdsServer.start();
  server.keepBatches = false;
  const warehouse = openSynapse({ address: server.address });
  await warehouse.init([assets]);
  const client = new SqlClient(server);
  const times = { build: [], send: [], buildSingle: [], sendSingle: [] } as Record<string, number[]>;
  for (let run = 0; run < runs; run++) {
    const one = assetsLoad(run * 2 - 1);
    let text = '';
    times.build?.push(
      await timed(async () => {
        text = toBatch(one, Array.from(insertStatements(one), (insert) => insert.text).join('\n'));
      }),
    );
    times.send?.push(await timed(() => client.batch(text)));
    const single = assetsLoad(run * 2);
    times.buildSingle?.push(
      await timed(async () => {
        const bodies = Array.from({ length: single.rows.count }, (_, row) => {
          const columns = single.rows.columns.map((column) => column.slice(row, row + 1));
          const statements = insertStatements({ ...single, rows: { columns, count: 1, rejected: [] } });
          return Array.from(statements, (insert) => insert.text);
        });
        text = toBatch(single, bodies.flat().join('\n'));
      }),
    );
    times.sendSingle?.push(await timed(() => client.batch(text)));
  }
  if (server.rows(fullName(assets)).length !== runs * 2000) throw new Error('Rows are missing.');
  await client.close();
  await warehouse.close();
  await server.close();
  const of = (name: string) => median(times[name] ?? []);
  return {
    build: of('build'),
    send: of('send'),
    buildSingle: of('buildSingle'),
    sendSingle: of('sendSingle'),
  };
}

async function measureVersions() {
  const at = { store: new MemoryStore(), table: 'clicks' };
  await createTable(at, clickFields);
  let state = await openState(at);
  const columns = clickColumns(100);
  for (let version = 0; state && version < 1000; version++) {
    const add = await writeDataFile({ at, fields: clickFields, columns });
    state = (await append({ state, fields: clickFields, adds: [add], txns: [] })).state;
  }
  const server = await TdsServer.start();
  server.keepBatches = false;
  const targets: [string, (run: number) => Promise<Warehouse>][] = [
    ['DuckDB', (run) => openDuckDbFile(join(folder, `versions-${run}.duckdb`))],
    ['SQL, on the server of the tests', async () => openSynapse({ address: server.address })],
  ];
  const results: { name: string; together: number; single: number }[] = [];
  for (const [name, open] of targets) {
    const measure = async (run: number, rows: number) => {
      const warehouse = await open(run);
      server.engine.tables.clear();
      await warehouse.init([clicks]);
      const limits = { rows, bytes: 1e9 };
      const milliseconds = await timed(() =>
        catchUp({
          warehouse,
          commits: new UnloadedCommits(at),
          table: clicks,
          signal: new AbortController().signal,
          limits,
        }),
      );
      await warehouse.close();
      return milliseconds;
    };
    results.push({ name, together: await measure(1, 1e9), single: await measure(2, 1) });
  }
  await server.close();
  return results;
}
