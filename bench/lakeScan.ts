import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startAzurite } from '../local/azurite';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { ClicksApi } from '../src/lib/api/clicksApi';
import { Counts } from '../src/lib/counts/counts';
import { ProductNames } from '../src/lib/counts/productNames';
import { append, createTable } from '../src/lib/delta/commit';
import { openState } from '../src/lib/delta/openTable';
import { writeDataFile } from '../src/lib/delta/writeDataFile';
import { dayMs } from '../src/lib/duration';
import { LakeDatabase } from '../src/lib/lakeQuery/lakeDatabase';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../src/lib/storage/objectStore';
import { countedClicks } from '../src/lib/streams/clickstream';
import { clickFields } from './clickRows';
import { countFlag, printTable, rounded } from './numbers';

/**
 * A history that is scanned from the table's files, because no counts are kept that are so fine: the minutes of one product over 31 days,
 * and over one of these days. It also measures what an instance answers meanwhile. DuckDB does the same on files that it need not download.
 * Storage is Azurite.
 *
 *   npm run bench -- lakeScan [--rows 4000000] [--files 16]
 */
const flags = { rows: countFlag('of the table', 4_000_000), files: countFlag('of the table', 16) };
const spanMs = 31 * dayMs;

/** Each file has the clicks of its part of the 31 days, as compaction leaves them. */
async function writeTable(store: ObjectStore, { rows, files }: Given<typeof flags>): Promise<void> {
  const rowsOfFile = Math.ceil(rows / files);
  const at = { store, table: 'clicks' };
  await createTable(at, clickFields);
  const begin = Date.now() - spanMs;
  for (let first = 0; first < rows; first += rowsOfFile) {
    const columns: number[][] = clickFields.map(() => []);
    for (let row = first; row < first + rowsOfFile; row++) {
      const product = 1 + Math.floor(100_000 * Math.random() ** 3);
      const enqueuedAt = Math.floor(begin + (row / rows) * spanMs) * 1000;
      const cells = [product, enqueuedAt, row, (product % 10) + 1, enqueuedAt, 1e15, row % 4, row, 0];
      for (const [index, cell] of cells.entries()) columns[index]?.push(cell);
    }
    const add = await writeDataFile({ at, fields: clickFields, columns });
    const state = await openState(at);
    if (state) await append({ state, fields: clickFields, adds: [add], txns: [] });
  }
}

async function milliseconds(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

async function duckDb(store: ObjectStore, since: string): Promise<number> {
  const lake = await LakeDatabase.open({ tables: [{ store, table: 'clicks' }], saved: [] });
  const { signal } = new AbortController();
  const sql = `SELECT date_trunc('minute', enqueued_at), count(*) FROM clicks WHERE productid = 1 AND enqueued_at >= TIMESTAMP '${since}' GROUP BY 1`;
  await lake.load(sql, { isWhole: true, signal });
  const taken = await milliseconds(async () => {
    const { rows } = await lake.select(sql, signal);
    for await (const _ of rows());
  });
  await lake.close();
  return taken;
}

async function main(given: Given<typeof flags>): Promise<number> {
  const azurite = await startAzurite();
  try {
    const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
    await writeTable(store, given);
    const counts = new Counts({ at: { store, table: 'clicks' }, counted: countedClicks });
    const api = new ClicksApi({ counts, names: new ProductNames(store) });
    const ask = (path: string, query: string) =>
      api.answer({ path, query: new URLSearchParams(query), headers: new Headers() });
    await ask('', '');
    const before = process.memoryUsage().rss;
    const rows: string[][] = [];
    for (const days of [1, 31]) {
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      let peak = 0;
      const watch = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage().rss);
      }, 50);
      const since = new Date(Date.now() - days * dayMs).toISOString().replace('Z', '');
      const cpu = process.cpuUsage();
      const taken = await milliseconds(async () => {
        const { status, body } = await ask('history', `bucket=1m&productid=1&last=${days}d`);
        if (status !== 200) throw new Error(body);
      });
      const block = delay.max / 1e6 - 5;
      const { user, system } = process.cpuUsage(cpu);
      clearInterval(watch);
      const cells = [
        taken,
        (user + system) / 1000,
        await duckDb(store, since),
        block,
        (peak - before) / 2 ** 20,
      ];
      rows.push([`minutes of ${days} d`, ...cells.map(rounded)]);
      delay.disable();
    }
    printTable(['history', 'ms', 'CPU, ms', 'DuckDB, ms', 'longest block, ms', 'more MiB'], rows);
    return 0;
  } finally {
    await azurite.close();
  }
}

runCommand({
  call: 'npm run bench -- lakeScan',
  does: action({ meaning: 'A history that is scanned from the files, against DuckDB.', flags, run: main }),
});
