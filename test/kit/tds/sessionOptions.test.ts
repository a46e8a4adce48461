import sql from 'mssql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TdsServer } from './tdsServer';

let server: TdsServer;
let pool: sql.ConnectionPool;

const connect = async () => {
  const { server: host, port } = server.address;
  pool = new sql.ConnectionPool({
    ...{ server: host, port, user: 'u', password: 'p', pool: { max: 1 } },
    validateConnection: 'socket',
    options: { encrypt: false, connectionIsolationLevel: sql.ISOLATION_LEVEL.READ_UNCOMMITTED },
  });
  await pool.connect();
};

async function start(options: Parameters<typeof TdsServer.start>[0]): Promise<void> {
  server = await TdsServer.start(options);
  await connect();
  await batch("EXEC('CREATE SCHEMA s'); CREATE TABLE s.t (a int);");
}

afterEach(async () => {
  await pool.close();
  await server.close();
});

const batch = async (text: string) => {
  const { rowsAffected, recordset } = await pool.request().batch(text);
  return { rowsAffected, recordset };
};

/** Makes the pool's connection ask for a reset, as other drivers do when a connection is used again. */
async function reset(): Promise<void> {
  const { pool: inner } = pool as unknown as {
    pool: { acquire(): { promise: Promise<ResettableConnection> }; release(one: ResettableConnection): void };
  };
  const connection = await inner.acquire().promise;
  await new Promise<void>((resolve, reject) =>
    connection.reset((error) => (error ? reject(error) : resolve())),
  );
  inner.release(connection);
}
interface ResettableConnection {
  reset(done: (error?: Error) => void): void;
}

describe('the options of a session', () => {
  beforeEach(() => start({ dialect: 'server' }));

  it('stay when their batch ends, and go with a reset of the connection', async () => {
    expect((await batch('INSERT INTO s.t (a) SELECT 1;')).rowsAffected).toEqual([1]);
    await batch('SET NOCOUNT ON; UPDATE s.t SET a = 2;');
    expect((await batch('UPDATE s.t SET a = 3;')).rowsAffected).toEqual([]);
    const { rowsAffected, recordset } = await batch('SELECT a FROM s.t;');
    expect([rowsAffected, recordset]).toEqual([[], [{ a: 3 }]]);
    await reset();
    expect((await batch('UPDATE s.t SET a = 4;')).rowsAffected).toEqual([1]);
  });

  it('let an error end a transaction, or not', async () => {
    const failing = async () => {
      await batch('BEGIN TRANSACTION; UPDATE s.t SET a = 5; SELECT x FROM nowhere.at_all;').catch(() => {});
      return batch('COMMIT;').then(
        () => 'went on',
        () => 'ended',
      );
    };
    expect(await failing()).toBe('went on');
    await batch('SET XACT_ABORT ON;');
    expect(await failing()).toBe('ended');
  });

  it.each([
    'SET NOCOUNT MAYBE',
    'SET WHATEVER ON',
    'SET DATEFORMAT XYZ',
    'SET TRANSACTION ISOLATION LEVEL NONE',
  ])('are refused if they do not exist: %s', async (statement) => {
    await expect(batch(`${statement};`)).rejects.toThrow();
  });
});

