import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAzureBlobStore } from '../../src/lib/storage/azureBlobStore';
import { frequentSchedules, LocalStack } from '../kit/localStack';
import { pythonOf, storageOptions } from '../kit/peer';
import { type StorageProxy, startStorageProxy } from '../kit/storageProxy';
import { snapshotOf } from './ourTable';

/*
 * The notebook of samples/notebooks, run by Jupyter's own client against the table that a running app writes meanwhile. With
 * KEEP_OUTPUTS=1 the sample is replaced by the result, so that it shows what a run gives.
 */

const sample = 'samples/notebooks/clicks.ipynb';
const stack = new LocalStack();
let proxy: StorageProxy;
let url: string;
const folder = mkdtempSync(join(tmpdir(), 'notebook-'));
beforeAll(async () => {
  await stack.start(await frequentSchedules());
  ({ url } = await stack.startHost('one', { CLICKS_PER_SECOND: '60' }));
  proxy = await startStorageProxy(stack.settings.LakeStorage ?? '');
});
afterAll(async () => {
  await proxy?.close();
  await stack.stop();
  rmSync(folder, { recursive: true });
});

interface Cell {
  readonly cell_type: string;
  readonly source: string | string[];
  readonly outputs?: readonly {
    readonly output_type: string;
    readonly text?: string | string[];
    readonly data?: Readonly<Record<string, unknown>>;
  }[];
}

const joined = (text: string | string[] = '') => (Array.isArray(text) ? text.join('') : text);
const cellsOf = (path: string): Cell[] => JSON.parse(readFileSync(path, 'utf8')).cells;

/** The lines that the cell with `part` in its source has printed. */
function printed(cells: readonly Cell[], part: string): string[] {
  const cell = cells.find(({ source }) => joined(source).includes(part));
  const text = cell?.outputs?.map((output) => joined(output.text)).join('') ?? '';
  return text.trim().split('\n');
}

/** The last column of a printed table, added up. */
const sum = (lines: readonly string[]) =>
  lines.reduce((total, line) => total + Number(line.trim().split(/\s+/).at(-1)), 0);

async function runNotebook(): Promise<Cell[]> {
  const result = join(folder, 'result.ipynb');
  const env = {
    ...process.env,
    LAKE: 'az://lake',
    STORAGE_OPTIONS: JSON.stringify(storageOptions(proxy.connectionString)),
    POLLS: '4',
    POLL_SECONDS: '3',
    // What people have set up for their own notebooks stays out.
    ...Object.fromEntries(
      ['IPYTHONDIR', 'JUPYTER_CONFIG_DIR', 'JUPYTER_RUNTIME_DIR', 'MPLCONFIGDIR'].map((name) => [
        name,
        folder,
      ]),
    ),
  };
  await promisify(execFile)(pythonOf(), ['test/interop/runNotebook.py', sample, result], { env });
  if (process.env.KEEP_OUTPUTS === '1') copyFileSync(result, sample);
  return cellsOf(result);
}

/** Clicks and products in a version of the table, as DuckDB counts them in the version's files. */
async function countAt(version: number): Promise<readonly unknown[]> {
  const store = await openAzureBlobStore({ connectionString: stack.settings.LakeStorage ?? '' }, 'lake');
  const { files } = await snapshotOf({ store, table: 'clicks' }, version);
  const copies: string[] = [];
  for (const path of files.keys()) {
    const copy = join(folder, basename(path));
    writeFileSync(copy, (await store.get(`clicks/${path}`))?.bytes ?? '');
    copies.push(`'${copy}'`);
  }
  const connection = await (await DuckDBInstance.create()).connect();
  const sql = `SELECT count(*), count(DISTINCT productid) FROM read_parquet([${copies.join(',')}])`;
  const [row = []] = (await connection.runAndReadAll(sql)).getRowsJS();
  connection.closeSync();
  return row.map(Number);
}

it('shows the clicks per product again and again while they grow, with the numbers that DuckDB counts', async () => {
  const clicks = async () => ((await (await fetch(`${url}/api/clicks`)).json()) as { total: number }).total;
  await expect.poll(clicks, { timeout: 60_000 }).toBeGreaterThan(100);
  const cells = await runNotebook();

  const polls = printed(cells, 'for poll in range(polls)').map((line) => {
    const found = /^version (\d+): (\d+) clicks on (\d+) products, most on /.exec(line);
    return { version: Number(found?.[1]), counted: [Number(found?.[2]), Number(found?.[3])] };
  });
  const totals = polls.map(({ counted: [total = 0] }) => total);
  expect(totals).toHaveLength(4);
  expect(totals).toEqual(totals.toSorted((a, b) => a - b));
  expect(new Set(totals).size).toBeGreaterThan(2);
  for (const { version, counted } of polls) expect(counted).toEqual(await countAt(version));

  expect(printed(cells, 'show(["productid"')).toHaveLength(21);
  expect(sum(printed(cells, 'show(["category"').slice(1))).toBe(totals.at(-1));
  const sessions = printed(cells, 'FROM clicks WHERE sessionid');
  expect(sessions[0]).toMatch(/^\d+ sessions$/);
  expect(sessions.at(-1)?.trim()).toMatch(/^\d+ +\d+\.\d+ +\d+ +\d+ +\d+$/);
  const charts = cells.flatMap(({ outputs = [] }) => outputs.filter(({ data }) => data?.['image/png']));
  expect(charts).toHaveLength(2);
});

it('is kept with the outputs of a run, and without errors', () => {
  const code = cellsOf(sample).filter(({ cell_type }) => cell_type === 'code');
  const kinds = code.flatMap(({ outputs = [] }) => outputs.map(({ output_type }) => output_type));
  expect(code.slice(1).every(({ outputs = [] }) => outputs.length > 0)).toBe(true);
  expect(kinds).not.toContain('error');
});
