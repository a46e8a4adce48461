import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WarehouseTable } from '../../../src/lib/streams/stream';
import type { Cell, Warehouse } from '../../../src/lib/warehouse/warehouse';
import { assetTable as assetsAt } from '../../kit/assetStream';
import { clicksAt, duckDbHarness, type Harness, tdsHarness } from './harness';

/*
 * The results of the views in DuckDB. That T-SQL has the same is shown by test/interop/sqlTexts.interop.ts.
 */

let harness: Harness;
let warehouse: Warehouse;
beforeEach(async () => {
  harness = await duckDbHarness();
  warehouse = harness.open();
  await warehouse.init([clicksAt, assetsAt]);
});
afterEach(() => harness.close());

let loads = 0;
beforeEach(() => {
  loads = 0;
});

/** Loads rows that are told by some of their columns; all others are null. */
async function load(table: WarehouseTable, rows: readonly Record<string, Cell>[]): Promise<void> {
  const columns = table.columns.map(({ name }) => rows.map((row) => row[name] ?? null));
  const from = { tableId: loads === 0 ? '' : 'id', version: loads - 1, mark: undefined };
  const to = { tableId: 'id', version: loads++, mark: undefined };
  expect(await warehouse.load({ table, from, to, rows: { columns, count: rows.length, rejected: [] } })).toBe(
    'loaded',
  );
}

const rowsOf = async (view: string) =>
  (await warehouse.query(`SELECT * FROM ${view} ORDER BY 1`)).map((row) =>
    Object.fromEntries(
      // DuckDB gives bigint as text.
      Object.entries(row).map(([name, value]) => [
        name,
        /^(?:clicks|sessionid)$/.test(name) ? Number(value) : value,
      ]),
    ),
  );

const second = 1_000_000;

describe('the views', () => {
  it('have the clicks of each product, with the category that came last', async () => {
    await load(clicksAt, [
      { productid: 1, category: 5, enqueued_at: 1 },
      { productid: 1, category: 6, enqueued_at: 3 },
      { productid: 1, category: null, enqueued_at: 4 },
      { productid: 1, category: 4, enqueued_at: 3 },
      { productid: 2, category: null, enqueued_at: 1 },
    ]);
    expect(await rowsOf('clickstream.clicks_per_product')).toEqual([
      { productid: 1, category: 6, clicks: 4 },
      { productid: 2, category: null, clicks: 1 },
    ]);
  });

  it('have the clicks of each session, in the order of their times', async () => {
    await load(clicksAt, [
      { sessionid: 1, productid: 3, timestamp: 5 * second + 250_000, sequence_number: 1 },
      { sessionid: 1, productid: 1, timestamp: 2 * second, sequence_number: 2 },
      { sessionid: 1, productid: 2, timestamp: 2 * second, sequence_number: 3 },
      { sessionid: 1, productid: 9, timestamp: null, sequence_number: 0 },
      { sessionid: 2, productid: 7, timestamp: second, sequence_number: 4 },
      { sessionid: null, productid: 8, timestamp: second, sequence_number: 5 },
    ]);
    expect(await rowsOf('clickstream.clicks_per_session')).toMatchObject([
      { sessionid: 1, seconds: 3.25, clicks: 4, first_product: 1, last_product: 3 },
      { sessionid: 2, seconds: 0, clicks: 1, first_product: 7, last_product: 7 },
    ]);
  });

  it('have the newest price of each asset', async () => {
    const asset = (id: string, at: number, priceUsd: number | null) => ({
      id,
      runtime_timestamp: at * second,
      priceUsd,
    });
    await load(assetsAt, [
      asset('a', 1, 5),
      asset('a', 2, 4),
      asset('a', 2, null),
      asset('b', 1, 1),
      asset('a', 2, 3),
    ]);
    expect(await rowsOf('assets.newest_assets')).toMatchObject([
      { id: 'a', priceUsd: 4 },
      { id: 'b', priceUsd: 1 },
    ]);
  });

  it('stay as people have changed them', async () => {
    const { server, ...pool } = await tdsHarness();
    try {
      await pool.open().init([clicksAt]);
      expect([...server.engine.views.keys()]).toEqual([
        'clickstream.clicks_per_product',
        'clickstream.clicks_per_session',
      ]);
      const made = server.batches.length;
      await pool.open().init([clicksAt]);
      expect(server.errors).toEqual([]);
      expect(
        server.batches
          .slice(made)
          .filter((text) => text.includes('IF NOT EXISTS') && text.includes('CREATE VIEW')),
      ).toHaveLength(2);
    } finally {
      await pool.close();
    }
  });
});
