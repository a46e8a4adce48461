import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClicksApi } from '../../src/lib/api/clicksApi';
import { ProductNames } from '../../src/lib/counts/productNames';
import { MemoryStore } from '../../src/lib/storage/memoryStore';
import { viewInDuckDb } from '../kit/serverlessViews';
import { type Click, ClicksTable } from '../lib/counts/clicksTable';
import { openCounts } from '../lib/counts/countsStand';
import { check, measureInSql, type ViewColumns, validate } from './powerBiChecks';
import { readProject, type Visual } from './powerBiProject';

/*
 * Tests the report of samples/powerbi, which was never opened in Power BI. Microsoft's validator and our own checks read it. The queries of
 * its visuals run in DuckDB, over the views of the serverless pool.
 */

const sample = 'samples/powerbi';
const nowMs = Math.floor(Date.now() / 60_000) * 60_000 + 30_000;
/** Clicks of some minutes on products that change their category; some sessions, some without times. */
const clicks = Array.from({ length: 400 }, (_, n) => ({
  productid: (n * 7) % 23,
  category: n % 19 === 0 ? null : ((n >> 2) % 11) + 1,
  at: nowMs - ((n * 137) % 1500) * 1000,
  sessionid: n % 13 === 0 ? null : n % 41,
})) satisfies (Click & { sessionid: number | null })[];

let connection: DuckDBConnection;
const viewColumns = new Map<string, Map<string, string>>();
beforeAll(async () => {
  connection = await (await DuckDBInstance.create()).connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  const rows = clicks.map(
    ({ productid, category, at, sessionid }, n) =>
      `(${productid}, make_timestamp(${at - 500} * 1000), ${sessionid}, ${category}, make_timestamp(${at} * 1000), ${n % 4}, ${n}, 0)`,
  );
  await connection.run(
    `CREATE TABLE clicks (productid INTEGER, "timestamp" TIMESTAMP, sessionid BIGINT, category INTEGER, enqueued_at TIMESTAMP, hub_partition INTEGER, sequence_number BIGINT, element INTEGER);
     INSERT INTO clicks VALUES ${rows.join(', ')};
     CREATE TABLE assets (id VARCHAR, symbol VARCHAR, asset_name VARCHAR, priceUsd DOUBLE, marketCapUsd DOUBLE, runtime_timestamp TIMESTAMP);
     INSERT INTO assets SELECT 'id' || n % 3, 's', 'name' || n % 3, n, n * 10, make_timestamp(n * 1000000) FROM range(30) t(n);`,
  );
  for (const { view } of readProject(sample).tables) {
    await connection.run(`CREATE VIEW ${view} AS ${viewInDuckDb(view)}`);
    const described = (await connection.runAndReadAll(`DESCRIBE ${view}`)).getRows();
    viewColumns.set(view, new Map(described.map(([name, type]) => [String(name), String(type)])));
  }
});
afterAll(() => connection.closeSync());

/** What is wrong in the project of a folder. */
const wrongIn = async (folder: string, views: ViewColumns = viewColumns) => [
  ...(await validate(folder)),
  ...check(readProject(folder), views),
];

it('has nothing that the validator or our own checks refuse', async () => {
  expect(await wrongIn(sample)).toEqual([]);
});

it('has a file that makes a new report of the same place', () => {
  const { connections } = JSON.parse(readFileSync(`${sample}/Tributary.pbids`, 'utf8'));
  const { protocol, address } = connections[0].details;
  const expressions = readFileSync(`${sample}/Tributary.SemanticModel/definition/expressions.tmdl`, 'utf8');
  expect([protocol, connections[0].mode]).toEqual(['tds', 'DirectQuery']);
  expect(expressions).toContain(`SqlEndpoint = "${address.server}"`);
  expect(expressions).toContain(`SqlDatabase = "${address.database}"`);
});

