import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionPool, config, Request, Transaction } from 'mssql';
import { backoffMs } from '../../backoff';
import type { TributaryError } from '../../errors';
import { waitFor } from '../../longWait';
import type { WarehouseTable } from '../../streams/stream';
import type { SqlAddress, SqlLogin } from '../connectionString';
import type { PreparedRows } from '../warehouse';
import { bulkOptions, toBulkTable } from './bulkLoad';
import { isDeadlock, toWarehouseError } from './sqlErrors';

/**
 * How long an answer may take, in milliseconds. It is long, because statements wait in the queue of a dedicated pool, whose smallest size
 * runs four at a time.
 */
const requestTimeoutMs = 300_000;

export interface BatchResult {
  /** The rows of the last result set. */
  readonly rows: Record<string, unknown>[];
  /** The number of rows that each statement touched. */
  readonly touched: readonly number[];
}

/** Runs batches, outside or inside a transaction. */
export type RunBatch = (text: string) => Promise<BatchResult>;

/** Adds rows to a table in binary form, inside a transaction. A dedicated pool does not support it. */
export type AddRows = (table: WarehouseTable, rows: PreparedRows) => Promise<void>;

/**
 * How many rows a statement touches. The option is set, because a server can be configured to begin connections without such numbers.
 * Options outlive their batch on a connection that is used again, so no batch may change them; this one sets the default.
 */
export async function countTouched(run: RunBatch, statement: string): Promise<number> {
  const { touched } = await run(`SET NOCOUNT OFF; ${statement}`);
  return touched[0] ?? 0;
}

export interface SqlClientOptions {
  readonly address: SqlAddress;
  readonly requestTimeoutMs?: number;
}

/** How many tries are made if work is the victim of deadlocks. */
const maxTries = 4;
const backoff = { firstMs: 50 };

/** How many connections are kept between calls. */
const maxIdle = 2;

/** A client's pool with one connection. The pool makes a new connection if the old one was closed while idle. */
interface Connection {
  readonly pool: Promise<ConnectionPool>;
  readonly seen: SeenError;
}

/** The number of the server's first error since the last login or call. */
interface SeenError {
  number?: number | undefined;
}

/**
 * Connections to one database. Each call has its own connection, so that it neither waits for another call nor fails with it. After
 * an error the connection is closed, because it may still be inside a transaction, which the server ends with the connection.
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

  /** Sends a batch as it is, without sp_executesql and parameters. */
  readonly batch: RunBatch = (text) => this.#guarded(async (pool) => runOn(pool.request(), text));

  /** Runs `work` in a transaction on one connection. Commits, or rolls back if `work` returns undefined. */
  async transaction<T>(
    work: (run: RunBatch, addRows: AddRows) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    return this.#guarded(async (pool) => {
      const { default: sql } = await import('mssql');
      const transaction: Transaction = pool.transaction();
      await transaction.begin(sql.ISOLATION_LEVEL.READ_UNCOMMITTED);
      try {
        const result = await work(
          (text) => runOn(transaction.request(), text),
          async (table, rows) =>
            void (await transaction.request().bulk(await toBulkTable(sql, table, rows), bulkOptions)),
        );
        if (result === undefined) await transaction.rollback();
        else await transaction.commit();
        return result;
      } catch (error) {
        // The rollback releases the locks. It may fail because the server has rolled back already or the connection is gone, which does no
        // harm.
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
    return toWarehouseError(error, this.name, this.#errorNumbers.get(error as object));
  }

  /** Turns what `work` throws into the client's own errors. */
  async described<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.describe(error);
    }
  }

  /** Runs `work`, again after a deadlock. A deadlock undoes the whole transaction of its victim, and the other one goes on. */
  async #guarded<T>(work: (pool: ConnectionPool) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#onConnection(work);
      } catch (error) {
        if (!isDeadlock(error) || tries === maxTries) throw error;
      }
      await sleep(backoffMs(tries, backoff));
    }
  }

  async #onConnection<T>(work: (pool: ConnectionPool) => Promise<T>): Promise<T> {
    const connection = this.#idle.pop() ?? this.#begin();
    try {
      const result = await work(await connection.pool);
      connection.seen.number = undefined;
      // `close` may have ended the connection meanwhile.
      const isKept = this.#connections.has(connection) && this.#idle.length < maxIdle;
      if (isKept) this.#idle.push(connection);
      else void this.#end(connection);
      return result;
    } catch (error) {
      const { number } = connection.seen;
      if (number !== undefined && typeof error === 'object' && error) this.#errorNumbers.set(error, number);
      // Do not await it, because a connection that hangs would delay the error.
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
      // The pool's own deadlines of 30 s would come before a longer one of the connection string.
      pool: { max: 1, min: 0, acquireTimeoutMillis: timeoutMs, createTimeoutMillis: timeoutMs },
      // The alternative validates with a SELECT through sp_executesql. If the server refuses that, connections are made endlessly.
      validateConnection: 'socket',
      options: {
        // The client's types do not have `strict`, but its TDS library accepts it.
        encrypt: address.encrypt as boolean,
        trustServerCertificate: address.trustServerCertificate,
        // A dedicated pool refuses the client's default for this option.
        connectionIsolationLevel: sql.ISOLATION_LEVEL.READ_UNCOMMITTED,
        isolationLevel: sql.ISOLATION_LEVEL.READ_UNCOMMITTED,
        // A dedicated pool does this in any case: an error in a transaction ends it.
        abortTransactionOnError: true,
        appName: 'Tributary',
      },
      beforeConnect: (connection) => {
        connection.on('errorMessage', ({ number }: { number: number }) => {
          seen.number ??= number;
        });
        // By default the client delays small packets to join them (Nagle's algorithm).
        connection.on('connect', (error?: Error) => {
          (connection as unknown as { socket?: Socket }).socket?.setNoDelay(true);
          if (!error) seen.number = undefined;
        });
      },
    };
    const pool = new sql.ConnectionPool(settings);
    // Errors reach the caller through its own request; without a listener they would end the process.
    pool.on('error', () => {});
    return waitFor(this.name, pool.connect());
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
