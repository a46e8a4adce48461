import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { startAzurite } from '../local/azurite';
import { ClicksApi } from '../src/lib/api/clicksApi';
import { cachedStatePath } from '../src/lib/counts/cachedState';
import { Counts } from '../src/lib/counts/counts';
import { ProductNames } from '../src/lib/counts/productNames';
import { append, createTable } from '../src/lib/delta/commit';
import { openState } from '../src/lib/delta/openTable';
import { writeDataFile } from '../src/lib/delta/writeDataFile';
import { hourMs } from '../src/lib/duration';
import { openAzureBlobStore } from '../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../src/lib/storage/objectStore';
import { countedClicks } from '../src/lib/streams/clickstream';
import { clickFields } from './clickRows';
import { printTable, rounded } from './numbers';

/**
 * Memory and time of an instance that counts a table with more distinct products than are counted on their own. The clicks are spread
 * over the last hour, so that most products are in every minute, or over more hours, so that most are in every hour and day. Each figure
 * comes from a process of its own. Storage is Azurite.
 *
 *   npm run bench -- manyProducts [--products 1000000] [--rows 2000000] [--limits 250000,1000000] [--hours 1]
 */
const { values } = parseArgs({
  options: {
    products: { type: 'string', default: '1000000' },
    rows: { type: 'string', default: '2000000' },
    limits: { type: 'string', default: '250000,1000000' },
    hours: { type: 'string', default: '1' },
    // These are given to the processes that count.
    connection: { type: 'string' },
    table: { type: 'string', default: 'clicks' },
  },
});
const products = Number(values.products);
const totalRows = Number(values.rows);
const spreadMs = Number(values.hours) * hourMs;
const rowsOfFile = 20_000;

/** Writes the table. Each product has a click, and the other clicks prefer low numbers. */
async function writeTable(store: ObjectStore, table: string): Promise<void> {
  const at = { store, table };
  await createTable(at, clickFields);
  let state = await openState(at);
  for (let first = 0; state && first < totalRows; first += rowsOfFile) {
    const columns = clicks(first, Math.min(rowsOfFile, totalRows - first));
    const add = await writeDataFile({ at, fields: clickFields, columns });
    state = (await append({ state, fields: clickFields, adds: [add], txns: [] })).state;
  }
}

function clicks(first: number, count: number): number[][] {
  const now = Date.now();
  const columns: number[][] = clickFields.map(() => []);
  for (let row = first; row < first + count; row++) {
    const product = row < products ? (row * 7_919) % products : Math.floor(products * Math.random() ** 3);
    const enqueuedAt = (now - Math.floor(Math.random() * spreadMs)) * 1000;
    const cells = [product, enqueuedAt, row, (product % 10) + 1, enqueuedAt, 1e15, row % 4, row, 0];
    for (const [index, cell] of cells.entries()) columns[index]?.push(cell);
  }
  return columns;
}

interface Figures {
  readonly firstSeconds: number;
  readonly refreshMs: number;
  readonly answerMs: number;
  readonly peakMiB: number;
  readonly kept: number;
  readonly other: number;
}

/** Runs in a process of its own: counts, sees a commit come, answers, and saves. */
async function count(connection: string, table: string, maxKeys: number): Promise<Figures> {
  const store = await openAzureBlobStore({ connectionString: connection }, 'lake');
  const at = { store, table };
  const counts = new Counts({ at, counted: countedClicks, refreshMs: 0, maxKeys });
  const first = await seconds(() => counts.current());
  const state = await openState(at);
  const add = await writeDataFile({ at, fields: clickFields, columns: clicks(totalRows, 1000) });
  if (state) await append({ state, fields: clickFields, adds: [add], txns: [] });
  const refresh = await seconds(() => counts.current());
  const api = new ClicksApi({ counts, names: new ProductNames(store) });
  const request = { path: '', query: new URLSearchParams('top=20'), headers: new Headers() };
  const answer = await seconds(() => api.answer(request));
  const { tally } = await counts.current();
  await counts.save();
  return {
    firstSeconds: first,
    refreshMs: refresh * 1000,
    answerMs: answer * 1000,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    kept: tally.keys.length,
    other: tally.folded?.total ?? 0,
  };
}

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}

async function inProcess(connection: string, table: string, limit: string): Promise<Figures> {
  const argv = ['--connection', connection, '--table', table, '--limits', limit];
  const args = [
    __filename,
    ...argv,
    '--rows',
    values.rows,
    '--products',
    values.products,
    '--hours',
    values.hours,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(await text(child.stdout)) as Figures;
}

async function main(): Promise<void> {
  const azurite = await startAzurite();
  const connection = azurite.connectionString;
  const rows: string[][] = [];
  try {
    const store = await openAzureBlobStore({ connectionString: connection }, 'lake');
    for (const limit of values.limits.split(',')) {
      const table = `clicks${limit}`;
      await writeTable(store, table);
      const steps = ['from the files, deciding', 'from the cached state', 'from the files, decided before'];
      for (const [step, what] of steps.entries()) {
        if (step === 2) await store.delete(cachedStatePath(table));
        const found = await inProcess(connection, table, limit);
        const figures = [
          found.firstSeconds,
          found.refreshMs,
          found.answerMs,
          found.peakMiB,
          found.kept,
          found.other,
        ];
        rows.push([rounded(Number(limit)), what, ...figures.map(rounded)]);
      }
    }
    const titles = [
      'limit',
      'first counts',
      'seconds',
      'refresh, ms',
      'top=20, ms',
      'peak MiB',
      'kept',
      'other',
    ];
    printTable(titles, rows);
  } finally {
    await azurite.close();
  }
}

if (values.connection === undefined) void main();
else
  void count(values.connection, values.table, Number(values.limits)).then((figures) =>
    console.log(JSON.stringify(figures)),
  );
