import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { viewInDuckDb } from '../../kit/serverlessViews';
import { type Click, ClicksTable } from './clicksTable';
import { openCounts } from './countsStand';

it('the category of a product is the same in the counts and in the view of the serverless pool', async () => {
  const now = Date.now();
  const clicks: Required<Click>[] = [
    { productid: 7, category: 2, at: now - 5000 },
    { productid: 7, category: 2, at: now - 4000 },
    { productid: 7, category: null, at: now - 3000 },
    { productid: 8, category: null, at: now - 5000 },
    { productid: 8, category: 9, at: now - 6000 },
    { productid: 8, category: 4, at: now - 5500 },
    { productid: 9, category: null, at: now },
    { productid: 10, category: 3, at: now },
    { productid: 10, category: 5, at: now },
    { productid: 10, category: 1, at: now },
  ];
  const table = await new ClicksTable(new MemoryStore()).create();
  for (const click of clicks) await table.append([click]);
  const { tally } = await openCounts(table.at).current();
  const counted = tally.keys.map((key, index) => [key, tally.attributes[index], tally.counts[index]]);

  const connection = await (await DuckDBInstance.create()).connect();
  const values = clicks.map(({ productid, category, at }) => `(${productid}, ${category}, ${at})`).join(', ');
  await connection.run(
    `CREATE TABLE clicks AS SELECT productid, category::int AS category, enqueued_at FROM (VALUES ${values}) AS v(productid, category, enqueued_at)`,
  );
  const rows = (
    await connection.runAndReadAll(`${viewInDuckDb('clicks_per_product')} ORDER BY productid`)
  ).getRows();
  connection.closeSync();

  expect(rows.map((row) => row.map((value) => (value === null ? null : Number(value))))).toEqual(counted);
  expect(counted).toEqual([
    [7, 2, 3],
    [8, 4, 3],
    [9, null, 1],
    [10, 5, 3],
  ]);
});
