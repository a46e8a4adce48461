import type { WarehouseTable } from '../streams/stream';

/** How far a table is loaded: up to this version of the Delta table with this id. */
export interface Position {
  /** Id of the Delta table; empty before the first load. */
  readonly deltaId: string;
  /** Version of the Delta table, -1 before the first load. Of a shadow table: how many files it holds. */
  readonly version: number;
  /**
   * Tells the log entry of this version from another one of the same number; absent where it is not known. At most 64
   * characters. Of a shadow table: that of the version that it is to hold.
   */
  readonly mark?: string | undefined;
}

/** Where a table's ledger begins. */
export const neverLoaded: Position = { deltaId: '', version: -1 };

/** One value as every warehouse takes it. datetime types: microseconds since 1970 UTC. date: days since 1970. */
export type Cell = string | number | bigint | boolean | null;

/** A row that the table cannot hold: where it comes from, and why. */
export interface RejectedRow {
  /** Microseconds since 1970 UTC. */
  readonly hubCreatedAt: number | bigint;
  readonly hubPartition: number;
  readonly sequenceNumber: number | bigint;
  readonly element: number;
  /** Plain ASCII. */
  readonly reason: string;
  /** The whole row as JSON, by the names of the Delta table. */
  readonly row: string;
}

export interface PreparedRows {
  /** Values by column, in the order of the table's columns; each fits its column. */
  readonly columns: readonly (readonly Cell[])[];
  readonly count: number;
  readonly rejected: readonly RejectedRow[];
}

/** Rows that move a table from one position to the next. */
export interface Load {
  readonly table: WarehouseTable;
  readonly from: Position;
  readonly to: Position;
  readonly rows: PreparedRows;
}

/** `lost`: the table was not at `from` (any more), and nothing was changed. */
export type LoadOutcome = 'loaded' | 'lost';

export interface Swap {
  readonly table: WarehouseTable;
  readonly shadow: WarehouseTable;
  /** How many files the shadow must hold. */
  readonly files: number;
  readonly to: Position;
}

/**
 * A warehouse as the loader needs it. Methods throw `warehouse.unavailable` when another try may help, and
 * `warehouse.refused` when it cannot.
 */
export interface Warehouse {
  /** For messages; without secrets. */
  readonly name: string;
  /** Makes what is missing of the tables, the ledger (with a row a table) and the rejected rows. */
  init(tables: readonly WarehouseTable[]): Promise<void>;
  /** Positions by the full names of tables. May be ahead of what is committed: a load checks it again. */
  ledger(): Promise<ReadonlyMap<string, Position>>;
  /**
   * Whether the ledger has columns for the marks of positions; asks nobody. False: it has not, and this process may not add
   * them, so that marks are taken and not kept. Undefined before the first call that needed to know.
   */
  keepsMarks(): boolean | undefined;
  /** Adds rows and rejected rows and moves the ledger, all or nothing. */
  load(load: Load): Promise<LoadOutcome>;
  /** Makes an empty table, with a row in the ledger that says `{deltaId, version: 0, mark}`. */
  createShadow(shadow: WarehouseTable, deltaId: string, mark?: string): Promise<void>;
  /**
   * Puts the shadow in the table's place and the table to `to`; a swap that was interrupted is ended by another call. `lost`:
   * another one was faster, or the shadow does not hold so many files, whatever `ledger` said.
   */
  swap(swap: Swap): Promise<'swapped' | 'lost'>;
  /** Drops a shadow, with its ledger row and its rejected rows, if the ledger has it and no table is being swapped for it. */
  dropShadow(shadow: WarehouseTable): Promise<void>;
  /** Drops what processes that were killed in a rebuild of the table, or in a load, have left behind, as far as it can. */
  dropLeftovers(table: WarehouseTable): Promise<void>;
  /** Rows as plain objects; for people. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** The name of a table in the ledger. */
export const fullName = ({ schema, name }: Pick<WarehouseTable, 'schema' | 'name'>): string =>
  `${schema}.${name}`;

/** How the names of a table's shadows begin; after it comes the version that they are to hold. */
export const shadowPrefix = (table: Pick<WarehouseTable, 'name'>): string => `${table.name}__rebuild_`;

const swapPrefix = 'swap:';

/**
 * While a shadow replaces a table, the ledger row holds `swap:<shadow>` with the version and mark to be reached, so any process
 * can finish the swap and no load can start.
 */
export const swapping = (shadow: WarehouseTable, { version, mark }: Omit<Position, 'deltaId'>): Position => ({
  deltaId: `${swapPrefix}${fullName(shadow)}`,
  version,
  mark,
});

/** The full name of the shadow that is taking the table's place, or undefined. */
export const shadowOfSwap = ({ deltaId }: Position): string | undefined =>
  deltaId.startsWith(swapPrefix) ? deltaId.slice(swapPrefix.length) : undefined;
