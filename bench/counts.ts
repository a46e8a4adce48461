import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { startAzurite } from '../local/azurite';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
import { ClicksApi } from '../src/lib/api/clicksApi';
import { cachedStatePath } from '../src/lib/counts/cachedState';
import { Counts } from '../src/lib/counts/counts';
import { ProductNames } from '../src/lib/counts/productNames';
import { append, createTable, putCommit } from '../src/lib/delta/commit';
import type { TableLocation } from '../src/lib/delta/log';
import { openState } from '../src/lib/delta/openTable';
import type { TableState } from '../src/lib/delta/state';
import { writeDataFile } from '../src/lib/delta/writeDataFile';
import { hourMs } from '../src/lib/duration';
import { checkpoint } from '../src/lib/maintenance/checkpoint';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import { MemoryStore } from '../src/lib/storage/memoryStore';
import type { ObjectStore } from '../src/lib/storage/objectStore';
import { countedClicks } from '../src/lib/streams/clickstream';
import { clickFields } from './clickRows';
import { countFlag, median, percentile, printTable, rounded } from './numbers';

/**
 * The click counts and their API:
 *
 * - requests per second, and the slowest of a hundred, with 670 and with 100,000 products
 * - the time from a commit to the answer that shows it
 * - the cost of a refresh at versions 100 and 10,000
 * - a cold start over many rows
 * - the answer in comparison with DuckDB, which counts the same files
 *
 * Storage is Azurite, unless the output says memory.
 *
 *   npm run bench -- counts [--rows 1000000]
 */
const flags = { rows: countFlag('that a cold start counts', 1_000_000) };

let random = 42;
const draw = (below: number) => {
  random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((random / 2 ** 32) * below);
};

/** Clicks of the last hour. */
function clicks(rows: number, product: () => number): number[][] {
  const now = Date.now();
  const columns: number[][] = clickFields.map(() => []);
  for (let row = 0; row < rows; row++) {
    const productid = product();
    const enqueuedAt = (now - draw(hourMs)) * 1000;
    const row9 = [
      productid,
      enqueuedAt,
      1 + draw(1e6),
      (productid % 10) + 1,
      enqueuedAt,
      1e15,
      row % 4,
      row,
      0,
    ];
    for (const [index, value] of row9.entries()) columns[index]?.push(value);
  }
  return columns;
}

class Table {
  readonly at: TableLocation;
  #state: TableState | undefined;

  constructor(store: ObjectStore, table: string) {
    this.at = { store, table };
  }

