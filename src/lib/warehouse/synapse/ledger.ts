import type { TablePosition } from '../../delta/position';
import { TributaryError } from '../../errors';
import { SharedRun } from '../../sharedRun';
import { parseLedgerRow } from '../ledgerPosition';
import type { SqlClient } from './sqlClient';
import { isMadeMeanwhile, isUnknownColumn } from './sqlErrors';
import { addLedgerKey, addMarkColumns, ledgerTable } from './tables';

const columns = 'table_name, delta_id, last_version';

type Row = Record<string, unknown>;

/**
 * Reads ops.load_ledger. Ledgers of earlier releases do not have the mark columns, and the first read tries to add them. If that is
 * refused, this process works without marks until it restarts.
 */
export class Ledger {
  readonly #client: SqlClient;
  readonly #warn: (message: string) => void;
  #keepsMarks: boolean | undefined;
  /** Set while the columns are being added. */
  readonly #adding = new SharedRun<TributaryError | undefined>();

  constructor(client: SqlClient, warn: (message: string) => void) {
    this.#client = client;
    this.#warn = warn;
  }

  /** Undefined before the first read. */
  get keepsMarks(): boolean | undefined {
    return this.#keepsMarks;
  }

  async read(): Promise<ReadonlyMap<string, TablePosition>> {
    const positions = new Map<string, TablePosition>();
    for (const row of await this.#rows()) {
      const name = String(row.table_name);
      if (positions.has(name)) throw doubledRows(this.#client.name, name);
      const { delta_id: tableId, last_version: version, last_mark: mark, mark_version: markVersion } = row;
      positions.set(name, parseLedgerRow({ tableId, version, mark, markVersion }));
    }
    return positions;
  }

  /** Whether statements may use the columns of marks. Reads the ledger if that is unknown. */
  async findMarks(): Promise<boolean> {
    if (this.#keepsMarks === undefined) await this.#rows();
    return this.#keepsMarks === true;
  }

  /**
   * Adds the primary key to a ledger of an earlier release. Without it, two processes could both add a table's row. The ledger works
   * without one, too. Throws `warehouse.ledger` if a table has two rows already.
   */
  async addKey(): Promise<void> {
    try {
      await this.#client.batch(addLedgerKey);
    } catch (error) {
      if (isMadeMeanwhile(error)) return;
      const refusal = this.#client.describe(error);
      if (refusal.code !== 'warehouse.refused') throw refusal;
      await this.read();
      this.#warn(`${ledgerTable} gets no primary key: ${refusal.message}`);
    }
  }

  async #rows(): Promise<Row[]> {
    if (this.#keepsMarks !== false) {
      const rows = (await this.#rowsWithMarks()) ?? (await this.#rowsWithNewColumns());
      if (rows) return rows;
    }
    return (await this.#client.batch(`SELECT ${columns} FROM ${ledgerTable};`)).rows;
  }

  /** The rows with their marks; undefined if the columns are missing. */
  async #rowsWithMarks(): Promise<Row[] | undefined> {
    try {
      const text = `SELECT ${columns}, last_mark, mark_version FROM ${ledgerTable};`;
      const { rows } = await this.#client.batch(text);
      this.#keepsMarks = true;
      return rows;
    } catch (error) {
      if (isUnknownColumn(error)) return undefined;
      throw error;
    }
  }

  /**
   * Adds the columns and reads the rows; undefined if the columns cannot be added. Adding may fail because another process has just added
   * them, so the rows are read in any case.
   */
  async #rowsWithNewColumns(): Promise<Row[] | undefined> {
    const refusal = await this.#adding.join(() => this.#addColumns());
    const rows = await this.#rowsWithMarks();
    if (rows) return rows;
    if (this.#keepsMarks !== false)
      this.#warn(
        `${ledgerTable} lacks the columns last_mark and mark_version, so a Delta log that goes back in time is not noticed: run "npm run warehouse -- init" with a login that may alter it. ${refusal?.message ?? ''}`.trim(),
      );
    this.#keepsMarks = false;
    return undefined;
  }

  /** Adds the columns. Returns the error if that is refused. */
  async #addColumns(): Promise<TributaryError | undefined> {
    try {
      await this.#client.batch(addMarkColumns);
      return undefined;
    } catch (error) {
      const refusal = this.#client.describe(error);
      if (refusal.code === 'warehouse.refused') return refusal;
      throw error;
    }
  }
}

export function doubledRows(warehouse: string, table: string): TributaryError {
  return new TributaryError(
    'warehouse.ledger',
    `${warehouse}: ops.load_ledger has more than one row for ${table}: delete all but the one with the highest last_version.`,
  );
}
