import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { beginning, type TablePosition } from '../../delta/position';
import { TributaryError } from '../../errors';
import type { WarehouseColumn, WarehouseTable } from '../../streams/stream';
import { parseLedgerRow } from '../ledgerPosition';
import { ownPosition, parseFilling, parseReplacing, replacingPrefix } from '../shadow';
import {
  columnsLackedBy,
  fullName,
  type Load,
  type LoadOutcome,
  type Swap,
  type SwapOutcome,
  type Warehouse,
} from '../warehouse';
import { appendRows, columnNames } from './appendRows';
import { addToLedger, forgetDropped, hasMark, setPosition, setTableId } from './ledgerStatements';
import { type DuckDb, loadDuckDb } from './loadDuckDb';
import { lockedSettings, runSelect } from './readOnly';
import { rejectedRows, rejectsTable } from './rejectedRows';
import { addColumn, createTable, createViews, opsScript, quoteName, quoteTable, quoteText } from './tables';

/** The error if the file is open in another process. */
export class FileInUse extends Error {}

/**
 * A DuckDB file as the warehouse: for development, on one machine. Only one process can have it open at a time.
 * @throws FileInUse; `warehouse.refused` if DuckDB is not installed or the file is not a DuckDB file
 */
export const openDuckDbFile = (path: string): Promise<Warehouse> => open(path, lockedSettings);

/** Like `openDuckDbFile`, but for queries only: nothing in the file is changed, and a missing file is not made. Throws the same errors. */
export const openDuckDbReader = (path: string): Promise<Pick<Warehouse, 'query' | 'close'>> =>
  open(path, { ...lockedSettings, access_mode: 'READ_ONLY' });

async function open(path: string, settings: Readonly<Record<string, string>>): Promise<DuckDbWarehouse> {
  const api = await loadDuckDb('WAREHOUSE=duckdb:');
  try {
    // The cache is used, because two instances on one file in one process would lose rows.
    const instance = await api.DuckDBInstance.fromCache(path, settings);
    return new DuckDbWarehouse(path, api, instance, await instance.connect());
  } catch (error) {
    if (/lock|being used by another process/i.test(String(error))) throw new FileInUse(path);
    throw refused(path, error);
  }
}

