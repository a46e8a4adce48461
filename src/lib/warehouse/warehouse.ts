import type { TablePosition } from '../delta/position';
import type { WarehouseColumn, WarehouseTable } from '../streams/stream';

/** One value, in the form that every warehouse takes. datetime types: microseconds since 1970 UTC. date: days since 1970. */
export type Cell = string | number | bigint | boolean | null;

/** A row that the table cannot hold, with its address and the reason. */
export interface RejectedRow {
  /** Microseconds since 1970 UTC. */
  readonly hubCreatedAt: number | bigint;
  readonly partition: number;
  readonly sequenceNumber: number | bigint;
  readonly element: number;
  /** The reason, in plain ASCII. */
  readonly reason: string;
  /** The whole row as JSON, with the column names of the Delta table. */
  readonly row: string;
}

export interface PreparedRows {
  /** The values by column, in the order of the table's columns. Each value fits its column. */
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
}

/** `not-swapped`: another process was faster, or the shadow may not take the table's place (any more). */
export type SwapOutcome = 'swapped' | 'not-swapped';

/**
 * A warehouse, as the loader needs it. Methods throw `warehouse.unavailable` if another try may help, and `warehouse.refused` if it
 * cannot.
 */
export interface Warehouse {
  readonly kind: 'sql' | 'duckdb';
  /** The warehouse's name for messages, without secrets. */
  readonly name: string;
  /** Creates what is missing: the tables and their columns, the ledger with a row for each table, and the table of rejected rows. */
  init(tables: readonly WarehouseTable[]): Promise<void>;
  /**
   * By full name, the position up to which each table is loaded; `beginning` before the first load. shadow.ts explains the rows of shadows,
   * and of tables whose place they take. It may include changes that are not committed, so a load checks it again.
   */
  ledger(): Promise<ReadonlyMap<string, TablePosition>>;
  /**
   * Whether the ledger has columns for marks. This sends no request. If false, this process may not add the columns, and marks are not
   * kept. Undefined before the first call that needed to know.
   */
  keepsMarks(): boolean | undefined;
  /** The columns that the database's table does not have; none if there is no such table. */
  missingColumns(table: WarehouseTable): Promise<readonly string[]>;
  /**
   * Adds rows and rejected rows and moves the ledger, all or nothing. Columns are found by name. Columns that the database's table does not
   * have are added first, with null in existing rows; columns that only the database has stay null.
   * @throws `warehouse.schema` if columns may not be added
   */
  load(load: Load): Promise<LoadOutcome>;
  /** Makes an empty table that is stored like `table`, with a row in the ledger that has `position`. */
  createShadow(swap: Swap, position: TablePosition): Promise<void>;
  /**
   * Things that people have added to a table and that `swap` would lose, in sentences; none if it keeps everything.
   * @throws `warehouse.refused` if something on the table does not let it be replaced at all
   */
  lostBySwap(table: WarehouseTable): Promise<readonly string[]>;
  /**
   * Refuses all loads of a table until a shadow has taken its place. Returns false if another shadow is doing so, or if this one is gone.
   */
  hold(swap: Swap): Promise<boolean>;
  /** Ends the `hold` of this shadow, so that loads go on, unless the ledger already says that the shadow is complete. */
  release(swap: Swap): Promise<void>;
  /**
   * Gives the table the shadow's rows and its position, after `hold`. Readers never see fewer rows than before. After an interruption,
   * another call finishes it.
   * @param least the position that the shadow must have reached, because `ledger` may have returned one that was undone since. Missing to
   * finish a replacement that was begun
   */
  swap(swap: Swap, least?: TablePosition): Promise<SwapOutcome>;
  /** Drops a shadow, with its ledger row and its rejected rows, if the ledger has it and it is not taking the place of a table. */
  dropShadow(shadow: WarehouseTable): Promise<void>;
  /** Drops tables that processes left when they were killed during a rebuild or a load. Failures are only warnings. */
  dropLeftovers(table: WarehouseTable): Promise<void>;
  /**
   * The rows of a SELECT statement as plain objects. A DuckDB file refuses any other text. A database runs whatever its login may do, so
   * text that people write goes to `openReader`.
   */
  query(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** The name of a table in the ledger. */
export const fullName = ({ schema, name }: Pick<WarehouseTable, 'schema' | 'name'>): string =>
  `${schema}.${name}`;

/**
 * The columns of a table that are not among the names of a database's columns. None if there are no names, because then there is no such
 * table.
 */
export function columnsLackedBy(names: readonly string[], table: WarehouseTable): WarehouseColumn[] {
  const found = new Set(names.map((name) => name.toLowerCase()));
  return found.size === 0 ? [] : table.columns.filter(({ name }) => !found.has(name.toLowerCase()));
}
