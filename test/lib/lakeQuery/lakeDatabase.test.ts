import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putCommit } from '../../../src/lib/delta/commit';
import { commitPath, type TableLocation } from '../../../src/lib/delta/log';
import { openSnapshot, openState } from '../../../src/lib/delta/openTable';
import type { Value } from '../../../src/lib/delta/schema';
import { TableAppender } from '../../../src/lib/delta/tableAppender';
import { tableFields } from '../../../src/lib/lake/rowAddress';
import {
  ColumnsMissing,
  LakeDatabase,
  type LoadOptions,
  type TableRead,
} from '../../../src/lib/lakeQuery/lakeDatabase';
import { savedQueries } from '../../../src/lib/lakeQuery/savedQueries';
import { checkpoint } from '../../../src/lib/maintenance/checkpoint';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { clickstream } from '../../../src/lib/streams/clickstream';
import { assetStream } from '../../kit/assetStream';
import { ClicksTable } from '../counts/clicksTable';
import { openDuckDb } from '../delta/parquet/duckdb';

const streams = [clickstream, assetStream];
const saved = savedQueries(streams);

/** Appends rows of a stream, told by some of their columns; all others are null. */
async function appendRows(at: TableLocation, fields: ReturnType<typeof tableFields>, rows: readonly Row[]) {
  const columns = fields.map(({ name, nullable }) => rows.map((row) => row[name] ?? (nullable ? null : 0)));
  await new TableAppender({ at, fields }).appendRows(columns, rows.length);
}
type Row = Readonly<Record<string, Value>>;

const signal = new AbortController().signal;
const quiet: LoadOptions = { signal };

const openLake = (store: MemoryStore): Promise<LakeDatabase> =>
  LakeDatabase.open({
    saved,
    tables: ['clicks', 'assets', 'dead_letters'].map((table) => ({ store, table })),
  });

async function query(lake: LakeDatabase, sql: string, options = quiet) {
  await lake.load(sql, options);
  return lake.select(sql, options.signal);
}

async function rowsOf(lake: LakeDatabase, sql: string, options = quiet): Promise<unknown[][]> {
  const { columns, rows } = await query(lake, sql, options);
  const all: unknown[][] = [];
  for await (const some of rows())
    for (const row of some)
      all.push(
        row.map((value, index) => (columns[index]?.isNumber && value !== null ? Number(value) : value)),
      );
  return all;
}

const statementOf = (name: string): string => saved.find((query) => query.name === name)?.statement ?? '';
const ofTheLake = () => readdirSync(tmpdir()).filter((name) => name.startsWith('tributary-query-'));

