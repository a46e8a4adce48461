import { createServer, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { listenOnLoopback } from '../../../../src/lib/sameMachine';
import { parseConnectionString } from '../../../../src/lib/warehouse/connectionString';
import { SqlClient } from '../../../../src/lib/warehouse/synapse/sqlClient';
import { TdsServer } from '../../../kit/tds/tdsServer';

let server: TdsServer;
let client: SqlClient;

beforeEach(async () => {
  server = await TdsServer.start({ dialect: 'server' });
  client = new SqlClient(server);
  await client.batch("EXEC('CREATE SCHEMA s'); CREATE TABLE s.t (a int);");
});
afterEach(async () => {
  await client.close();
  await server.close();
});

const ask = () => client.batch('SELECT a FROM s.t;');
/** Each connection of the client costs two logins, because the client tries the address with another connection first. */
const connectionsMade = () => server.logins / 2;
const numbers = async () => (await ask()).rows.map(({ a }) => a);
const insert = (value: number) => `INSERT INTO s.t (a) SELECT ${value};`;
/** Connections are closed without waiting for the server. */
const expectConnections = (count: number) => vi.waitFor(() => expect(server.connections).toBe(count));

describe('connections', () => {
  it('are used again by one call after the other', async () => {
    for (let call = 0; call < 3; call++) await ask();
    expect([connectionsMade(), server.connections]).toEqual([1, 1]);
  });

  it('begin with what a dedicated pool would do anyway, so that other servers do the same', async () => {
    const [settings = ''] = server.batches;
    // An error ends the transaction, and reading waits for no lock.
    expect(settings).toContain('set xact_abort on');
    expect(settings).toContain('set transaction isolation level read uncommitted');
  });

  it('send a small packet at once, and do not wait for more to join it', async () => {
    const setNoDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
    onTestFinished(() => setNoDelay.mockRestore());
    await client.close();
    await ask();
    const isOurs = (socket: unknown) => (socket as Socket).remotePort === server.address.port;
    const settings = setNoDelay.mock.calls.filter((_, call) => isOurs(setNoDelay.mock.contexts[call]));
    expect(settings.at(-1)).toEqual([true]);
  });

  it('are closed after a call that failed, and the next call makes another', async () => {
    await expect(client.batch('SELECT a FROM s.missing;')).rejects.toThrow();
    await expectConnections(0);
    expect(await numbers()).toEqual([]);
    expect([connectionsMade(), server.connections]).toEqual([2, 1]);
  });

  it('are one for each of the calls at once, of which two are kept', async () => {
    await Promise.all([ask(), ask(), ask(), ask()]);
    expect(connectionsMade()).toBe(4);
    await expectConnections(2);
    await Promise.all([ask(), ask()]);
    expect(connectionsMade()).toBe(4);
  });

  it('are all ended by closing the client, also those in use; the next call makes another', async () => {
    const begun = new Promise<void>((resolve) => {
      const ms = () => {
        resolve();
        return 200;
      };
      server.hold = { batch: /SELECT a/, ms };
    });
    // It is answered or fails, depending on what comes first.
    const inUse = ask().catch(() => {});
    await begun;
    await client.close();
    await inUse;
    await expectConnections(0);
    server.hold = undefined;
    const before = connectionsMade();
    expect(await numbers()).toEqual([]);
    expect(connectionsMade()).toBe(before + 1);
  });
});

it('a batch has the rows of its last query, and none without one', async () => {
  expect(await client.batch(insert(1))).toEqual({ rows: [], touched: [1] });
  const { rows } = await client.batch(`SELECT a FROM s.t; ${insert(2)} SELECT a FROM s.t;`);
  expect(rows).toEqual([{ a: 1 }, { a: 2 }]);
});

describe('a transaction', () => {
  it('is committed with its result, or rolled back if there is none', async () => {
    const done = await client.transaction(async (run) => {
      expect((await run(insert(1))).touched).toEqual([1]);
      return 'done';
    });
    expect(done).toBe('done');
    expect(
      await client.transaction(async (run) => {
        await run(insert(2));
        return undefined;
      }),
    ).toBeUndefined();
    expect(await numbers()).toEqual([1]);
    expect(connectionsMade()).toBe(1);
  });

  it('is rolled back if its work fails, and the error is that of the work', async () => {
    const failing = client.transaction(async (run) => {
      await run(insert(1));
      throw new Error('no more');
    });
    await expect(failing).rejects.toThrow('no more');
    expect(await numbers()).toEqual([]);
  });
});

describe('Encrypt=Strict', () => {
  it('begins with TLS, before a word of the protocol', async () => {
    const first = Promise.withResolvers<number | undefined>();
    const listener = createServer((socket) =>
      socket.once('data', (bytes) => {
        first.resolve(bytes[0]);
        socket.destroy();
      }),
    );
    const port = await listenOnLoopback(listener);
    const address = parseConnectionString(
      `Server=127.0.0.1,${port};Database=d;User ID=u;Password=p;Encrypt=Strict`,
    );
    const strict = new SqlClient({ address });
    await strict.batch('SELECT 1;').catch(() => {});
    // A handshake of TLS, where 18 would be a prelogin message.
    expect(await first.promise).toBe(22);
    await strict.close();
    listener.close();
  });
});

describe('a deadlock', () => {
  it('is no failure: its victim is tried again, whole', async () => {
    server.plan({ fail: 1205, message: 'Deadlock.' });
    expect(await numbers()).toEqual([]);
    let tries = 0;
    await client.transaction(async (run) => {
      await run(insert(++tries));
      if (tries === 1) server.plan({ fail: 1205, message: 'Deadlock.' });
      await run(insert(10));
      return true;
    });
    expect(await numbers()).toEqual([2, 10]);
  });
});

describe('an error', () => {
  it('has the number that the server gave at the login, and a later one has none of it', async () => {
    await client.close();
    server.refuseLogins = { number: 18456, message: 'Login failed.' };
    const refusal = await ask().catch((error: unknown) => error);
    expect(client.describe(refusal)).toMatchObject({
      code: 'warehouse.refused',
      message: expect.stringContaining('error 18456'),
    });
    server.refuseLogins = undefined;
    await ask();
    server.onBatch = (text) => {
      if (text.includes('SELECT a')) server.plan({ fail: 1205, message: 'Deadlock.' });
    };
    const later = await ask().catch((error: unknown) => error);
    expect(client.describe(later)).toMatchObject({
      code: 'warehouse.unavailable',
      message: expect.stringContaining('deadlock'),
    });
  });

  it('has no number of a login that the client has tried again, and that then went through', async () => {
    await client.close();
    const before = server.logins;
    server.refuseLogins = { number: 40613, message: 'The database is not available.' };
    server.cutAt = /SELECT a/;
    const asked = ask().catch((error: unknown) => error);
    await vi.waitFor(() => expect(server.logins).toBeGreaterThan(before));
    server.refuseLogins = undefined;
    const broken = client.describe(await asked);
    expect(broken.code).toBe('warehouse.unavailable');
    expect(broken.message).not.toContain('40613');
  });
});
