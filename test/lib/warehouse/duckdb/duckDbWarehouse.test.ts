import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { beginning, type TablePosition } from '../../../../src/lib/delta/position';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { openDuckDbFile } from '../../../../src/lib/warehouse/duckdb/duckDbWarehouse';
import type { Cell, Warehouse } from '../../../../src/lib/warehouse/warehouse';
import { turnsDuring } from '../../../kit/turnsDuring';
import { onDuckDbFile } from '../earlierLoader';
import { duckDbHarness, type Harness } from '../harness';

const table: WarehouseTable = {
  schema: 'shop',
  name: 'sales',
  identity: 'id',
  columns: [
    { name: 'day', from: 'day', type: 'date' },
    { name: 'moment', from: 'moment', type: 'datetime2(6)' },
    { name: 'big', from: 'big', type: 'bigint' },
    { name: 'whole', from: 'whole', type: 'int' },
    { name: 'small', from: 'small', type: 'smallint' },
    { name: 'price', from: 'price', type: 'float' },
    { name: 'yes', from: 'yes', type: 'bit' },
    { name: 'note', from: 'note', type: 'nvarchar(20)' },
  ],
};

let harness: Harness;
let warehouse: Warehouse;
let position: TablePosition;

beforeEach(async () => {
  harness = await duckDbHarness();
  warehouse = harness.open();
  await warehouse.init([table]);
  position = beginning;
});
afterEach(() => harness.close());

async function load(rows: readonly (readonly Cell[])[]): Promise<void> {
  const columns = table.columns.map((_, column) => rows.map((row) => row[column] ?? null));
  const to = { tableId: 'id', version: position.version + 1, mark: undefined };
  const outcome = await warehouse.load({
    table,
    from: position,
    to,
    rows: { columns, count: rows.length, rejected: [] },
  });
  expect(outcome).toBe('loaded');
  position = to;
}

describe('a table in a DuckDB file', () => {
  it('has the values of every type, and nulls', async () => {
    await load([
      [20_454, 1_767_225_600_123_456, 2n ** 63n - 1n, -(2 ** 31), -32_768, 0.1, true, '😀'],
      [-1n, -1n, 7, 7n, 7n, -5e300, false, ''],
      [],
    ]);
    const rows = await warehouse.query(
      'SELECT day::VARCHAR AS day, moment::VARCHAR AS moment, big, whole, small, price, yes, note FROM shop.sales ORDER BY id',
    );
    expect(rows.map((row) => Object.values(row))).toEqual([
      [
        '2026-01-01',
        '2026-01-01 00:00:00.123456',
        '9223372036854775807',
        -2_147_483_648,
        -32_768,
        0.1,
        true,
        '😀',
      ],
      ['1969-12-31', '1969-12-31 23:59:59.999999', '7', 7, 7, -5e300, false, ''],
      Array.from({ length: 8 }, () => null),
    ]);
  });

  it('numbers its rows in the order of the loads, without gaps, however many rows a load has', async () => {
    const rows = (count: number, first: number) =>
      Array.from({ length: count }, (_, row) => [null, null, first + row]);
    await load(rows(3, 1));
    await load([]);
    await load(rows(5000, 4));
    await load(rows(1, 5004));
    const [counted] = await warehouse.query(
      'SELECT count(*)::INT AS n, count(DISTINCT id)::INT AS ids, min(id)::INT AS first, max(id)::INT AS last FROM shop.sales WHERE id = big',
    );
    expect(counted).toEqual({ n: 5004, ids: 5004, first: 1, last: 5004 });
  });
});

it('other work goes on between two chunks of a large load', async () => {
  const rows = Array.from({ length: 60_000 }, (_, id): Cell[] => [null, null, id]);
  expect(await turnsDuring(() => load(rows))).toBeGreaterThanOrEqual(29);
});

it('a load that meets another change of the same row of the ledger may be tried again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'warehouse-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'one.duckdb');
  const file = await openDuckDbFile(path);
  await file.init([table]);
  const rows = { columns: table.columns.map(() => []), count: 0, rejected: [] };
  const next = { table, from: beginning, to: { tableId: 'id', version: 1, mark: undefined }, rows };
  await onDuckDbFile(path, async (run) => {
    await run("UPDATE ops.load_ledger SET last_version = 7 WHERE table_name = 'shop.sales'");
    await expect(file.load(next)).rejects.toMatchObject({
      code: 'warehouse.unavailable',
      message: expect.stringMatching(/^duckdb:.*conflict/i),
    });
    return undefined;
  });
  expect(await file.load(next)).toBe('loaded');
  await file.close();
});