describe('the saved queries', () => {
  const second = 1_000_000;
  const clicks: readonly Row[] = Array.from({ length: 3000 }, (_, n) => ({
    productid: (n * 7919) % 41,
    category: n % 17 === 0 ? null : (n * 31) % 5,
    sessionid: n % 23 === 0 ? null : n % 101,
    timestamp: n % 13 === 0 ? null : (1_790_000_000 + ((n * 37) % 2903)) * second + (n % 1000) * 1000,
    enqueued_at: (1_790_000_000 + n) * second,
    hub_created_at: second,
    hub_partition: n % 4,
    sequence_number: n,
    element: 0,
  }));
  const assets: readonly Row[] = Array.from({ length: 300 }, (_, n) => ({
    id: `asset ${n % 20}`,
    symbol: `S${n % 20}`,
    asset_name: 'a',
    priceUsd: n * 1.5,
    marketCapUsd: n % 20 === 3 ? null : ((n * 7) % 20) * 1e9,
    runtime_timestamp: (1_790_000_000 + ((n * 11) % 300)) * second,
    enqueued_at: second,
    hub_created_at: second,
    hub_partition: 0,
    sequence_number: n,
    element: 0,
  }));
  let lake: LakeDatabase;
  beforeAll(async () => {
    const store = new MemoryStore();
    for (let first = 0; first < clicks.length; first += 1000)
      await appendRows(
        { store, table: 'clicks' },
        tableFields(clickstream),
        clicks.slice(first, first + 1000),
      );
    await appendRows({ store, table: 'assets' }, tableFields(assetStream), assets);
    lake = await openLake(store);
  });
  afterAll(() => lake.close());

  it('are these, and each is described', () => {
    expect(saved.map(({ name, table }) => [name, table])).toEqual([
      ['clicks_per_product', 'clicks'],
      ['clicks_per_session', 'clicks'],
      ['clicks_per_category', 'clicks'],
      ['newest_assets', 'assets'],
    ]);
    for (const { meaning } of saved) expect(meaning).not.toContain('of the warehouse');
  });

  it('have the clicks of each product and its last category, as counted here', async () => {
    const expected = [...Map.groupBy(clicks, ({ productid }) => Number(productid))]
      .map(([product, own]) => [
        product,
        own.findLast(({ category }) => category !== null)?.category,
        own.length,
      ])
      .sort(([a, , m], [b, , n]) => Number(n) - Number(m) || Number(a) - Number(b));
    expect(expected).toHaveLength(41);
    expect(await rowsOf(lake, statementOf('clicks_per_product'))).toEqual(expected);
  });

  it('have the clicks and products of each category, as counted here', async () => {
    const expected = [...Map.groupBy(clicks, ({ category }) => category)]
      .map(([category, own]) => [category, own.length, new Set(own.map(({ productid }) => productid)).size])
      .sort(([a, m], [b, n]) => Number(n) - Number(m) || Number(a) - Number(b));
    expect(expected).toHaveLength(6);
    expect(await rowsOf(lake, statementOf('clicks_per_category'))).toEqual(expected);
  });

  it('have the duration and the ends of each session, as found here', async () => {
    const sessions = Map.groupBy(clicks, ({ sessionid }) => sessionid);
    sessions.delete(null);
    const expected = [...sessions].map(([session, own]) => {
      const timed = own.filter(({ timestamp }) => timestamp !== null);
      const order = (row: Row) => Number(row.timestamp) * 4000 + Number(row.hub_partition) * 1000;
      timed.sort((a, b) => order(a) - order(b) || Number(a.sequence_number) - Number(b.sequence_number));
      const [first, last] = [timed[0], timed.at(-1)];
      const seconds = (Number(last?.timestamp) - Number(first?.timestamp)) / second;
      return [session, seconds, own.length, first?.productid, last?.productid];
    });
    const found = await rowsOf(
      lake,
      'select sessionid, seconds, clicks, first_product, last_product from clicks_per_session',
    );
    const bySession = (rows: unknown[][]) => rows.sort(([a], [b]) => Number(a) - Number(b));
    expect(bySession(found)).toEqual(bySession(expected));
    expect(expected).toHaveLength(101);
    const durations = (await rowsOf(lake, statementOf('clicks_per_session'))).map((row) => Number(row[3]));
    expect(durations).toEqual(durations.toSorted((a, b) => b - a));
  });

  it('have the newest price of each asset, as found here', async () => {
    const expected = [...Map.groupBy(assets, ({ id }) => id)].map(([id, own]) => {
      const newest = own.toSorted((a, b) => Number(b.runtime_timestamp) - Number(a.runtime_timestamp))[0];
      return [id, newest?.priceUsd, newest?.marketCapUsd] as const;
    });
    const found = (await rowsOf(lake, statementOf('newest_assets'))).map((row) => [row[0], row[3], row[4]]);
    expect(found.toSorted()).toEqual(expected.toSorted());
    expect(found.at(-1)?.[2]).toBeNull();
  });
});

