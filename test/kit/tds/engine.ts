import { type ColumnDefinition, type Layout, SqlError, type SqlValue } from './syntax';
import type { WireType } from './wire';

export type SqlRow = Record<string, SqlValue>;

export interface SqlTable {
  /** The table's id, which does not change when the table gets another name. */
  readonly id: number;
  columns: readonly ColumnDefinition[];
  rows: SqlRow[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  primaryKey: readonly string[] | undefined;
  /** How a dedicated pool stores the table. */
  readonly layout: Layout | undefined;
  /** The last number in its identity column. */
  lastIdentity: bigint;
  /** The rights that people have on it. They stay with the table, whatever its name is. */
  readonly grants: { state: string; permission: string; grantee: string | undefined; column?: string }[];
  /** How many partitions it has, in a dedicated pool. */
  partitions: number;
  readonly indexes: { name: string; type: number }[];
  /** The names of views that are bound to it. */
  readonly boundViews: string[];
  /** The names of statistics that people made. */
  readonly statistics: string[];
  /** The columns that a mask hides from users without the right to see through it. */
  readonly masks: string[];
  /** The names of the policies that decide which users see or change which rows. */
  readonly policies: string[];
  /** The foreign keys of other tables that refer to it. */
  readonly foreignKeys: { name: string; of: string }[];
  /** How many deleted rows still take space. A heap frees it only after a DELETE that locks the table. */
  unfreedRows: number;
}

/** The answer to a statement. */
export type Answer =
  | {
      readonly kind: 'rows';
      readonly columns: { name: string; type: WireType }[];
      readonly rows: SqlValue[][];
      /** True if the answer says how many rows there are. */
      readonly counted: boolean;
    }
  /** Undefined for a statement that touches no rows, and while NOCOUNT is on. */
  | { readonly kind: 'done'; readonly touched: number | undefined }
  | {
      readonly kind: 'transaction';
      readonly change: 'begun' | 'committed' | 'rolledBack';
      readonly id: bigint;
    };

export interface EngineOptions {
  /** `pool` refuses everything that a dedicated SQL pool refuses; `server` is SQL Server. */
  readonly dialect: 'pool' | 'server';
  /** The answer of SERVERPROPERTY('EngineEdition'); by default 6 for a dedicated pool and 3 for SQL Server. */
  readonly edition?: number;
  /** The collation of the database; by default SQL_Latin1_General_CP1_CI_AS. */
  readonly collation?: string;
  /** The answer of SERVERPROPERTY('ProductVersion'). */
  readonly version?: string;
  /** True if connections begin with NOCOUNT ON, which the server's `user options` can demand. */
  readonly noCount?: boolean;
  /** Reads a file for COPY. */
  readonly fetchStaged?: (url: string) => Promise<Uint8Array | undefined>;
}

/**
 * The rights of a login, like `INSERT clickstream` on a schema, `INSERT clickstream.clicks` on a table, or `CREATE TABLE` in the database.
 * System views may be read, but some of them only show what the login may see.
 */
export type Rights = ReadonlySet<string>;

/** A session, as far as locks and definitions need to know it. */
export interface LockOwner {
  readonly options: { readonly lockTimeout: number };
  /** True once its connection is closed. */
  readonly ended: boolean;
}

/** The tables of one database, and the locks on them. */
export class Engine {
  readonly tables = new Map<string, SqlTable>();
  readonly schemas = new Set<string>();
  /** The views by name, with their ids. */
  readonly views = new Map<string, number>();
  readonly options: EngineOptions;
  /** By table, the sessions that have uncommitted changes in it, and the sessions that wait for them. */
  readonly #locks = new Map<string, { readonly owners: Set<LockOwner>; readonly waiting: (() => void)[] }>();
  /** The table that each session waits for. */
  readonly #waits = new Map<LockOwner, string>();
  #objects = 0;
  transactions = 0n;
  /** Lets other sessions run between the reading and the writing of a statement. */
  between: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve));
  /** The rights of the login; undefined for all rights. */
  rights: Rights | undefined;
  /** The roles of the database that the login has, besides those whose rights are in `rights`. */
  readonly roles = new Set<string>();
  /** False if fn_my_permissions finds nothing. */
  tellsRights = true;
  /** False if COLLATIONPROPERTY does not know the code pages of collations. */
  tellsCodePages = true;
  /** False if the login may not grant rights on tables. */
  mayGrant = true;
  /** While this is set, every bulk load is refused with this error. The next member does the same for COPY. */
  bulkRefusal: number | undefined;
  copyRefusal: number | undefined;
  /** While this is set, every ALTER TABLE is refused with this error. */
  alterRefusal: { readonly number: number; readonly message: string } | undefined;

  constructor(options: EngineOptions) {
    this.options = options;
  }

  get collation(): string {
    return this.options.collation ?? 'SQL_Latin1_General_CP1_CI_AS';
  }

  table(name: string): SqlTable {
    const table = this.tables.get(name);
    if (table) return table;
    throw new SqlError(208, `Invalid object name '${name}'.`);
  }

  newId(): number {
    return ++this.#objects;
  }

  /** The id of a table or view; undefined if nothing has this name. */
  idOf(name: string): number | undefined {
    return this.tables.get(name)?.id ?? this.views.get(name);
  }

  newTable(
    columns: readonly ColumnDefinition[],
    primaryKey: readonly string[] | undefined,
    layout: Layout | undefined,
  ): SqlTable {
    return {
      ...{ id: ++this.#objects, columns, rows: [], createdAt: Date.now(), primaryKey, layout },
      ...{ lastIdentity: -6n, unfreedRows: 0, partitions: 1 },
      ...{ grants: [], indexes: [], boundViews: [], foreignKeys: [] },
      ...{ statistics: [], masks: [], policies: [] },
    };
  }

  /** The next number for an identity column. Numbers have gaps, as in a real server. */
  nextIdentity(table: SqlTable): bigint {
    table.lastIdentity += 7n;
    return table.lastIdentity;
  }

  /**
   * Takes a lock on a table for an UPDATE or DELETE. Waits for at most `timeoutMs` while other sessions have uncommitted changes in it; -1
   * waits for ever. If sessions wait for each other, the last one fails.
   */
  async lock(table: string, owner: LockOwner, timeoutMs = -1): Promise<void> {
    await this.waitFor(table, owner, timeoutMs, () => this.holdRows(table, owner));
  }

  /** Records that a session has uncommitted rows in a table. Others may add rows of their own meanwhile. */
  holdRows(table: string, owner: LockOwner): void {
    const held = this.#locks.get(table) ?? { owners: new Set(), waiting: [] };
    held.owners.add(owner);
    this.#locks.set(table, held);
  }

  /**
   * Waits until no other session has uncommitted changes in the table.
   * @param take called at once then, before another waiting session can see that the table is free
   */
  async waitFor(table: string, owner: LockOwner, timeoutMs = -1, take = () => {}): Promise<void> {
    for (;;) {
      const held = this.#locks.get(table);
      const others = [...(held?.owners ?? [])].filter((one) => one !== owner);
      if (!held || others.length === 0) return take();
      if (others.some((other) => this.#waitsFor(other, owner)))
        throw new SqlError(1205, 'Transaction was deadlocked on lock resources with another process.');
      this.#waits.set(owner, table);
      const granted = await freed(held.waiting, timeoutMs);
      this.#waits.delete(owner);
      if (owner.ended) throw new SqlError(596, 'The session has ended.');
      if (!granted) throw new SqlError(1222, 'Lock request time out period exceeded.');
    }
  }

  /** Whether a session waits for another one, directly or through further sessions. */
  #waitsFor(session: LockOwner, other: LockOwner): boolean {
    const table = this.#waits.get(session);
    const owners = table === undefined ? [] : [...(this.#locks.get(table)?.owners ?? [])];
    return owners.some((one) => one !== session && (one === other || this.#waitsFor(one, other)));
  }

  /** The rows of a table, as soon as no session has uncommitted changes in it. Undefined if there is no such table. */
  async committedRows(table: string): Promise<readonly SqlRow[] | undefined> {
    for (let held = this.#locks.get(table); held; held = this.#locks.get(table))
      await freed(held.waiting, -1);
    return this.tables.get(table)?.rows;
  }

  release(owner: LockOwner): void {
    for (const [table, { owners, waiting }] of [...this.#locks]) {
      if (!owners.delete(owner)) continue;
      if (owners.size === 0) this.#locks.delete(table);
      for (const resolve of waiting.splice(0)) resolve();
    }
  }
}

/** Resolves to false if the lock is not released in time. */
async function freed(waiting: (() => void)[], timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = timeoutMs < 0 ? undefined : setTimeout(() => resolve(false), timeoutMs);
    waiting.push(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
