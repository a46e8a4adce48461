import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Azurite, startAzurite } from '../../local/azurite';
import { type RebuildStepOutcome, rebuildWarehouse } from '../../src/lib/orchestrations/rebuildWarehouse';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import type { ObjectStore } from '../../src/lib/storage/objectStore';
import { clickstream } from '../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../src/lib/streams/stream';
import { catchUp } from '../../src/lib/warehouse/catchUp';
import { checkTable } from '../../src/lib/warehouse/check/checkTable';
import { openDuckDbFile } from '../../src/lib/warehouse/duckdb/duckDbWarehouse';
import { UnloadedCommits } from '../../src/lib/warehouse/unloadedCommits';
import { fullName } from '../../src/lib/warehouse/warehouse';
import { record } from '../lib/orchestrations/history';
import { clicks, DeltaTable } from '../lib/warehouse/deltaTable';

/*
 * A rebuild of a DuckDB file over so many steps that its history begins anew. Each step is a process of its own, and every few steps
 * one is killed in the middle of its work.
 */

const table = clickstream.warehouse as WarehouseTable;
const signal = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'rebuild-'));
const file = join(folder, 'warehouse.duckdb');
const fileCount = 18;
let azurite: Azurite;
let store: ObjectStore;
let delta: DeltaTable;

beforeAll(async () => {
  azurite = await startAzurite({});
  store = await openAzureBlobStore({ connectionString: azurite.connectionString }, 'lake');
  delta = await new DeltaTable(clickstream, store).create();
  for (let nth = 0; nth < fileCount; nth++) await delta.commit(clicks(10, nth * 10));
});

afterAll(async () => {
  await azurite.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Goes on until one more file is loaded. The last argument says when the process kills itself: before-commit, after-commit or never. */
const step = `
const { openDuckDbFile } = require(${JSON.stringify(resolve('dist/src/lib/warehouse/duckdb/duckDbWarehouse.js'))});
const { openAzureBlobStore } = require(${JSON.stringify(resolve('dist/src/lib/storage/azureBlobStore.js'))});
const { rebuild } = require(${JSON.stringify(resolve('dist/src/lib/warehouse/rebuild.js'))});
const { clickstream } = require(${JSON.stringify(resolve('dist/src/lib/streams/clickstream.js'))});
const { DuckDBConnection } = require(${JSON.stringify(resolve('node_modules/@duckdb/node-api'))});
const [path, connectionString, when] = process.argv.slice(1);
const die = () => process.kill(process.pid, 'SIGKILL');
const { run } = DuckDBConnection.prototype;
DuckDBConnection.prototype.run = async function (sql, ...rest) {
  if (sql === 'COMMIT' && when === 'before-commit') die();
  const result = await run.call(this, sql, ...rest);
  if (sql === 'COMMIT' && when === 'after-commit') die();
  return result;
};
(async () => {
  const warehouse = await openDuckDbFile(path);
  const store = await openAzureBlobStore({ connectionString }, 'lake');
  const end = new AbortController();
  let loaded;
  const done = await rebuild({
    ...{ warehouse, at: { store, table: 'clicks' }, table: clickstream.warehouse, signal: end.signal },
    limits: { rows: 0, bytes: 0 },
    mayLose: false,
    onProgress: ({ files, of }) => {
      if (loaded && files > loaded.files) end.abort();
      loaded = { files, of };
    },
  });
  await warehouse.close();
  console.log(JSON.stringify(done.outcome === 'stopped' ? { ...done, more: true, ...loaded, isHeld: false } : done));
  process.exit(0);
})();
`;

/** @throws if the process is killed, as an activity ends whose host is */
function takeStep(when: string): Promise<RebuildStepOutcome> {
  const child = spawn(process.execPath, ['-e', step, file, azurite.connectionString, when], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  return new Promise((done, fail) =>
    child.once('close', (code, killedBy) =>
      code === 0 ? done(JSON.parse(output)) : fail(new Error(`The process ended: ${killedBy ?? code}.`)),
    ),
  );
}

it('goes on where killed steps left off, and ends with the rows of the lake', async () => {
  const before = await openDuckDbFile(file);
  await before.init([table]);
  await catchUp({ warehouse: before, commits: new UnloadedCommits(delta.at), table, signal });
  await before.close();

  let steps = 0;
  let killed = 0;
  const progress: number[] = [];
  const { result, histories } = await record(
    rebuildWarehouse,
    { table: fullName(table), yes: false },
    {
      activities: {
        rebuildStep: async () => {
          steps++;
          const when = steps % 5 === 2 ? 'before-commit' : steps % 5 === 4 ? 'after-commit' : 'never';
          if (when !== 'never') killed++;
          const found = await takeStep(when);
          if (found.outcome === 'stopped') progress.push(found.files);
          return found;
        },
      },
    },
  );
  expect(result).toMatchObject({ outcome: 'rebuilt', version: fileCount, steps });
  expect(histories.length).toBeGreaterThan(1);
  expect(killed).toBeGreaterThanOrEqual(8);
  // No step began the work anew.
  expect(progress).toEqual([...progress].sort((one, two) => one - two));
  expect(new Set(progress).size).toBe(progress.length);

  const warehouse = await openDuckDbFile(file);
  const checked = await checkTable({ warehouse, at: delta.at, table, signal, pauseMs: 1 });
  expect(checked).toMatchObject({ version: fileCount, rows: fileCount * 10, different: [], unread: [] });
  expect([...(await warehouse.ledger()).keys()]).toEqual([fullName(table)]);
  await warehouse.close();
});