  async append(columns: number[][]): Promise<void> {
    if (!this.#state) await createTable(this.at, clickFields);
    const state = this.#state ?? (await openState(this.at));
    if (!state) throw new Error('The table could not be made.');
    const add = await writeDataFile({ at: this.at, fields: clickFields, columns });
    this.#state = (await append({ state, fields: clickFields, adds: [add], txns: [] })).state;
  }

  open = (refreshMs = 250) => new Counts({ at: this.at, counted: countedClicks, refreshMs });
}

const milliseconds = async (run: () => unknown): Promise<number> => {
  const started = performance.now();
  await run();
  return performance.now() - started;
};

const rows: string[][] = [];
const report = (what: string, ours: string, aim = '') => {
  rows.push([what, ours, aim]);
  console.error(`${what}: ${ours}`);
};

/** Sends requests one after the other, with a commit every second. */
async function requests(table: Table, products: number, query: string): Promise<void> {
  const api = new ClicksApi({ counts: table.open(), names: new ProductNames(table.at.store) });
  const request = { path: '', query: new URLSearchParams(query), headers: new Headers() };
  await api.answer(request);
  const taken: number[] = [];
  const endsAt = performance.now() + 4000;
  let nextCommit = performance.now() + 1000;
  while (performance.now() < endsAt) {
    const last = await milliseconds(() => api.answer(request));
    taken.push(last);
    if (performance.now() > nextCommit) {
      // Nothing is appended during the requests, because one process would do both and the times would mix.
      await table.append(clicks(100, () => 1 + draw(products)));
      nextCommit = performance.now() + 1000;
    }
    if (taken.length % 100 === 0) await sleep(0);
  }
  const sum = taken.reduce((all, one) => all + one, 0);
  const what = `GET /api/clicks${query && `?${query}`}, ${rounded(products)} products`;
  report(`${what}: requests/s`, rounded((1000 * taken.length) / sum));
  report(`${what}: p99 ms`, rounded(percentile(taken, 0.99)), '< 5');
  report(`${what}: slowest ms, after a commit`, rounded(percentile(taken, 1)));
}

async function commitToVisible(table: Table): Promise<void> {
  const counts = table.open();
  const taken: number[] = [];
  for (let commit = 0; commit < 20; commit++) {
    const { version } = await counts.current();
    await table.append(clicks(100, () => 1 + draw(670)));
    taken.push(
      await milliseconds(async () => {
        while ((await counts.current()).version === version) await sleep(5);
      }),
    );
  }
  report('commit to visible, ms: median of 20', rounded(median(taken)), '< 250 + I/O');
  report('commit to visible, ms: slowest', rounded(Math.max(...taken)));
}

/** The cost of a refresh, measured in memory, so that the disk does not count. */
async function refreshCost(): Promise<void> {
  const table = new Table(new MemoryStore(), 'clicks');
  const columns = clicks(100, () => 1 + draw(670));
  await table.append(columns);
  const first = await writeDataFile({ at: table.at, fields: clickFields, columns });
  const file = await table.at.store.get(`clicks/${first.path}`);
  let version = 1;
  const growTo = async (target: number) => {
    while (version < target) {
      const path = `copy-${++version}.parquet`;
      await table.at.store.put(`clicks/${path}`, file?.bytes ?? new Uint8Array());
      const description = { operation: 'WRITE', isBlindAppend: true };
      await putCommit(table.at, version, [{ add: { ...first, path } }], description);
    }
  };
  const medians: number[] = [];
  for (const target of [100, 10_000]) {
    await growTo(target);
    const counts = table.open(0);
    await counts.current();
    const taken: number[] = [];
    for (let run = 0; run < 300; run++) {
      await growTo(version + 1);
      taken.push(await milliseconds(() => counts.current()));
    }
    medians.push(median(taken.slice(50)));
    report(`refresh at version ${rounded(target)} in memory, ms`, rounded(median(taken.slice(50))));
  }
  report('refresh at version 10,000 / at 100', rounded((medians[1] ?? 0) / (medians[0] ?? 1)), 'about 1');
}

/** The first counts of an instance, from the cached state of a table with many products. */
async function coldStartOfMany(table: Table, products: number): Promise<void> {
  await table.open().save();
  const taken: number[] = [];
  for (let run = 0; run < 5; run++) taken.push(await milliseconds(() => table.open().current()));
  const state = await table.at.store.get(cachedStatePath(table.at.table));
  report(`cold start, ${rounded(products)} products, with cached state, ms`, rounded(median(taken)));
  report(`cached state of ${rounded(products)} products, MiB`, rounded((state?.bytes.length ?? 0) / 2 ** 20));
}

async function coldStart(table: Table, totalRows: number): Promise<void> {
  await checkpoint({ at: table.at });
  const runs = async (prepare: () => Promise<unknown>) => {
    const taken: number[] = [];
    for (let run = 0; run < 5; run++) {
      await prepare();
      const counts = table.open();
      taken.push(await milliseconds(() => counts.current()));
      await counts.save();
    }
    return median(taken);
  };
  const without = await runs(() => table.at.store.delete(cachedStatePath(table.at.table)));
  const withCache = await runs(async () => undefined);
  const what = `cold start, ${rounded(totalRows)} rows in 1,000 files`;
  report(`${what}, without cached state, ms`, rounded(without));
  report(
    `${what}, with cached state, ms`,
    rounded(withCache),
    `< 100; ${rounded(without / withCache)} times faster`,
  );
}

async function againstDuckDb(table: Table, folder: string, totalRows: number): Promise<void> {
  const { store } = table.at;
  for await (const { path } of store.list('million/part-'))
    writeFileSync(join(folder, basename(path)), (await store.get(path))?.bytes ?? new Uint8Array());
  const duckdb = await DuckDBInstance.create(':memory:');
  const connection = await duckdb.connect();
  const sql = `select productid, any_value(category), count(*) n from read_parquet('${folder}/*.parquet') group by 1 order by n desc`;
  const recount = async () => (await connection.runAndReadAll(sql)).getRows();
  const counted = await recount();
  const recounts: number[] = [];
  for (let run = 0; run < 5; run++) recounts.push(await milliseconds(recount));
  connection.closeSync();
  duckdb.closeSync();
  const api = new ClicksApi({ counts: table.open(), names: new ProductNames(store) });
  const request = { path: '', query: new URLSearchParams(), headers: new Headers() };
  const { total } = JSON.parse((await api.answer(request)).body ?? '{}') as { total: number };
  const sum = counted.reduce((all, [, , n]) => all + Number(n), 0);
  if (sum !== total) throw new Error(`DuckDB counts ${sum}, the API ${total}.`);
  const answers: number[] = [];
  for (let run = 0; run < 200; run++) answers.push(await milliseconds(() => api.answer(request)));
  const mean = answers.reduce((all, one) => all + one, 0) / answers.length;
  report(`DuckDB counts ${rounded(totalRows)} rows anew from local files, ms`, rounded(median(recounts)));
  report('the API answers the same counts, ms (mean, refreshes included)', rounded(mean));
  report('DuckDB / API', rounded(median(recounts) / mean), '50 and up');
  const eager = new ClicksApi({ counts: table.open(0), names: new ProductNames(store) });
  await eager.answer(request);
  const afterCommits: number[] = [];
  for (let run = 0; run < 20; run++) {
    await table.append(clicks(100, () => 1 + draw(670)));
    afterCommits.push(await milliseconds(() => eager.answer(request)));
  }
  report('the first answer after a commit, reading it from Azurite, ms', rounded(median(afterCommits)));
  report('DuckDB / that first answer', rounded(median(recounts) / median(afterCommits)));
}

async function main({ rows: totalRows }: Given<typeof flags>): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  const azurite = await startAzurite();
  try {
    const store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
    const few = new Table(store, 'few');
    await few.append(clicks(50_000, () => 1 + draw(670)));
    await requests(few, 670, '');
    const many = new Table(store, 'many');
    let product = 0;
    await many.append(clicks(300_000, () => (product++ % 100_000) + 1));
    await requests(many, 100_000, '');
    await requests(many, 100_000, 'top=20');
    await coldStartOfMany(many, 100_000);
    await commitToVisible(few);
    await refreshCost();
    const million = new Table(store, 'million');
    for (let file = 0; file < 1000; file++)
      await million.append(clicks(totalRows / 1000, () => 1 + draw(670)));
    await coldStart(million, totalRows);
    await againstDuckDb(million, folder, totalRows);
    printTable(['', 'measured', 'aim'], rows);
    return 0;
  } finally {
    await azurite.close();
    rmSync(folder, { recursive: true });
  }
}

runCommand({
  call: 'npm run bench -- counts',
  does: action({ meaning: 'The click counts and their API, against DuckDB.', flags, run: main }),
});
