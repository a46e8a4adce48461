import sql from 'mssql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqlClient } from '../../../src/lib/warehouse/synapse/sqlClient';
import { TdsServer } from './tdsServer';

/*
 * Tests the server of the tests: it must refuse what a dedicated SQL pool refuses, because otherwise tests against it would prove nothing.
 */

let server: TdsServer;
let client: SqlClient;
beforeEach(async () => {
  server = await TdsServer.start();
  client = new SqlClient(server);
  await client.batch(
    "EXEC('CREATE SCHEMA s'); CREATE TABLE s.t (a int, b varchar(5), c datetime) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP);",
  );
  await client.batch(
    'CREATE TABLE s.m (a int NOT NULL, b int NULL) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP); INSERT INTO s.m (a) SELECT 1;',
  );
});
afterEach(async () => {
  await client.close();
  await server.close();
});

const select = (count: number) => Array.from({ length: count }, () => 'SELECT 1').join(' UNION ALL ');

it.each([
  ['VALUES with several rows', 'INSERT INTO s.t (a) VALUES (1), (2);', 103010],
  ['more than 1,000 rows of UNION ALL', `INSERT INTO s.t (a) ${select(1001)};`, 191],
  [
    'more than 20,000 string constants',
    `SELECT ${Array.from({ length: 20_001 }, () => "''").join(', ')};`,
    103011,
  ],
  ['read committed', 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED;', 104485],
  [
    'DDL in a transaction',
    'BEGIN TRANSACTION; CREATE TABLE s.u (a int) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP); COMMIT;',
    104434,
  ],
  [
    'COPY in a transaction',
    "BEGIN TRANSACTION; COPY INTO s.t (a 1) FROM 'u' WITH (FILE_TYPE = 'CSV', COMPRESSION = 'Gzip', FIELDQUOTE = '\"', ROWTERMINATOR = '0x0A', ENCODING = 'UTF8', DATEFORMAT = 'ymd', MAXERRORS = 0); COMMIT;",
    104434,
  ],
  ['nested transactions', 'BEGIN TRANSACTION; BEGIN TRANSACTION;', 104477],
  ['OUTPUT', 'INSERT INTO s.t (a) OUTPUT inserted.a SELECT 1;', 103010],
  ['MERGE', 'MERGE s.t USING s.t ON 1 = 1;', 103010],
  ['@@ROWCOUNT', 'SELECT @@ROWCOUNT;', 103010],
  ['table variables', 'DECLARE @t TABLE (a int);', 103010],
  ['hints of an UPDATE', 'UPDATE s.t WITH (ROWLOCK) SET a = 1;', 103010],
  ['a table without its distribution', 'CREATE TABLE s.u (a int);', 102],
  ['text that is too long', "INSERT INTO s.t (b) SELECT 'abcdef';", 8152],
  ['a datetime before 1753', "INSERT INTO s.t (c) SELECT '1752-12-31T00:00:00.000';", 242],
  ['a number out of range', 'INSERT INTO s.t (a) SELECT 3000000000;', 8115],
  ['a column that is neither grouped nor added up', 'SELECT a, COUNT(*) FROM s.m;', 8120],
  ['a null where none is allowed', 'INSERT INTO s.m (b) SELECT 1;', 515],
  ['a change to a null where none is allowed', 'UPDATE s.m SET a = NULL;', 515],
  ['a column that is there already', 'ALTER TABLE s.m ADD c int, b bigint;', 2705],
  ['a column without nulls for rows that are there', 'ALTER TABLE s.m ADD c int NOT NULL;', 4901],
  ['to alter a table that is not there', 'ALTER TABLE s.nowhere ADD c int;', 4902],
  ['a column that is not there, also of no rows', 'SELECT a, d FROM s.t;', 207],
  ['to set a column that is not there', 'UPDATE s.t SET d = 1 WHERE a = 1;', 207],
  ['a condition on a column that is not there', 'DELETE FROM s.t WHERE d = 1;', 207],
  [
    'a column that is not there, behind a good statement',
    'INSERT INTO s.t (a) SELECT 1; SELECT d FROM s.t;',
    207,
  ],
  [
    'a column that is not there, in a branch that is not taken',
    'INSERT INTO s.t (a) SELECT 1; IF EXISTS (SELECT * FROM s.t WHERE a = 2) SELECT d FROM s.t;',
    207,
  ],
  [
    'a column that the batch itself adds',
    'INSERT INTO s.t (a) SELECT 1; ALTER TABLE s.t ADD d int; SELECT d FROM s.t;',
    207,
  ],
  ['a table that is not there', 'SELECT a FROM s.nowhere;', 208],
  ['a syntax error behind a good statement', 'INSERT INTO s.t (a) SELECT 1; SELEKT;', 103010],
])('a pool refuses %s', async (_what, statement, number) => {
  await expect(client.batch(statement)).rejects.toMatchObject({ number });
  expect(server.rows('s.t')).toEqual([]);
  expect(server.rows('s.m')).toEqual([{ a: 1, b: null }]);
});

it('adds columns, which are null in the rows that are there', async () => {
  await client.batch('ALTER TABLE s.m ADD c bigint NULL, d varchar(64);');
  await client.batch(
    "UPDATE s.m SET c = 9007199254740993 WHERE a = 1; INSERT INTO s.m (a, d) SELECT 2, 'x';",
  );
  const { rows } = await client.batch('SELECT a, b, c, d FROM s.m;');
  expect(rows).toEqual([
    { a: 1, b: null, c: '9007199254740993', d: null },
    { a: 2, b: null, c: null, d: 'x' },
  ]);
  const missing = "NOT EXISTS (SELECT * FROM sys.columns WHERE object_id = OBJECT_ID('s.m') AND name = 'c')";
  await client.batch(`IF ${missing} ALTER TABLE s.m ADD c bigint;`);
  expect(server.errors).toEqual([]);
});

it.each([
  ['b IS NULL', [1]],
  ['b IS NOT NULL', [2, 3]],
  ['a <> 2', [1, 3]],
  ['b <> 6', [3]],
  ['a = 1 OR a = 2 AND b = 7', [1]],
  ['(a = 1 OR a = 2) AND (b IS NULL OR b = 7)', [1]],
])('selects where %s', async (condition, expected) => {
  await client.batch('INSERT INTO s.m (a, b) SELECT 2, 6 UNION ALL SELECT 3, 7;');
  const { rows } = await client.batch(`SELECT a FROM s.m WHERE ${condition};`);
  expect(rows.map(({ a }) => a)).toEqual(expected);
});

it('refuses to alter anything, while it is told to', async () => {
  server.engine.alterRefusal = { number: 1088, message: 'You do not have permissions.' };
  await expect(client.batch('ALTER TABLE s.m ADD c int;')).rejects.toMatchObject({ number: 1088 });
  server.engine.alterRefusal = undefined;
  await client.batch('ALTER TABLE s.m ADD c int;');
});

it('takes 1,000 rows of UNION ALL', async () => {
  await client.batch(`INSERT INTO s.t (a) ${select(1000)};`);
  expect(server.rows('s.t')).toHaveLength(1000);
});

it('turns away a client with the settings it has by itself', async () => {
  const { server: host, port } = server.address;
  const pool = new sql.ConnectionPool({
    server: host,
    port,
    user: 'u',
    password: 'p',
    options: { encrypt: false },
  });
  await pool.connect().catch(() => {});
  expect(server.errors).toContain(104485);
  await pool.close();
});

it('changes the same values silently as a real server', async () => {
  await client.batch("INSERT INTO s.t (b, c) SELECT 'a★', '2026-01-01T00:00:00.001';");
  // The time is rounded to 1/300 s.
  expect(server.rows('s.t')).toEqual([{ a: null, b: 'a?', c: 1_767_225_600_000_000n }]);
});

describe('transactions', () => {
  it('are rolled back by an error in them', async () => {
    const failing = client.transaction(async (run) => {
      await run('INSERT INTO s.t (a) SELECT 1;');
      await run("INSERT INTO s.t (b) SELECT 'abcdef';");
      return true;
    });
    await expect(failing).rejects.toMatchObject({ number: 8152 });
    expect(server.rows('s.t')).toEqual([]);
  });

  it('are rolled back when the connection goes', async () => {
    const failing = client.transaction(async (run) => {
      await run('INSERT INTO s.t (a) SELECT 1;');
      server.dropAll();
      await run('INSERT INTO s.t (a) SELECT 2;');
      return true;
    });
    await expect(failing).rejects.toThrow();
    expect(server.rows('s.t')).toEqual([]);
  });

  it('make other writers of a table wait, which then see the committed rows', async () => {
    await client.batch('INSERT INTO s.t (a) SELECT 1;');
    let second: Promise<unknown> = Promise.resolve();
    await client.transaction(async (run) => {
      await run('UPDATE s.t SET a = 2 WHERE a = 1;');
      second = client.batch('UPDATE s.t SET a = 3 WHERE a = 1;');
      return true;
    });
    expect(await second).toMatchObject({ touched: [0] });
    expect(server.rows('s.t')).toMatchObject([{ a: 2 }]);
  });

  it('let in only one of several writers that wait for the same table', async () => {
    const writers = Array.from({ length: 3 }, () => new SqlClient(server));
    const addOnce =
      'BEGIN TRANSACTION; UPDATE s.t SET a = a WHERE a = 5; INSERT INTO s.t (a) SELECT 5 WHERE NOT EXISTS (SELECT * FROM s.t WHERE a = 5); COMMIT;';
    let all: Promise<unknown> = Promise.resolve();
    await client.transaction(async (run) => {
      await run('UPDATE s.t SET a = 2 WHERE a = 1;');
      const before = server.batches.length;
      all = Promise.all(writers.map((writer) => writer.batch(addOnce)));
      await expect.poll(() => server.batches.slice(before).filter((text) => text === addOnce).length).toBe(3);
      return true;
    });
    await all;
    for (const writer of writers) await writer.close();
    expect(server.rows('s.t')).toMatchObject([{ a: 5 }]);
  });
});

it('adds up rows by group, and no rows to NULL', async () => {
  await client.batch(
    "INSERT INTO s.t (a, b) SELECT 1, 'x' UNION ALL SELECT 2, 'x' UNION ALL SELECT 4, 'y' UNION ALL SELECT NULL, 'y';",
  );
  const sums = 'COUNT(*) AS n, CAST(SUM(CAST("a" AS decimal(38,0))) AS varchar(40)) AS total';
  const grouped = await client.batch(`SELECT "b", ${sums} FROM "s"."t" GROUP BY "b";`);
  expect(grouped.rows).toEqual([
    { b: 'x', n: 2, total: '3' },
    { b: 'y', n: 2, total: '4' },
  ]);
  const none = await client.batch(`SELECT ${sums} FROM s.t WHERE a = 9;`);
  expect(none.rows).toEqual([{ n: 0, total: null }]);
});

it('keeps nothing of an INSERT whose connection breaks while it runs in a transaction', async () => {
  const { between } = server.engine;
  let breaks = 0;
  server.engine.between = async () => {
    breaks++;
    server.dropAll();
    // The server learns that only in a later turn of the event loop.
    for (let turn = 0; turn < 10; turn++) await between();
  };
  const insert = 'INSERT INTO s.t (a) SELECT 1;';
  await expect(client.batch(`BEGIN TRANSACTION; ${insert} ${insert} COMMIT;`)).rejects.toThrow();
  server.engine.between = between;
  expect(breaks).toBe(1);
  expect((await client.batch('SELECT COUNT(*) AS n FROM s.t;')).rows).toEqual([{ n: 0 }]);
});