class DuckDbWarehouse implements Warehouse {
  readonly kind = 'duckdb';
  readonly name: string;
  readonly #api: DuckDb;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string, api: DuckDb, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.name = `duckdb:${path}`;
    this.#api = api;
    this.#instance = instance;
    this.#connection = connection;
  }

  async init(tables: readonly WarehouseTable[]): Promise<void> {
    await this.#transaction(async (run) => {
      for (const statement of opsScript) await run(statement);
      for (const table of tables) {
        await run(`CREATE SCHEMA IF NOT EXISTS ${quoteName(table.schema)}`);
        const columns = await columnNames(this.#connection, table);
        if (columns.length === 0)
          for (const statement of [...forgetDropped(fullName(table)), createTable(table)])
            await run(statement);
        else for (const column of columnsLackedBy(columns, table)) await run(addColumn(table, column));
        for (const statement of createViews(table)) await run(statement);
        await run(addToLedger(fullName(table), beginning));
      }
      return true;
    });
  }

  async ledger(): Promise<ReadonlyMap<string, TablePosition>> {
    return this.#exclusive(() => this.#readLedger());
  }

  async #readLedger(): Promise<ReadonlyMap<string, TablePosition>> {
    const rows = await this.#connection.runAndReadAll(
      'SELECT table_name, delta_id, last_version, last_mark, mark_version FROM ops.load_ledger',
    );
    return new Map(
      rows
        .getRows()
        .map(([name, tableId, version, mark, markVersion]) => [
          String(name),
          parseLedgerRow({ tableId, version, mark, markVersion }),
        ]),
    );
  }

  /** Always true, because `init` adds the columns to every file. */
  keepsMarks(): boolean {
    return true;
  }

  async missingColumns(table: WarehouseTable): Promise<readonly string[]> {
    return (await this.#exclusive(() => this.#missing(table))).map(({ name }) => name);
  }

  async load({ table, from, to, rows }: Load): Promise<LoadOutcome> {
    const name = fullName(table);
    const loaded = await this.#transaction(async (run) => {
      const moved = await run(
        `UPDATE ops.load_ledger SET ${setPosition(to)} WHERE table_name = ${quoteText(name)} AND delta_id = ${quoteText(from.tableId)} AND last_version = ${from.version}${hasMark(from)}`,
      );
      if (moved !== 1) return undefined;
      await this.#addColumns(table, run);
      await appendRows(this.#api, this.#connection, table, rows);
      await appendRows(this.#api, this.#connection, rejectsTable, rejectedRows(name, rows));
      return true;
    });
    return loaded ? 'loaded' : 'overtaken';
  }

  async createShadow({ shadow }: Swap, position: TablePosition): Promise<void> {
    await this.#transaction(async (run) => {
      await run(createTable(shadow));
      await run(addToLedger(fullName(shadow), position));
      return true;
    });
  }

  /** Nothing is lost, because the table itself stays and keeps everything that people have added to it. */
  async lostBySwap(): Promise<readonly string[]> {
    return [];
  }

  async hold({ table, shadow }: Swap): Promise<boolean> {
    const held = await this.#transaction(async (run) => {
      const ledger = await this.#readLedger();
      const position = ledger.get(fullName(table));
      const filled = ledger.get(fullName(shadow));
      if (!position || !filled || parseFilling(filled)) return undefined;
      const other = parseReplacing(position);
      if (other?.shadow === fullName(shadow)) return true;
      if (other && ledger.has(other.shadow)) return undefined;
      const tableId = `${replacingPrefix('held', shadow)}${ownPosition(position).tableId}`;
      await run(setTableId(fullName(table), tableId));
      return true;
    });
    return held === true;
  }

  async release({ table, shadow }: Swap): Promise<void> {
    await this.#transaction(async (run) => {
      const position = (await this.#readLedger()).get(fullName(table));
      const replacing = position && parseReplacing(position);
      if (replacing?.stage === 'held' && replacing.shadow === fullName(shadow))
        await run(setTableId(fullName(table), replacing.tableId));
      return true;
    });
  }

  /** Replaces the rows in one transaction, so that no process ever finds it half done. */
  async swap({ table, shadow }: Swap, least?: TablePosition): Promise<SwapOutcome> {
    const swapped = await this.#transaction(async (run) => {
      const ledger = await this.#readLedger();
      const position = ledger.get(fullName(table));
      const filled = ledger.get(fullName(shadow));
      const isHeld = position && parseReplacing(position)?.shadow === fullName(shadow);
      if (!isHeld || !filled || parseFilling(filled)) return undefined;
      if (least && (filled.tableId !== least.tableId || filled.version < least.version)) return undefined;
      // A rebuild also brings back a table that somebody dropped.
      await run(createTable(table));
      await this.#addColumns(table, run);
      await this.#addColumns(shadow, run);
      const columns = table.columns.map(({ name }) => quoteName(name)).join(', ');
      await run(`DELETE FROM ${quoteTable(table)}`);
      await run(`INSERT INTO ${quoteTable(table)} (${columns}) SELECT ${columns} FROM ${quoteTable(shadow)}`);
      await run(`DROP TABLE ${quoteTable(shadow)}`);
      const [name, shadowName] = [quoteText(fullName(table)), quoteText(fullName(shadow))];
      await run(`UPDATE ops.load_ledger SET ${setPosition(filled)} WHERE table_name = ${name}`);
      await run(`DELETE FROM ops.load_ledger WHERE table_name = ${shadowName}`);
      await run(`DELETE FROM ops.rejected_rows WHERE table_name = ${name}`);
      await run(`UPDATE ops.rejected_rows SET table_name = ${name} WHERE table_name = ${shadowName}`);
      return true;
    });
    return swapped ? 'swapped' : 'not-swapped';
  }

  async dropShadow(shadow: WarehouseTable): Promise<void> {
    const name = quoteText(fullName(shadow));
    await this.#transaction(async (run) => {
      const positions = [...(await this.#readLedger()).values()];
      if (positions.some((one) => parseReplacing(one)?.shadow === fullName(shadow))) return undefined;
      await run(`DELETE FROM ops.load_ledger WHERE table_name = ${name}`);
      await run(`DELETE FROM ops.rejected_rows WHERE table_name = ${name}`);
      await run(`DROP TABLE IF EXISTS ${quoteTable(shadow)}`);
      return true;
    });
  }

  /** Nothing is ever left here, because tables are made, renamed and dropped inside transactions. */
  async dropLeftovers(): Promise<void> {}

  /**
   * Runs one SELECT statement on a connection of its own. That connection cannot write, so the statement neither waits for loads nor
   * changes anything.
   */
  async query(sql: string): Promise<Record<string, unknown>[]> {
    const connection = await this.#instance.connect();
    try {
      const rows = await runSelect(connection, this.#api.StatementType.SELECT, sql);
      return await rows.getRowObjectsJson();
    } catch (error) {
      throw refused(this.name, error);
    } finally {
      connection.closeSync();
    }
  }

  async close(): Promise<void> {
    await this.#exclusive(async () => {
      this.#connection.closeSync();
      this.#instance.closeSync();
    });
  }

  async #addColumns(table: WarehouseTable, run: (sql: string) => Promise<number>): Promise<void> {
    for (const column of await this.#missing(table)) await run(addColumn(table, column));
  }

  async #missing(table: WarehouseTable): Promise<WarehouseColumn[]> {
    return columnsLackedBy(await columnNames(this.#connection, table), table);
  }

  /**
   * Runs `work` in a transaction and commits it, or rolls it back if `work` returns undefined. `run` resolves to the number of changed
   * rows.
   */
  #transaction<T>(work: (run: (sql: string) => Promise<number>) => Promise<T | undefined>) {
    return this.#exclusive(async () => {
      await this.#connection.run('BEGIN');
      try {
        const result = await work(async (sql) => (await this.#connection.run(sql)).rowsChanged);
        await this.#connection.run(result === undefined ? 'ROLLBACK' : 'COMMIT');
        return result;
      } catch (error) {
        await this.#connection.run('ROLLBACK').catch(() => {});
        throw error;
      }
    });
  }

  /** Runs work one after the other, because there is only one connection that writes. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work).catch((error: unknown) => {
      throw refused(this.name, error);
    });
    this.#last = result.catch(() => {});
    return result;
  }
}

function refused(name: string, error: unknown): TributaryError {
  if (error instanceof TributaryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const conflict = /conflict/i.test(message);
  return new TributaryError(
    conflict ? 'warehouse.unavailable' : 'warehouse.refused',
    `${name}: ${message.split('\n')[0]}`,
    { cause: error },
  );
}
