import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { startAzurite } from '../local/azurite';
import { action, type Given } from '../src/cli/commandLine/command';
import { runCommand } from '../src/cli/commandLine/runCommand';
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
import { countFlag, listFlag, printTable, rounded } from './numbers';

/**
 * Memory and time of an instance that counts a table with more distinct products than are counted on their own. The clicks are spread
 * over the last hour, so that most products are in every minute, or over more hours, so that most are in every hour and day. Each figure
 * comes from a process of its own. Storage is Azurite.
 *
 *   npm run bench -- manyProducts [--products 1000000] [--rows 2000000] [--limits 250000,1000000] [--hours 1]
 */
const flags = {
  products: countFlag('distinct ones', 1_000_000),
  rows: countFlag('of the table', 2_000_000),
  limits: listFlag('how many products are counted on their own', [250_000, 1_000_000]),
  hours: countFlag('in which the clicks are', 1),
};
type Size = Given<typeof flags>;

const rowsOfFile = 20_000;

/** Writes the table: each product has a click, and the rest of the clicks prefer low numbers. */
async function writeTable(store: ObjectStore, table: string, size: Size): Promise<void> {
  const at = { store, table };
  await createTable(at, clickFields);
  let state = await openState(at);
  for (let first = 0; state && first < size.rows; first += rowsOfFile) {
    const columns = clicks(first, Math.min(rowsOfFile, size.rows - first), size);
    const add = await writeDataFile({ at, fields: clickFields, columns });
    state = (await append({ state, fields: clickFields, adds: [add], txns: [] })).state;
  }
}

function clicks(first: number, count: number, { products, hours }: Size): number[][] {
  const now = Date.now();
  const columns: number[][] = clickFields.map(() => []);
  for (let row = first; row < first + count; row++) {
    const product = row < products ? (row * 7_919) % products : Math.floor(products * Math.random() ** 3);
    const enqueuedAt = (now - Math.floor(Math.random() * hours * hourMs)) * 1000;
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

/** What a process is told that counts. */
interface Task {
  readonly connection: string;
  readonly table: string;
  readonly maxKeys: number;
  readonly size: Size;
}

/** Runs in a process of its own: counts, sees a commit come, answers, and saves. */
async function count({ connection, table, maxKeys, size }: Task): Promise<Figures> {
  const store = await openAzureBlobStore({ connectionString: connection }, 'lake');
  const at = { store, table };
  const counts = new Counts({ at, counted: countedClicks, refreshMs: 0, maxKeys });
  const first = await seconds(() => counts.current());
  const state = await openState(at);
  const add = await writeDataFile({ at, fields: clickFields, columns: clicks(size.rows, 1000, size) });
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

async function inProcess(task: Task): Promise<Figures> {
  const child = spawn(process.execPath, [__filename, 'count', JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout)) as Figures;
}

async function main(size: Size): Promise<number> {
  const azurite = await startAzurite();
  const connection = azurite.connectionString;
  const rows: string[][] = [];
  try {
    const store = await openAzureBlobStore({ connectionString: connection }, 'lake');
    for (const maxKeys of size.limits) {
      const table = `clicks${maxKeys}`;
      await writeTable(store, table, size);
      const steps = ['from the files, deciding', 'from the cached state', 'from the files, decided before'];
      for (const [step, what] of steps.entries()) {
        if (step === 2) await store.delete(cachedStatePath(table));
        const found = await inProcess({ connection, table, maxKeys, size });
        const figures = [
          found.firstSeconds,
          found.refreshMs,
          found.answerMs,
          found.peakMiB,
          found.kept,
          found.other,
        ];
        rows.push([rounded(maxKeys), what, ...figures.map(rounded)]);
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
    return 0;
  } finally {
    await azurite.close();
  }
}

const [mode, task = ''] = process.argv.slice(2);
if (mode === 'count')
  void count(JSON.parse(task) as Task).then((figures) => console.log(JSON.stringify(figures)));
else
  runCommand({
    call: 'npm run bench -- manyProducts',
    does: action({
      meaning: 'Memory and time of the counts at a million distinct products.',
      flags,
      run: main,
    }),
  });