describe('a database over the lake', () => {
  it('reads the newest version each time, and copies only files that it does not have', async () => {
    const table = await new ClicksTable(new MemoryStore()).create();
    const lake = await openLake(table.at.store as MemoryStore);
    try {
      const reads: TableRead[] = [];
      const count = async () => {
        reads.push(...(await lake.load('from clicks', quiet)));
        return (await rowsOf(lake, 'select count(*) from clicks'))[0]?.[0];
      };
      expect(await count()).toBe(0);
      await table.click(1, 2);
      expect(await count()).toBe(2);
      expect(await count()).toBe(2);
      await table.click(3);
      expect(await count()).toBe(3);
      await table.replaceAll([{ productid: 1 }], false);
      expect(await count()).toBe(1);
      expect(reads.map(({ snapshot, paths }) => [snapshot.version, paths.length])).toEqual([
        [0, 0],
        [1, 1],
        [1, 1],
        [2, 2],
        [3, 1],
      ]);
      const sizes = reads.map(({ snapshot }) => [...snapshot.files.values()].map(({ size }) => size));
      expect(reads.map(({ bytes }) => bytes)).toEqual([0, sizes[1]?.[0], 0, sizes[3]?.[1], sizes[4]?.[0]]);
      expect(await rowsOf(lake, 'select count(*) from CLICKS', { signal, version: 2 })).toEqual([[3]]);
    } finally {
      await lake.close();
    }
  });

  it('copies of large files the columns that a statement names, and each column once', async () => {
    const store = new MemoryStore();
    const rows = Array.from({ length: 60_000 }, (_, n): Row => {
      const at = 1_790_000_000_000_000 + n * 104_729;
      const address = { enqueued_at: at, hub_created_at: 1, sequence_number: n };
      return {
        ...address,
        productid: (n * 7919) % 41,
        sessionid: (n * 2_654_435_761) % 2 ** 48,
        timestamp: at,
      };
    });
    await appendRows({ store, table: 'clicks' }, tableFields(clickstream), rows);
    const lake = await openLake(store);
    try {
      const copied: number[] = [];
      const take = async (sql: string, isWhole = false) => {
        const [read] = await lake.load(sql, { signal, isWhole });
        copied.push(read?.bytes ?? 0);
        const all: (readonly unknown[])[] = [];
        for await (const some of (await lake.select(sql, signal)).rows()) all.push(...some);
        return all;
      };
      const [size = 0] = [...((await openSnapshot({ store, table: 'clicks' }))?.files.values() ?? [])].map(
        (add) => add.size,
      );
      expect(size).toBeGreaterThan(1024 * 1024);
      expect(await take('select count(*) from clicks')).toEqual([['60000']]);
      expect(await take('select productid, count(*) from clicks where PRODUCTID = 40 group by 1')).toEqual([
        [40, String(rows.filter(({ productid }) => productid === 40).length)],
      ]);
      expect(
        await take('select productid, clicks from clicks_per_product where productid = 40'),
      ).toHaveLength(1);
      const sessions = rows.reduce((sum, { sessionid }) => sum + BigInt(Number(sessionid)), 0n);
      expect(await take('select sum(sessionid), any_value(productid) > 99 from clicks')).toEqual([
        [String(sessions), false],
      ]);
      // What is told without its name cannot be read before it is copied.
      const joined =
        'select count(*) from clicks a natural join (select sessionid, enqueued_at from clicks) b';
      const natural = 'select count(*) from clicks a natural join clicks b';
      expect(await take(joined)).toEqual([['60000']]);
      await expect(take(natural)).rejects.toBeInstanceOf(ColumnsMissing);
      await expect(take('select clicks from clicks limit 1')).rejects.toBeInstanceOf(ColumnsMissing);
      expect(await take(natural, true)).toEqual([['0']]);
      const [seventh] = await take('select productid, sessionid, * from clicks where sequence_number = 7');
      expect(seventh?.slice(0, 2)).toEqual([rows[7]?.productid, String(rows[7]?.sessionid)]);
      const [footer = 0, product = 0, last = 0, session = 0] = copied;
      expect(footer).toBeLessThan(size / 10);
      expect(product).toBeLessThan(size / 5);
      expect(last).toBeLessThan(size / 2);
      expect(session).toBeLessThan(size / 2);
      // Each byte came once, but for what is between columns.
      const all = copied.reduce((sum, bytes) => sum + bytes, 0);
      expect(all).toBeGreaterThanOrEqual(size);
      expect(all).toBeLessThan(size * 1.2);
      expect(copied.at(-1)).toBe(0);
    } finally {
      await lake.close();
    }
  });

  it('copies columns of files that other writers made', async () => {
    const store = new MemoryStore();
    const table = await new ClicksTable(store).create();
    const folder = mkdtempSync(join(tmpdir(), 'foreign-'));
    const duckdb = await openDuckDb();
    const file = join(folder, 'foreign.parquet');
    await duckdb.run(`copy (
      select (i % 670)::integer productid, {'a': hash(i), 'b': [hash(i + 1)]} more, hash(i * 3)::text "text", i::bigint sessionid
      from range(70000) t(i)) to '${file}' (format parquet, codec zstd, row_group_size 20480)`);
    const bytes = readFileSync(file);
    duckdb.close();
    rmSync(folder, { recursive: true });
    await store.put('clicks/foreign.parquet', bytes);
    const add = {
      path: 'foreign.parquet',
      partitionValues: {},
      size: bytes.length,
      modificationTime: 1,
      dataChange: true,
    };
    await table.putEntry(1, [{ add }]);
    const lake = await openLake(store);
    try {
      const [read] = await lake.load('select productid, category from clicks', quiet);
      expect(bytes.length).toBeGreaterThan(1024 * 1024);
      expect(read?.bytes).toBeLessThan(bytes.length / 4);
      const sums = 'select sum(productid), count(category) from clicks';
      expect(await rowsOf(lake, sums)).toEqual([
        [Array.from({ length: 70_000 }, (_, n) => n % 670).reduce((a, b) => a + b), 0],
      ]);
      expect(await rowsOf(lake, 'select sum(sessionid) from clicks where productid < 670')).toEqual([
        [2_449_965_000],
      ]);
    } finally {
      await lake.close();
    }
  });

  it('says what a version is for, and which table is missing', async () => {
    const table = await new ClicksTable(new MemoryStore()).create();
    const lake = await openLake(table.at.store as MemoryStore);
    try {
      await expect(query(lake, 'select 1', { signal, version: 1 })).rejects.toThrow(
        '--version is for a statement that reads one table, and this one reads none: leave out --version.',
      );
      await expect(query(lake, 'select 1 from clicks, assets', { signal, version: 1 })).rejects.toThrow(
        'this one reads clicks, assets: leave out --version.',
      );
      await expect(query(lake, 'select 1 from clicks, assets', quiet)).rejects.toMatchObject({
        at: { table: 'assets' },
      });
      const tables = /Tables: (\w+, )*clicks.*npm run query -- --list$/;
      await expect(query(lake, 'select 1 from orders', quiet)).rejects.toThrow('There is no table orders. ');
      await expect(query(lake, 'select 1 from orders', quiet)).rejects.toThrow(tables);
      await expect(query(lake, 'SHOW TABLES;', quiet)).rejects.toThrow(tables);
    } finally {
      await lake.close();
    }
  });

  it('says of a version that it is not there yet, or no longer, and of damage that it is damage', async () => {
    const store = new MemoryStore();
    const table = await new ClicksTable(store).create();
    for (const product of [1, 2, 3]) await table.click(product);
    await checkpoint({ at: table.at });
    await table.click(4);
    for (const version of [0, 1]) await store.delete(commitPath('clicks', version));
    await store.put(commitPath('clicks', 2), Buffer.from('no JSON'));
    const lake = await openLake(store);
    const ask = (version: number) => query(lake, 'select 1 from clicks', { signal, version });
    const readable = 'Those in its log: npm run table -- history clicks';
    try {
      await expect(ask(7)).rejects.toThrow(
        `There is no version 7 of clicks yet: the newest is 4. ${readable}`,
      );
      await expect(ask(1)).rejects.toThrow(`Version 1 of clicks is no longer in its log. ${readable}`);
      await expect(ask(2)).rejects.toMatchObject({ code: 'delta.invalid' });
    } finally {
      await lake.close();
    }
  });

  it('says of a version that a vacuum deleted its files, and of a file of the newest version that it is gone', async () => {
    const store = new MemoryStore();
    const table = await new ClicksTable(store).create();
    await table.click(1);
    const paths = async () => [...((await openSnapshot(table.at))?.files.keys() ?? [])];
    const [first = ''] = await paths();
    const remove = { path: first, dataChange: true, deletionTimestamp: Date.now() };
    await putCommit(table.at, 2, [{ remove }], { operation: 'DELETE', isBlindAppend: false });
    await table.click(2);
    await store.delete(`clicks/${first}`);
    const lake = await openLake(store);
    const ask = (version?: number) => query(lake, 'select * from clicks', { signal, version });
    try {
      await expect(ask(1)).rejects.toThrow(
        `Version 1 of clicks cannot be read any more: a vacuum has deleted files that newer versions do not need, such as ${first}. ` +
          'The newest version: leave out --version.',
      );
      const [second = ''] = await paths();
      await store.delete(`clicks/${second}`);
      await expect(ask(3)).rejects.toMatchObject({ code: 'parquet.invalid' });
      await expect(ask()).rejects.toMatchObject({ code: 'parquet.invalid' });
    } finally {
      await lake.close();
    }
  });

  it('has columns that came later, and times in UTC', async () => {
    const store = new MemoryStore();
    const at = { store, table: 'clicks' };
    const fields = tableFields(clickstream);
    const row = { productid: 1, enqueued_at: 1_790_000_000_000_000, hub_created_at: 1, sequence_number: 0 };
    const earlier = fields.filter(({ name }) => name !== '_rescued_data' && name !== 'category');
    await appendRows(at, earlier, [row]);
    // A saved query needs a column that is not there yet; others do not.
    const early = await openLake(store);
    expect(await rowsOf(early, 'select productid from clicks')).toEqual([[1]]);
    await expect(early.load('from clicks_per_category', quiet)).rejects.toThrow('"category" not found');
    await early.close();
    const later = JSON.stringify({ type: 'struct', fields });
    const state = await openState(at);
    if (!state) throw new Error('There is no table.');
    const metaData = { ...state.metaData, schemaString: later };
    await new ClicksTable(store).putEntry(state.version + 1, [{ metaData }]);
    const lake = await openLake(store);
    try {
      const sql =
        'select productid, category, _rescued_data, enqueued_at, enqueued_at < now() as past, typeof(category) from clicks';
      const first = [1, null, null, '2026-09-21 14:13:20', true, 'INTEGER'];
      expect(await rowsOf(lake, sql)).toEqual([first]);
      await appendRows(at, fields, [{ ...row, category: 5, _rescued_data: '{}' }]);
      expect(await rowsOf(lake, `${sql} order by category nulls first`)).toEqual([
        first,
        [1, 5, '{}', ...first.slice(3)],
      ]);
    } finally {
      await lake.close();
    }
  });

  it('changes nothing, and reads no files but its copies', async () => {
    const table = await new ClicksTable(new MemoryStore()).create();
    await table.click(1);
    const folder = mkdtempSync(join(tmpdir(), 'secret-'));
    writeFileSync(join(folder, 'secret.csv'), 'secret');
    const before = ofTheLake();
    const lake = await openLake(table.at.store as MemoryStore);
    try {
      const [own = ''] = ofTheLake().filter((name) => !before.includes(name));
      for (const [sql, reason] of [
        ['drop view clicks', 'A query is one SELECT statement and nothing else.'],
        ['delete from clicks', 'A query is one SELECT statement'],
        ['select 1; select 2', 'A query is one SELECT statement'],
        [`copy (select 1) to '${join(tmpdir(), own, 'out.csv')}'`, 'A query is one SELECT statement'],
        ['set enable_external_access = true', 'A query is one SELECT statement'],
        [`select * from '${folder}/secret.csv'`, 'file system operations are disabled'],
        [`select * from read_text('${folder}/secret.csv')`, 'may not call read_text'],
        ['selec 1', 'syntax error at or near "selec"'],
      ] as const)
        await expect(query(lake, sql, quiet), sql).rejects.toThrow(reason);
      expect(await rowsOf(lake, 'select productid from clicks')).toEqual([[1]]);
      expect((await rowsOf(lake, 'describe clicks'))[0]?.slice(0, 2)).toEqual(['productid', 'INTEGER']);
      expect((await rowsOf(lake, 'summarize clicks'))[0]?.slice(0, 3)).toEqual(['productid', 'INTEGER', '1']);
    } finally {
      await lake.close();
      rmSync(folder, { recursive: true });
    }
    expect(ofTheLake().filter((name) => !before.includes(name))).toEqual([]);
  });

  it('stops while storage does not answer', async () => {
    class Silent extends MemoryStore {
      override get = () => new Promise<never>(() => {});
    }
    const lake = await openLake(new Silent());
    try {
      const stop = new AbortController();
      const loaded = lake.load('from clicks', { signal: stop.signal });
      stop.abort(new Error('Stopped.'));
      await expect(loaded).rejects.toThrow('Stopped.');
    } finally {
      await lake.close();
    }
  });

  it('gives no part of the rows where a later one is an error', async () => {
    const lake = await openLake(new MemoryStore());
    try {
      const sql = "select cast(case when range = 900000 then 'x' else '1' end as int) from range(1000000)";
      await expect(rowsOf(lake, sql)).rejects.toThrow("Could not convert string 'x'");
    } finally {
      await lake.close();
    }
  });

  it('says which file is not as the log says, and stops when it is told to', async () => {
    const table = await new ClicksTable(new MemoryStore()).create();
    await table.click(1);
    const lake = await openLake(table.at.store as MemoryStore);
    try {
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Error('Stopped.')), 100);
      const endless = 'select count(*) from range(100000000000) a, clicks';
      await expect(query(lake, endless, { signal: stop.signal })).rejects.toThrow('Stopped.');
      const [path = ''] = (await table.paths()).slice(-1);
      await table.click(2);
      const [other = ''] = (await table.paths()).filter((each) => each !== path);
      await table.at.store.delete(other);
      await expect(query(lake, 'from clicks', quiet)).rejects.toMatchObject({ code: 'parquet.invalid' });
      expect(existsSync(path)).toBe(false);
    } finally {
      await lake.close();
    }
  });
});
