import type { TablePosition } from '../delta/position';
import type { WarehouseTable } from '../streams/stream';

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
  readonly from: TablePosition;
  readonly to: TablePosition;
  readonly rows: PreparedRows;
}

/** `overtaken`: the table was not at `from` (any more), for another process has loaded it, and nothing was changed. */
export type LoadOutcome = 'loaded' | 'overtaken';

export interface Swap {
  readonly table: WarehouseTable;
  readonly shadow: WarehouseTable;
  /** How many files the shadow must hold. */
  readonly files: number;
  readonly to: TablePosition;
}

/** `not-swapped`: another process was faster, or the shadow does not hold so many files, whatever the ledger said. */
export type SwapOutcome = 'swapped' | 'not-swapped';

/**
 * A warehouse as the loader needs it. Methods throw `warehouse.unavailable` when another try may help, and
 * `warehouse.refused` when it cannot.
 */
export interface Warehouse {
  /** For messages; without secrets. */
  readonly name: string;
  /** Makes what is missing of the tables, the ledger (with a row a table) and the rejected rows. */
  init(tables: readonly WarehouseTable[]): Promise<void>;
  /**
   * How far each table is loaded, by its full name: up to this version of the Delta table, `beginning` before the first load. Of a
   * shadow, the version is the number of files that it holds, and the mark that of the version it is to hold. May be ahead of what
   * is committed: a load checks it again.
   */
  ledger(): Promise<ReadonlyMap<string, TablePosition>>;
  /**
   * Whether the ledger has columns for the marks of positions; asks nobody. False: it has not, and this process may not add
   * them, so that marks are taken and not kept. Undefined before the first call that needed to know.
   */
  keepsMarks(): boolean | undefined;
  /** Adds rows and rejected rows and moves the ledger, all or nothing. */
  load(load: Load): Promise<LoadOutcome>;
  /** Makes an empty table, with a row in the ledger that says `{tableId, version: 0, mark}`. */
  createShadow(shadow: WarehouseTable, tableId: string, mark?: string): Promise<void>;
  /** Puts the shadow in the table's place and the table to `to`; a swap that was interrupted is ended by another call. */
  swap(swap: Swap): Promise<SwapOutcome>;
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
export const swapping = (
  shadow: WarehouseTable,
  { version, mark }: Omit<TablePosition, 'tableId'>,
): TablePosition => ({
  tableId: `${swapPrefix}${fullName(shadow)}`,
  version,
  mark,
});

/** The full name of the shadow that is taking the table's place, or undefined. */
export const shadowOfSwap = ({ tableId }: Pick<TablePosition, 'tableId'>): string | undefined =>
  tableId.startsWith(swapPrefix) ? tableId.slice(swapPrefix.length) : undefined;
