import type { Rights } from './rights';
import type { Session } from './session';
import { type ColumnDefinition, type Layout, SqlError, type SqlValue } from './syntax';
import type { WireType } from './wire';

export type SqlRow = Record<string, SqlValue>;

export interface SqlTable {
  /** It stays the same when the table gets another name. */
  readonly id: number;
  columns: readonly ColumnDefinition[];
  rows: SqlRow[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  primaryKey: readonly string[] | undefined;
  /** How a dedicated pool keeps it. */
  readonly layout: Layout | undefined;
  /** The last number of its identity column. */
  lastIdentity: bigint;
  /** What people put on it, by any name that a test chooses: it goes with the table, whatever its name is. */
  readonly grants: { state: string; permission: string; grantee: string | undefined; column?: string }[];
  /** How many partitions it has, in a dedicated pool. */
  partitions: number;
  readonly indexes: { name: string; type: number }[];
  /** The names of views that are bound to it. */
  readonly boundViews: string[];
  /** The names of statistics that people made. */
  readonly statistics: string[];
  /** The columns that a mask hides from those who may not see through it. */
  readonly masks: string[];
  /** The names of the policies that decide who sees or changes which rows. */
  readonly policies: string[];
  /** The foreign keys of other tables that refer to it. */
  readonly foreignKeys: { name: string; of: string }[];
  /** How many deleted rows still have their place: a heap gives it free only to a DELETE that locks the table. */
  unfreedRows: number;
}

/** The answer to a statement. */
export type Answer =
  | {
      readonly kind: 'rows';
      readonly columns: { name: string; type: WireType }[];
      readonly rows: SqlValue[][];
      /** Whether the answer says how many rows there are. */
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
  /** `pool` refuses what a dedicated SQL pool refuses; `server` is SQL Server. */
  readonly dialect: 'pool' | 'server';
  /** What SERVERPROPERTY('EngineEdition') answers; by default 6 for a dedicated pool and 3 for SQL Server. */
  readonly edition?: number;
  /** That of the database; by default SQL_Latin1_General_CP1_CI_AS. */
  readonly collation?: string;
  /** What SERVERPROPERTY('ProductVersion') answers. */
  readonly version?: string;
  /** Connections begin with NOCOUNT ON, as they do where the server's `user options` say so. */
  readonly noCount?: boolean;
  /** Reads a file for COPY. */
  readonly fetchStaged?: (url: string) => Promise<Uint8Array | undefined>;
}

/** The tables of one database, and the locks on them. */
export class Engine {
  readonly tables = new Map<string, SqlTable>();
  readonly schemas = new Set<string>();
  /** The views by name, with their ids. */
  readonly views = new Map<string, number>();
  readonly options: EngineOptions;
  /** The sessions that have changes of a table which are not committed, and who waits for them. */
  readonly #locks = new Map<string, { readonly owners: Set<Session>; readonly waiting: (() => void)[] }>();
  /** The tables that sessions wait for. */
  readonly #waits = new Map<Session, string>();
  #objects = 0;
  transactions = 0n;
  /** Lets other sessions run between the reading and the writing of a statement. */
  between: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve));
  /** What the login may; everything unless told. */
  rights: Rights | undefined;
  /** The roles of the database that the login is a member of, besides those whose rights it has. */
  readonly roles = new Set<string>();
  /** Whether fn_my_permissions finds anything. */
  tellsRights = true;
  /** Whether COLLATIONPROPERTY knows the code pages of collations. */
  tellsCodePages = true;
  /** Whether the login may grant rights on tables. */
  mayGrant = true;
  /** While one of these is set, every bulk load, or COPY, is refused with this error. */
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

  /** The id of a table or view; undefined if there is none of this name. */
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

  /** Numbers have gaps, as in a real server. */
  nextIdentity(table: SqlTable): bigint {
    table.lastIdentity += 7n;
    return table.lastIdentity;
  }

  /**
   * Takes a lock on a table for an UPDATE or DELETE. Waits while other sessions have changes of it, for at most `timeoutMs`; -1 waits for
   * ever. If sessions wait for each other, the last one fails.
   */
  async lock(table: string, owner: Session, timeoutMs = -1): Promise<void> {
    await this.waitFor(table, owner, timeoutMs, () => this.holdRows(table, owner));
  }

  /** Says that a session has rows in a table that are not committed. Others may add rows of their own meanwhile. */
  holdRows(table: string, owner: Session): void {
    const held = this.#locks.get(table) ?? { owners: new Set(), waiting: [] };
    held.owners.add(owner);
    this.#locks.set(table, held);
  }

  /**
   * Waits until no other session has changes of the table that are not committed.
   * @param take called at once then, before a session that waited for the same can see that the table is free
   */
  async waitFor(table: string, owner: Session, timeoutMs = -1, take = () => {}): Promise<void> {
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

  /** Whether a session waits for another one, or for one that waits for it. */
  #waitsFor(session: Session, other: Session): boolean {
    const table = this.#waits.get(session);
    const owners = table === undefined ? [] : [...(this.#locks.get(table)?.owners ?? [])];
    return owners.some((one) => one !== session && (one === other || this.#waitsFor(one, other)));
  }

  /** The rows of a table as soon as no session has changes of it that are not committed. Undefined if there is no such table. */
  async committedRows(table: string): Promise<readonly SqlRow[] | undefined> {
    for (let held = this.#locks.get(table); held; held = this.#locks.get(table))
      await freed(held.waiting, -1);
    return this.tables.get(table)?.rows;
  }

  release(owner: Session): void {
    for (const [table, { owners, waiting }] of [...this.#locks]) {
      if (!owners.delete(owner)) continue;
      if (owners.size === 0) this.#locks.delete(table);
      for (const resolve of waiting.splice(0)) resolve();
    }
  }
}

/** Resolves to false if the lock is not freed in time. */
async function freed(waiting: (() => void)[], timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = timeoutMs < 0 ? undefined : setTimeout(() => resolve(false), timeoutMs);
    waiting.push(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