describe('locks', () => {
  beforeEach(() => start({ dialect: 'server' }));

  it('are waited for as long as LOCK_TIMEOUT says, and by readers if they read what is committed', async () => {
    await batch('INSERT INTO s.t (a) SELECT 1;');
    await batch('BEGIN TRANSACTION; UPDATE s.t SET a = 2;');
    const first = pool;
    await connect();
    try {
      await batch('SET LOCK_TIMEOUT 20;');
      await expect(batch('UPDATE s.t SET a = 3;')).rejects.toMatchObject({ number: 1222 });
      expect((await batch('SELECT a FROM s.t;')).recordset).toEqual([{ a: 2 }]);
      await batch('SET TRANSACTION ISOLATION LEVEL READ COMMITTED;');
      await expect(batch('SELECT a FROM s.t;')).rejects.toMatchObject({ number: 1222 });
    } finally {
      await first.close();
    }
  });

  it('of rows that were added stop readers of what is committed, and no one who adds rows as well', async () => {
    await batch('BEGIN TRANSACTION; INSERT INTO s.t (a) SELECT 1;');
    const first = pool;
    await connect();
    const committed = server.engine.committedRows('s.t');
    await batch('SET LOCK_TIMEOUT 20; SET TRANSACTION ISOLATION LEVEL READ COMMITTED;');
    await batch('INSERT INTO s.t (a) SELECT 2;');
    await expect(batch('SELECT a FROM s.t;')).rejects.toMatchObject({ number: 1222 });
    await expect(batch('DELETE FROM s.t;')).rejects.toMatchObject({ number: 1222 });
    await first.request().batch('ROLLBACK;');
    await first.close();
    expect((await batch('SELECT a FROM s.t;')).recordset).toEqual([{ a: 2 }]);
    expect(await committed).toEqual([{ a: 2 }]);
  });

  it('in a circle make the later session the victim of a deadlock', async () => {
    await batch('CREATE TABLE s.u (a int); INSERT INTO s.t (a) SELECT 1; INSERT INTO s.u (a) SELECT 1;');
    await batch('BEGIN TRANSACTION; UPDATE s.t SET a = 2;');
    const first = pool;
    await connect();
    try {
      await batch('SET XACT_ABORT ON; BEGIN TRANSACTION; UPDATE s.u SET a = 3;');
      const waiting = first.request().batch('UPDATE s.u SET a = 2; COMMIT;');
      await expect.poll(() => server.batches.at(-1)).toContain('COMMIT');
      await expect(batch('UPDATE s.t SET a = 3;')).rejects.toMatchObject({ number: 1205 });
      await waiting;
      expect([server.rows('s.t'), server.rows('s.u')]).toEqual([[{ a: 2 }], [{ a: 2 }]]);
    } finally {
      await first.close();
    }
  });
});

describe('what SQL Server takes back with a transaction, and a pool does not take in one', () => {
  beforeEach(() => start({ dialect: 'server' }));

  it('are new tables, columns and names', async () => {
    await batch(
      "BEGIN TRANSACTION; CREATE TABLE s.u (a int); ALTER TABLE s.t ADD b int; EXEC sp_rename 's.t', 'v', 'OBJECT'; ROLLBACK;",
    );
    expect([...server.engine.tables.keys()]).toEqual(['s.t']);
    expect(server.engine.table('s.t').columns.map(({ name }) => name)).toEqual(['a']);
  });

  it('takes no name for an object without its kind', async () => {
    await expect(batch("EXEC sp_rename 's.t', 'v';")).rejects.toThrow('Parse error');
  });

  it('are no changes of other sessions', async () => {
    await batch('INSERT INTO s.t (a) SELECT 1 UNION ALL SELECT 2;');
    await batch('BEGIN TRANSACTION; UPDATE s.t SET a = 9 WHERE a = 1; DELETE FROM s.t WHERE a = 2;');
    const first = pool;
    await connect();
    await batch('INSERT INTO s.t (a) SELECT 3;');
    await first.request().batch('ROLLBACK;');
    await first.close();
    expect(
      server
        .rows('s.t')
        .map(({ a }) => a)
        .sort(),
    ).toEqual([1, 2, 3]);
  });
});

/** Returns a function that resolves once this many callers have called it. */
function allOf(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  return () => {
    if (++waiting === count) resolve();
    return promise;
  };
}

it('a key of a table is held, also against sessions that look first', async () => {
  await start({ dialect: 'server' });
  await batch('CREATE TABLE s.k (a int PRIMARY KEY);');
  const first = pool;
  await connect();
  const text = 'INSERT INTO s.k (a) SELECT 1 WHERE NOT EXISTS (SELECT * FROM s.k WHERE a = 1);';
  server.engine.between = allOf(2);
  const done = await Promise.allSettled([first.request().batch(text), batch(text)]);
  expect(done.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(server.errors).toEqual([2627]);
  await first.close();
});
