import type { TablePosition } from '../delta/position';
import type { WarehouseColumn, WarehouseTable } from '../streams/stream';

/** One value in the form that every warehouse takes. datetime types: microseconds since 1970 UTC. date: days since 1970. */
export type Cell = string | number | bigint | boolean | null;

/** A row that the table cannot hold: its address, and the reason. */
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

/** `overtaken`: the table was not at `from` any more, because another process has loaded it. Nothing was changed. */
export type LoadOutcome = 'loaded' | 'overtaken';

export interface Swap {
  readonly table: WarehouseTable;
  readonly shadow: WarehouseTable;
  /** How many files the shadow must hold. */
  readonly files: number;
  readonly to: TablePosition;
}

/** `not-swapped`: another process was faster, or the shadow does not have that many files, although an earlier read said so. */
export type SwapOutcome = 'swapped' | 'not-swapped';

/**
 * A warehouse, as the loader needs it. Methods throw `warehouse.unavailable` if another try may help, and `warehouse.refused` if it
 * cannot.
 */
export interface Warehouse {
  /** For messages; without secrets. */
  readonly name: string;
  /** Creates what is missing: the tables and their columns, the ledger with a row for each table, and the table of rejected rows. */
  init(tables: readonly WarehouseTable[]): Promise<void>;
  /**
   * How far each table is loaded, by its full name: up to this version of the Delta table; `beginning` before the first load. For a
   * shadow, the version is the number of loaded files, and the mark is that of the version it is meant to hold. It may include
   * changes that are not committed, so a load checks it again.
   */
  ledger(): Promise<ReadonlyMap<string, TablePosition>>;
  /**
   * Whether the ledger has columns for marks. This sends no request. If false, this process may not add the columns, and marks are
   * accepted but not kept. Undefined before the first call that needed to know.
   */
  keepsMarks(): boolean | undefined;
  /** The columns that the database's table lacks; none if there is no such table. */
  missingColumns(table: WarehouseTable): Promise<readonly string[]>;
  /**
   * Adds rows and rejected rows and moves the ledger, all or nothing. Columns go by name: those that the database's table lacks are
   * added before, with null in the rows that are there, and those that only the database has stay null.
   * @throws `warehouse.schema` if columns may not be added
   */
  load(load: Load): Promise<LoadOutcome>;
  /** Makes an empty table, with a row in the ledger that says `{tableId, version: 0, mark}`. */
  createShadow(shadow: WarehouseTable, tableId: string, mark?: string): Promise<void>;
  /** Replaces the table by the shadow, with the position `to`. After an interruption, another call finishes the swap. */
  swap(swap: Swap): Promise<SwapOutcome>;
  /** Drops a shadow, with its ledger row and its rejected rows, if the ledger has it and no table is being swapped for it. */
  dropShadow(shadow: WarehouseTable): Promise<void>;
  /** Drops tables that processes left when they were killed during a rebuild or a load. Failures are only warnings. */
  dropLeftovers(table: WarehouseTable): Promise<void>;
  /**
   * The rows of a SELECT statement as plain objects. A DuckDB file refuses every other text. A database does what the login may, so
   * text that people write goes to `openReader`.
   */
  query(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** The name of a table in the ledger. */
export const fullName = ({ schema, name }: Pick<WarehouseTable, 'schema' | 'name'>): string =>
  `${schema}.${name}`;

/** The columns of a table that are not among the names that a database has; none if it has no name, and thus no such table. */
export function columnsLackedBy(names: readonly string[], table: WarehouseTable): WarehouseColumn[] {
  const found = new Set(names.map((name) => name.toLowerCase()));
  return found.size === 0 ? [] : table.columns.filter(({ name }) => !found.has(name.toLowerCase()));
}

/** The beginning of the names of a table's shadows. After it comes the version that the shadow is meant to hold. */
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

/** The full name of the shadow that is just replacing the table; undefined if there is none. */
export const shadowOfSwap = ({ tableId }: Pick<TablePosition, 'tableId'>): string | undefined =>
  tableId.startsWith(swapPrefix) ? tableId.slice(swapPrefix.length) : undefined;