/** The rows of a visual: one column for each of its fields, in their order. */
async function rowsOf(name: string): Promise<unknown[][]> {
  const { tables, visuals } = readProject(sample);
  const { fields } = visuals.find((visual) => visual.name === name) as Visual;
  const table = tables.find((one) => one.name === fields[0]?.table);
  if (!table) throw new Error(`${name} has no table.`);
  const columns = fields.map((field) => {
    const column = table.columns.find((one) => one.name === field.name);
    return field.kind === 'Column'
      ? `"${column?.sourceColumn}"`
      : measureInSql(table.measures.get(field.name) ?? '', table);
  });
  const grouped = fields.some(({ kind }) => kind === 'Measure')
    ? ` GROUP BY ${fields.flatMap(({ kind }, index) => (kind === 'Column' ? [columns[index]] : [])).join(', ') || '()'}`
    : '';
  const query = `SELECT ${columns.join(', ')} FROM ${table.view}${grouped} ORDER BY 1`;
  return (await connection.runAndReadAll(query)).getRowsJson();
}

describe('its numbers are those of the API', async () => {
  const table = await new ClicksTable(new MemoryStore()).create();
  await table.append(clicks);
  const { store } = table.at;
  const api = new ClicksApi({
    counts: openCounts(table.at, { now: () => nowMs, monotonicNow: () => nowMs }),
    names: new ProductNames(store),
    now: () => nowMs,
  });
  const ask = async (path: string, query = '') => {
    const answer = await api.answer({ path, query: new URLSearchParams(query), headers: new Headers() });
    return JSON.parse(String(answer.body));
  };
  const inOrder = (rows: readonly (readonly unknown[])[]) => rows.map((row) => row.map(String)).sort();

  it('clicks', async () => {
    expect(await rowsOf('allClicks')).toEqual([[String((await ask('')).total)]]);
  });

  it('clicks per product', async () => {
    const { products } = await ask('');
    const expected = products.map(({ productid, clicks: count }: Record<string, number>) => [
      productid,
      count,
    ]);
    expect(expected).toHaveLength(23);
    expect(inOrder(await rowsOf('clicksPerProduct'))).toEqual(inOrder(expected));
  });

  it('clicks per category', async () => {
    const { categories } = await ask('categories');
    const expected = categories.map(({ category, clicks: count }: Record<string, number>) => [
      category,
      count,
    ]);
    expect(expected.length).toBeGreaterThan(3);
    expect(inOrder(await rowsOf('clicksPerCategory'))).toEqual(inOrder(expected));
  });

  it('clicks over time', async () => {
    const { buckets } = await ask('history', 'bucket=1m&last=1h');
    const expected = buckets.flatMap(({ from, clicks: count }: { from: string; clicks: number }) =>
      count === 0 ? [] : [[from, count]],
    );
    expect(expected.length).toBeGreaterThan(20);
    const rows = await rowsOf('clicksOverTime');
    expect(inOrder(rows.map(([minute, count]) => [new Date(`${minute}Z`).toISOString(), count]))).toEqual(
      inOrder(expected.map(([from, count]: [string, number]) => [new Date(from).toISOString(), count])),
    );
  });
});

it('counts the sessions of the clicks that have one', async () => {
  const sessions = Map.groupBy(clicks, ({ sessionid }) => sessionid);
  sessions.delete(null);
  expect(await rowsOf('sessionsWithClicks')).toEqual([[String(sessions.size)]]);
  const rows = await rowsOf('sessions');
  expect(rows.map(([id, , , , count]) => [Number(id), Number(count)])).toEqual(
    [...sessions].map(([id, own]) => [id, own.length]).toSorted(([a], [b]) => Number(a) - Number(b)),
  );
  const average = rows.reduce((sum, [, , , seconds]) => sum + Number(seconds), 0) / rows.length;
  expect(Number((await rowsOf('secondsPerSession')).flat()[0])).toBeCloseTo(average, 6);
  const perSession = rows.reduce((sum, [, , , , count]) => sum + Number(count), 0) / rows.length;
  expect(Number((await rowsOf('clicksPerSession')).flat()[0])).toBeCloseTo(perSession, 6);
});

it('begins with the largest and the newest, but goes through categories and minutes from the first', () => {
  const sorted = readProject(sample).visuals.filter(({ sortedBy }) => sortedBy.length > 0);
  const directions = sorted.map(({ name, directions: own }) => [name, own.join()]);
  expect(Object.fromEntries(directions)).toEqual({
    clicksOverTime: 'Ascending',
    clicksPerCategory: 'Ascending',
    clicksPerProduct: 'Descending',
    marketCap: 'Descending',
    newestPrices: 'Descending',
    sessions: 'Descending',
  });
});

