import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clickstream } from '../../../../src/lib/streams/clickstream';
import type { WarehouseTable } from '../../../../src/lib/streams/stream';
import { openDuckDbFile } from '../../../../src/lib/warehouse/duckdb/duckDbWarehouse';
import type { Warehouse } from '../../../../src/lib/warehouse/warehouse';

const table = clickstream.warehouse as WarehouseTable;

let folder: string;
let warehouse: Warehouse;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warehouse-'));
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  warehouse = await openDuckDbFile(join(folder, 'test.duckdb'));
  await warehouse.init([table]);
});
afterAll(async () => {
  await warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a query of a DuckDB file', () => {
  const notOneSelect = 'one SELECT statement';
  const notTheFile = 'file system operations are disabled';

  it('repeats of a statement only the beginning and the end of a long name or text', async () => {
    const long = 'a'.repeat(5000);
    for (const sql of [
      `select * from ${long}`,
      `select '${long}'::int`,
      `select * from ${long}()`,
      `selec '${long}`,
    ]) {
      const message = await warehouse.query(sql).then(String, ({ message }: Error) => message);
      expect(message.length).toBeLessThan(500);
    }
    await expect(warehouse.query(`select '${long}'::int`)).rejects.toThrow(
      /Could not convert string 'a+…a+' to INT32/,
    );
  });

  it.each([
    ['commit; drop table clickstream.clicks', notOneSelect],
    ['select 1; delete from ops.load_ledger', notOneSelect],
    ['select 1; select 2', notOneSelect],
    ['delete from ops.load_ledger', notOneSelect],
    ['delete from ops.load_ledger returning *', notOneSelect],
    ['explain analyze delete from ops.load_ledger', notOneSelect],
    ['create table t (a int)', notOneSelect],
    ["copy ops.load_ledger to 'FOLDER/copy.csv'", notOneSelect],
    ["export database 'FOLDER/export'", notOneSelect],
    ["attach 'FOLDER/other.duckdb'", notOneSelect],
    ['set threads = 1', notOneSelect],
    ['call enable_logging()', notOneSelect],
    ['pragma database_list', notOneSelect],
    ['commit', notOneSelect],
    ['', notOneSelect],
    ['-- nothing', notOneSelect],
    ["select * from 'FOLDER/secret.txt'", 'does not exist'],
    ["select * from 'FOLDER/secret.csv'", notTheFile],
    ["select * from read_text('FOLDER/secret.txt')", 'may not call read_text'],
    ["select (select count(*) from read_text('FOLDER/secret.txt'))", 'may not call read_text'],
    ["with a as (from glob('FOLDER/*')) select * from a", 'may not call glob'],
    [
      "from main.enable_logging(storage = 'file', storage_path = 'FOLDER/log')",
      'may not call enable_logging',
    ],
    ['select * from checkpoint()', 'may not call checkpoint'],
    [`select * from QUERY('select * from enable_profiling()')`, 'may not call query'],
    ['selekt 1', 'selekt'],
  ])('refuses, and changes nothing: %s', async (sql, reason) => {
    const files = readdirSync(folder);
    await expect(warehouse.query(sql.replaceAll('FOLDER', folder))).rejects.toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining(reason),
    });
    expect([...(await warehouse.ledger()).keys()]).toEqual(['clickstream.clicks']);
    expect(readdirSync(folder)).toEqual(files);
  });

  it.each([
    ['SELECT count(*)::INT AS n FROM clickstream.clicks;', [{ n: 0 }]],
    ["-- a comment\nSELECT 'a;b' AS text", [{ text: 'a;b' }]],
    ['WITH a AS (VALUES (1), (2)) SELECT sum(col0)::INT AS n FROM a', [{ n: 3 }]],
    ['FROM range(2)', [{ range: '0' }, { range: '1' }]],
    ["SELECT name FROM pragma_table_info('ops.load_ledger') LIMIT 1", [{ name: 'table_name' }]],
  ])('answers %s', async (sql, rows) => {
    expect(await warehouse.query(sql)).toEqual(rows);
  });

  it('may ask which tables and columns there are', async () => {
    expect(await warehouse.query('SHOW ALL TABLES')).toHaveLength(3 + (table.views?.length ?? 0));
    expect(await warehouse.query('DESCRIBE clickstream.clicks')).toHaveLength(table.columns.length);
  });
});
