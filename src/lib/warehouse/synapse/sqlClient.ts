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

/**
 * Connections to one database. After any error all of them are given up: one of them might still be inside a transaction,
 * and the server ends that when its connection goes.
 */
export class SqlClient {
  readonly name: string;
  readonly #options: SqlClientOptions;
  #pool: Promise<ConnectionPool> | undefined;
  #loginNumber: number | undefined;

  constructor(options: SqlClientOptions) {
    this.#options = options;
    this.name = `${options.address.server}/${options.address.database}`;
  }

  /** Sends a batch as it is: no sp_executesql, no parameters. */
  async batch(text: string): Promise<BatchResult> {
    return this.#guarded(async (pool) => runOn(pool.request(), text));
  }

  /**
   * Sends a batch on a connection of its own, made for it. For whoever is inside a transaction: those of the pool may all be
   * waiting for the locks of that transaction.
   */
  async batchAside(text: string): Promise<BatchResult> {
    const pool = await this.#connect(1);
    try {
      return await runOn(pool.request(), text);
    } finally {
      // Not awaited: a connection that hangs would hold up the error.
      void pool.close().catch(() => {});
    }
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
    const pool = this.#pool;
    this.#pool = undefined;
    // A pool that never connected has nothing to close.
    await pool?.then((open) => open.close()).catch(() => {});
  }

  /** The client's own error, with what the server said about a failed login. */
  describe(error: unknown): TributaryError {
    return toWarehouseError(error, this.name, this.#loginNumber);
  }

  async #guarded<T>(work: (pool: ConnectionPool) => Promise<T>): Promise<T> {
    try {
      this.#pool ??= this.#connect(2);
      return await work(await this.#pool);
    } catch (error) {
      // Not awaited: a connection that hangs would hold up the error.
      void this.close();
      throw error;
    }
  }

  async #connect(connections: number): Promise<ConnectionPool> {
    const { default: sql } = await import('mssql');
    this.#loginNumber = undefined;
    const { address } = this.#options;
    const settings: config = {
      server: address.server,
      port: address.port,
      database: address.database,
      authentication: toAuthentication(address.login),
      connectionTimeout: address.connectTimeoutMs,
      requestTimeout: this.#options.requestTimeoutMs ?? requestTimeoutMs,
      pool: { max: connections, min: 0 },
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
          this.#loginNumber ??= number;
        });
        // The client leaves small packets waiting for each other.
        connection.on('connect', (error?: Error) => {
          (connection as unknown as { socket?: Socket }).socket?.setNoDelay(true);
          if (!error) this.#loginNumber = undefined;
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