it('shows the newest price of each asset', async () => {
  expect((await rowsOf('newestPrices')).map((row) => row.slice(1, 4))).toEqual(
    expect.arrayContaining([
      ['name0', 27, 270],
      ['name1', 28, 280],
      ['name2', 29, 290],
    ]),
  );
  expect(await rowsOf('marketCap')).toHaveLength(3);
});

const visual = 'Tributary.Report/definition/pages/clicks/visuals/clicksPerProduct/visual.json';
const products = 'Tributary.SemanticModel/definition/tables/Products.tmdl';

describe('a mistake is found', () => {
  it.each<[string, string, string, string, RegExp]>([
    [
      'a visual that does not exist',
      visual,
      'clusteredBarChart',
      'clusteredBarGraph',
      /^PBIR_VISUAL_TYPE_UNKNOWN: /,
    ],
    ['a visual that is not on its page', visual, '"x": 20', '"x": 1200', /^PBIR_\w+: .*1280/],
    [
      'a name other than its folder',
      visual,
      '"name": "clicksPerProduct"',
      '"name": "perProduct"',
      /^clicksPerProduct: its name is perProduct\.$/,
    ],
    [
      'a field that the model does not have',
      visual,
      '"Property": "productid"',
      '"Property": "productId"',
      /^clicksPerProduct: there is no Column Products\.productId\.$/,
    ],
    [
      'a measure that is used as a column',
      visual,
      '"Measure"',
      '"Column"',
      /^clicksPerProduct: there is no Column Products\.Number of clicks\.$/,
    ],
    [
      'a reference to another field',
      visual,
      'Products.productid',
      'Products.category',
      /^clicksPerProduct: Products\.category is another field\.$/,
    ],
    [
      'a column that the view does not have',
      products,
      'sourceColumn: category',
      'sourceColumn: kind',
      /^Products: clicks_per_product has no column kind\.$/,
    ],
    [
      'a column of another type',
      products,
      'dataType: int64',
      'dataType: string',
      /^Products\.productid: INTEGER is no string\.$/,
    ],
    [
      'a table that would be imported',
      products,
      'mode: directQuery',
      'mode: import',
      /^Products: its mode is import, which shows old numbers\.$/,
    ],
    [
      'a view that does not exist',
      products,
      'clicks_per_product"]',
      'clicks_of_products"]',
      /^Products: there is no view clicks_of_products\.$/,
    ],
    [
      'a measure of a column that is not there',
      products,
      'SUM(Products[clicks])',
      'SUM(Products[click])',
      /^Products: Number of clicks = SUM\(Products\[click\]\) is not known here\.$/,
    ],
    [
      'a measure with the name of a column',
      products,
      "'Number of clicks'",
      "'Clicks'",
      /^Products: Clicks is the name of a column, too\.$/,
    ],
    [
      'a table that is not listed',
      'Tributary.SemanticModel/definition/model.tmdl',
      'ref table Products\n',
      '',
      /^Tables that are listed: /,
    ],
    [
      'a page that is not listed',
      'Tributary.Report/definition/pages/pages.json',
      '"assets"',
      '"prices"',
      /^Pages that are listed: /,
    ],
    [
      'a parameter that is not there',
      'Tributary.SemanticModel/definition/expressions.tmdl',
      'expression SqlDatabase',
      'expression Database',
      /^Products: there is no parameter SqlDatabase\.$/,
    ],
    [
      'a report that is not there',
      'Tributary.pbip',
      '"Tributary.Report"',
      '"Clicks.Report"',
      /Clicks\.Report is not there\.$/,
    ],
  ])('%s', async (_, file, right, wrong, message) => {
    const folder = mkdtempSync(join(tmpdir(), 'powerbi-'));
    try {
      cpSync(sample, folder, { recursive: true });
      const text = readFileSync(join(folder, file), 'utf8');
      expect(text).toContain(right);
      writeFileSync(join(folder, file), text.replace(right, wrong));
      // The validator takes a second each time, so it is only asked where it is the one that must find the mistake.
      const isOfValidator = String(message).startsWith('/^PBIR');
      const found = isOfValidator ? await validate(folder) : check(readProject(folder), viewColumns);
      expect(found).toContainEqual(expect.stringMatching(message));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
