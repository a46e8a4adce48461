import type { Session } from './session';
import { type ColumnDefinition, SqlError, type SqlValue } from './syntax';
import type { WireType } from './wire';

export type SqlRow = Record<string, SqlValue>;

export interface SqlTable {
  columns: readonly ColumnDefinition[];
  rows: SqlRow[];
  /** Milliseconds since 1970. */
  createdAt: number;
}

/** The answer to a statement. */
export type Answer =
  | {
      readonly kind: 'rows';
      readonly columns: { name: string; type: WireType }[];
      readonly rows: SqlValue[][];
    }
  | { readonly kind: 'done'; readonly touched: number }
  | {
      readonly kind: 'transaction';
      readonly change: 'begun' | 'committed' | 'rolledBack';
      readonly id: bigint;
    };

export interface EngineOptions {
  /** `pool` refuses what a dedicated SQL pool refuses; `server` is SQL Server. */
  readonly dialect: 'pool' | 'server';
  /** What SERVERPROPERTY('EngineEdition') answers; by default 6 for a dedicated pool and 3 for SQL Server. */
  readonly edition?: number;
  /** Reads a file for COPY. */
  readonly fetchStaged?: (url: string) => Promise<Uint8Array | undefined>;
}

/** The tables of one database, and the locks on them. */
export class Engine {
  readonly tables = new Map<string, SqlTable>();
  readonly schemas = new Set<string>();
  readonly options: EngineOptions;
  readonly #locks = new Map<string, { owner: Session; waiting: (() => void)[] }>();
  transactions = 0n;
  /** While this is set, every ALTER TABLE is refused with this error. */
  alterRefusal: { readonly number: number; readonly message: string } | undefined;

  constructor(options: EngineOptions) {
    this.options = options;
  }

  table(name: string): SqlTable {
    const table = this.tables.get(name);
    if (table) return table;
    throw new SqlError(208, `Invalid object name '${name}'.`);
  }

  /** Takes an exclusive lock on a table. Waits while another session holds it. */
  async lock(table: string, owner: Session): Promise<void> {
    for (;;) {
      const held = this.#locks.get(table);
      if (!held) {
        this.#locks.set(table, { owner, waiting: [] });
        return;
      }
      if (held.owner === owner) return;
      await new Promise<void>((resolve) => held.waiting.push(resolve));
      if (owner.ended) throw new SqlError(596, 'The session has ended.');
    }
  }

  release(owner: Session): void {
    for (const [table, { owner: holder, waiting }] of [...this.#locks]) {
      if (holder !== owner) continue;
      this.#locks.delete(table);
      for (const resolve of waiting) resolve();
    }
  }
}
