import { randomUUID } from 'node:crypto';
import type { TablePosition } from '../../delta/position';
import { TributaryError } from '../../errors';
import type { WarehouseTable } from '../../streams/stream';
import { fullName, type Load, type LoadOutcome } from '../warehouse';
import { doubledRows } from './ledger';
import { stageName, stageSchema } from './leftovers';
import { isAscii } from './literals';
import {
  columnList,
  fencedLoad,
  insertStatements,
  type Move,
  moveLedger,
  packBatches,
  selectOwn,
  touchIfReached,
} from './loadStatements';
import { addMissingColumns } from './newColumns';
import { countTouched, type SqlClient } from './sqlClient';
import { isAmbiguous, isNeverPossible, isUnknownColumn } from './sqlErrors';
import {
  copyInto,
  deleteLeftFiles,
  encodeCsv,
  type Staging,
  splitForCopy,
  splitRows,
  stagingPrefix,
} from './stagedFile';
import { createStage, type Dialect, dropIfExists, quoteTable } from './tables';
import { checkTextColumns } from './textColumns';

/** From this number of rows on, one transaction with a bulk load is faster than INSERT statements in one batch. */
const bulkThreshold = 500;
/** From this number of rows on, a staged file is faster than INSERT statements. */
const copyThreshold = 20_000;

export interface LoadSettings {
  /** The place where large loads of a dedicated pool are staged. Without it, every load uses INSERT statements. */
  readonly staging?: Staging;
  readonly copyThreshold?: number;
  readonly bulkThreshold?: number;
  /** Receives warnings about problems that were worked around. */
  readonly warn?: (message: string) => void;
}

export interface LoadsOptions extends LoadSettings {
  readonly client: SqlClient;
  readonly keepsMarks: () => Promise<boolean>;
  readonly dialect: () => Promise<Dialect>;
}

/**
 * Adds the rows of loads, each in one transaction with its change of the ledger. The method depends on the engine and the number of rows:
 *
 * | | few rows | many rows |
 * |---|---|---|
 * | a dedicated pool | one batch of INSERT statements | a staged file and COPY, then one INSERT |
 * | SQL Server, Azure SQL | one batch of INSERT statements | a bulk load |
 */
export class Loads {
  readonly #options: LoadsOptions;
  readonly #client: SqlClient;
  /** The names of the tables whose text columns were found right. */
  readonly #checked = new Set<string>();
  /** Resolves when the load that was asked for last has ended. */
  #last: Promise<void> = Promise.resolve();
  #copyRefused = false;
  #bulkRefused = false;

