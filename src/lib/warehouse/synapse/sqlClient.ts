import type { Socket } from 'node:net';
import type { ConnectionPool, config, Request, Transaction } from 'mssql';
import type { TributaryError } from '../../errors';
import type { SqlAddress, SqlLogin } from '../connectionString';
import { toWarehouseError } from './sqlErrors';

/** A dedicated pool of the smallest size runs four statements at a time; what waits behind them is not lost. */
const requestTimeoutMs = 300_000;

export interface BatchResult {
  /** The rows of the last result set. */
  readonly rows: Record<string, unknown>[];
  /** Rows touched, by statement. */
  readonly touched: readonly number[];
}

/** Runs batches, outside or inside a transaction. */
export type RunBatch = (text: string) => Promise<BatchResult>;

export interface SqlClientOptions {
  readonly address: SqlAddress;
  readonly requestTimeoutMs?: number;
}

/** How many connections are kept between calls. */
const maxIdle = 2;

/** A pool of the client with one connection, which it makes anew when that was closed while idle. */
interface Connection {
  readonly pool: Promise<ConnectionPool>;
  readonly seen: SeenError;
}

/** The number of the first error that the server sent since the last login or call. */
interface SeenError {
  number?: number | undefined;
}

/**
 * Connections to one database. Each call has one to itself, so that none waits behind another or fails with it. After an error
 * its connection is given up: it might still be inside a transaction, and the server ends that when the connection goes.
 */
export class SqlClient {
  readonly name: string;
  readonly #options: SqlClientOptions;
  readonly #connections = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #errorNumbers = new WeakMap<object, number>();

  constructor(options: SqlClientOptions) {
    this.#options = options;
    this.name = `${options.address.server}/${options.address.database}`;
  }

  /** Sends a batch as it is: no sp_executesql, no parameters. */
  async batch(text: string): Promise<BatchResult> {
    return this.#guarded(async (pool) => runOn(pool.request(), text));
  }

  /** Runs `work` in a transaction on one connection and commits. `undefined` from it rolls back instead. */
  async transaction<T>(work: (run: RunBatch) => Promise<T | undefined>): Promise<T | undefined> {
    return this.#guarded(async (pool) => {
      const { default: sql } = await import('mssql');
      const transaction: Transaction = pool.transaction();
      await transaction.begin(sql.ISOLATION_LEVEL.READ_UNCOMMITTED);
      try {
        const result = await work((text) => runOn(transaction.request(), text));
        if (result === undefined) await transaction.rollback();
        else await transaction.commit();
        return result;
      } catch (error) {
        // It fails where the server has rolled back already, or the connection is gone; otherwise it frees the locks.
        await transaction.rollback().catch(() => {});
        throw error;
      }
    });
  }

  /** Ends the connections. The next call makes new ones. */
  async close(): Promise<void> {
    this.#idle.length = 0;
    await Promise.all([...this.#connections].map((connection) => this.#end(connection)));
  }

  /** The client's own error, with what the server said about a failed login. */
  describe(error: unknown): TributaryError {
    const number = typeof error === 'object' && error ? this.#errorNumbers.get(error) : undefined;
    return toWarehouseError(error, this.name, number);
  }

  async #guarded<T>(work: (pool: ConnectionPool) => Promise<T>): Promise<T> {
    const connection = this.#idle.pop() ?? this.#begin();
    try {
      const result = await work(await connection.pool);
      connection.seen.number = undefined;
      // `close` may have ended it meanwhile.
      const isKept = this.#connections.has(connection) && this.#idle.length < maxIdle;
      if (isKept) this.#idle.push(connection);
      else void this.#end(connection);
      return result;
    } catch (error) {
      const { number } = connection.seen;
      if (number !== undefined && typeof error === 'object' && error) this.#errorNumbers.set(error, number);
      // Not awaited: a connection that hangs would hold up the error.
      void this.#end(connection);
      throw error;
    }
  }

  #begin(): Connection {
    const seen: SeenError = {};
    const connection = { pool: this.#connect(seen), seen };
    this.#connections.add(connection);
    return connection;
  }

  async #end(connection: Connection): Promise<void> {
    this.#connections.delete(connection);
    // A pool that never connected has nothing to close.
    await connection.pool.then((open) => open.close()).catch(() => {});
  }

  async #connect(seen: SeenError): Promise<ConnectionPool> {
    const { default: sql } = await import('mssql');
    const { address, requestTimeoutMs: timeoutMs = requestTimeoutMs } = this.#options;
    const settings: config = {
      server: address.server,
      port: address.port,
      database: address.database,
      authentication: toAuthentication(address.login),
      connectionTimeout: address.connectTimeoutMs,
      requestTimeout: timeoutMs,
      // Its own deadlines of 30 s would come before a longer one of the address.
      pool: { max: 1, min: 0, acquireTimeoutMillis: timeoutMs, createTimeoutMillis: timeoutMs },
      // The other way is a SELECT through sp_executesql, and a storm of connections where that is refused.
      validateConnection: 'socket',
      options: {
        encrypt: address.encrypt,
        trustServerCertificate: address.trustServerCertificate,
        // What the client would set instead is refused by a dedicated pool.
        connectionIsolationLevel: sql.ISOLATION_LEVEL.READ_UNCOMMITTED,
        isolationLevel: sql.ISOLATION_LEVEL.READ_UNCOMMITTED,
        // A pool does so anyway: after an error in it a transaction is over.
        abortTransactionOnError: true,
        appName: 'Tributary',
      },
      beforeConnect: (connection) => {
        connection.on('errorMessage', ({ number }: { number: number }) => {
          seen.number ??= number;
        });
        // The client leaves small packets waiting for each other.
        connection.on('connect', (error?: Error) => {
          (connection as unknown as { socket?: Socket }).socket?.setNoDelay(true);
          if (!error) seen.number = undefined;
        });
      },
    };
    const pool = new sql.ConnectionPool(settings);
    // Errors reach the caller through its own request; without a listener they would end the process.
    pool.on('error', () => {});
    return pool.connect();
  }
}

function toAuthentication(login: SqlLogin): NonNullable<config['authentication']> {
  if (login.kind === 'password')
    return { type: 'default', options: { userName: login.user, password: login.password } };
  const options = login.clientId === undefined ? {} : { clientId: login.clientId };
  return login.kind === 'managed-identity'
    ? { type: 'azure-active-directory-msi-app-service', options }
    : { type: 'azure-active-directory-default', options };
}

async function runOn(request: Request, text: string): Promise<BatchResult> {
  const { recordsets, rowsAffected } = await request.batch(text);
  const last = Array.isArray(recordsets) ? recordsets.at(-1) : undefined;
  return { rows: [...(last ?? [])], touched: rowsAffected };
}