  constructor(options: LoadsOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  /** Does a load. A refused load has changed nothing. If the table lacks columns, they are added, and the load is tried again. */
  async load(load: Load): Promise<LoadOutcome> {
    await this.#checkText(load.table);
    if ((await this.#options.dialect()) !== 'pool') return this.#loadWithColumns(load);
    // Loads are done one at a time: the smallest pool runs only four statements at once, for everybody, and loads would wait at the ledger
    // anyway.
    const turn = this.#last.then(() => this.#loadWithColumns(load));
    this.#last = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  async #loadWithColumns(load: Load): Promise<LoadOutcome> {
    try {
      return await this.#loadOnce(load);
    } catch (error) {
      const isRefused = error instanceof TributaryError && error.code === 'warehouse.refused';
      if (!isRefused) throw error;
      const isAdded = await this.#client.described(() => addMissingColumns(this.#client, load.table));
      // Another process may have added the columns after the load was refused.
      if (isAdded || isUnknownColumn(error.cause)) return this.#loadOnce(load);
      if (!(await this.#usesBulk(load))) throw error;
      const outcome = await this.#loadFenced(load, await packBatches(insertStatements(load)));
      // An overtaken load does not show whether text would have been accepted.
      if (outcome === 'overtaken') return outcome;
      this.#bulkRefused = this.#isRefusedForGood('bulk load', error);
      return outcome;
    }
  }

  /** Whether a way to load is refused for good, usually because a right is missing. Other errors say nothing about the next load. */
  #isRefusedForGood(what: string, error: TributaryError): boolean {
    const isForGood = isNeverPossible(error.cause);
    const then = isForGood ? 'all rows go' : 'the rows of this load went';
    this.#options.warn?.(`${what} is refused, so ${then} in as text: ${error.message}`);
    return isForGood;
  }

  async #checkText(table: WarehouseTable): Promise<void> {
    const name = fullName(table);
    if (this.#checked.has(name)) return;
    const dialect = await this.#options.dialect();
    await this.#client.described(() => checkTextColumns(this.#client, table, dialect));
    this.#checked.add(name);
  }

  async #loadOnce(load: Load): Promise<LoadOutcome> {
    const { rows } = load;
    const { staging, copyThreshold: threshold = copyThreshold } = this.#options;
    const copies = staging && !this.#copyRefused && rows.count >= threshold;
    if (copies && (await this.#options.dialect()) === 'pool') return this.#loadStaged(load, staging);
    if (await this.#usesBulk(load)) return this.#loadBulk(load);
    return this.#loadFenced(load, await packBatches(insertStatements(load)));
  }

  async #usesBulk({ rows }: Load): Promise<boolean> {
    const { bulkThreshold: threshold = bulkThreshold } = this.#options;
    return !this.#bulkRefused && rows.count >= threshold && (await this.#options.dialect()) === 'server';
  }

  /**
   * Loads rows in binary form. Rejected rows, and rows with characters that the client might convert to another code page, are sent as
   * text.
   */
  async #loadBulk(load: Load): Promise<LoadOutcome> {
    const { columns } = load.table;
    const { staged, others } = splitRows(
      load.rows,
      (cell, column) =>
        typeof cell !== 'string' || isAscii(cell) || columns[column]?.type.startsWith('varchar') !== true,
    );
    if (staged.count === 0) return this.#loadFenced(load, await packBatches(insertStatements(load)));
    const batches = await packBatches(insertStatements({ ...load, rows: others }));
    return this.#fenced(load, (move) => this.#loadInSteps(move, batches, { ...load, rows: staged }));
  }

  #loadFenced(load: Load, batches: readonly string[]): Promise<LoadOutcome> {
    return this.#fenced(load, async (move) => {
      if (batches.length > 1) return this.#loadInSteps(move, batches);
      const { rows } = await this.#client.batch(fencedLoad({ ...move, body: batches[0] ?? '' }));
      return Number(rows[0]?.won);
    });
  }

  /** @param send does the load, and returns how many rows of the ledger it has changed */
  async #fenced(load: Load, send: (move: Move) => Promise<number>): Promise<LoadOutcome> {
    const { from, to } = load;
    const name = fullName(load.table);
    const move: Move = { name, from, to, token: randomUUID(), keepsMarks: await this.#options.keepsMarks() };
    try {
      const won = await send(move);
      if (won > 1) throw doubledRows(this.#client.name, name);
      return won === 1 ? 'loaded' : 'overtaken';
    } catch (error) {
      if (error instanceof TributaryError || !isAmbiguous(error)) throw this.#client.describe(error);
      return this.#resolve(name, to, error);
    }
  }

  /** Sends a load as several batches, or with rows in binary form, in one transaction. */
  async #loadInSteps(move: Move, batches: readonly string[], bulk?: Load): Promise<number> {
    let won = 0;
    await this.#client.transaction(async (run, addRows) => {
      await run(moveLedger(move));
      won = Number((await run(selectOwn(move.name, move.token))).rows[0]?.won);
      if (won !== 1) return undefined;
      if (bulk) await addRows(bulk.table, bulk.rows);
      for (const batch of batches) await run(batch);
      return won;
    });
    return won;
  }

  /** Finds out from the ledger whether a load was committed whose answer was lost. */
  async #resolve(name: string, to: TablePosition, cause: unknown): Promise<LoadOutcome> {
    if ((await this.#client.described(() => countTouched(this.#client.batch, touchIfReached(name, to)))) > 0)
      return 'loaded';
    throw this.#client.describe(cause);
  }

  /** Copies the rows into a table of their own, which needs no transaction, and then inserts them from there behind the fence. */
  async #loadStaged(load: Load, staging: Staging): Promise<LoadOutcome> {
    const { table } = load;
    const { staged, others } = splitForCopy(load.rows);
    if (staged.count === 0) return this.#loadFenced(load, await packBatches(insertStatements(load)));
    const id = randomUUID();
    const { identity: _, ...columns } = table;
    const stage: WarehouseTable = { ...columns, schema: stageSchema, name: stageName(id) };
    const path = `${stagingPrefix}${fullName(table)}-${id}.csv.gz`;
    await staging.store.put(path, await encodeCsv(table, staged));
    try {
      try {
        await this.#client.described(() => this.#client.batch(`${createStage(stage, 'pool')};`));
        await this.#client.described(() => this.#client.batch(copyInto(stage, staging.urlOf(path))));
      } catch (error) {
        if (!(error instanceof TributaryError) || error.code !== 'warehouse.refused') throw error;
        // The rows must be loaded all the same, even if it takes longer.
        this.#copyRefused = this.#isRefusedForGood('COPY INTO', error);
        return await this.#loadFenced(load, await packBatches(insertStatements(load)));
      }
      const list = columnList(table);
      const insert = `INSERT INTO ${quoteTable(table)} (${list}) SELECT ${list} FROM ${quoteTable(stage)};`;
      const rest = insertStatements({ ...load, rows: others });
      return await this.#loadFenced(load, await packBatches([{ text: insert, strings: 0 }], rest));
    } finally {
      // If this fails, it only leaves files or tables behind.
      await deleteLeftFiles(staging).catch(() => {});
      await staging.store.delete(path).catch(() => {});
      await this.#client.described(() => this.#client.batch(dropIfExists(stage))).catch(() => {});
    }
  }
}
