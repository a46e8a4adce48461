import { randomUUID } from 'node:crypto';
import type { TablePosition } from '../../delta/position';
import { TributaryError } from '../../errors';
import type { WarehouseTable } from '../../streams/stream';
import type { SqlAddress } from '../connectionString';
import { replacingPrefix } from '../shadow';
import {
  fullName,
  type Load,
  type LoadOutcome,
  type Swap,
  type SwapOutcome,
  type Warehouse,
} from '../warehouse';
import { holdLoads, releaseLoads } from './hold';
import { copyGrants, lostBySwap, readLayout } from './keptBySwap';
import { doubledRows, Ledger } from './ledger';
import { leftoversOf, listTables, stageName, stageSchema } from './leftovers';
import { escapeLike, quoteText } from './literals';
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
import { addMissingColumns, missingColumns } from './newColumns';
import { countTouched, SqlClient } from './sqlClient';
import { isAmbiguous, isMadeMeanwhile } from './sqlErrors';
import { copyInto, encodeCsv, type Staging, splitForCopy, stagingPrefix } from './stagedFile';
import { swapTables } from './swapTables';
import {
  addToLedger,
  createStage,
  createTable,
  type Dialect,
  existsTable,
  ledgerTable,
  opsScript,
  quoteTable,
  rejectsTable,
  tableScript,
} from './tables';

/** From this number of rows on, a staged file is faster than INSERT statements. */
const copyThreshold = 20_000;

/** A swap may copy all rows of a table in one statement. */
const swapTimeoutMs = 2 * 3_600_000;

export interface SynapseOptions {
  readonly address: SqlAddress;
  /** Where large loads are staged. Without it, every load uses INSERT statements. */
  readonly staging?: Staging;
  readonly copyThreshold?: number;
  readonly requestTimeoutMs?: number;
  /** Receives warnings about problems that were worked around. */
  readonly warn?: (message: string) => void;
}

/** A dedicated SQL pool of Synapse, Azure SQL or SQL Server. Nothing is sent before the first call. */
export function openSynapse(options: SynapseOptions): Warehouse {
  return new SynapseWarehouse(options);
}

class SynapseWarehouse implements Warehouse {
  readonly #options: SynapseOptions;
  readonly #client: SqlClient;
  readonly #ledger: Ledger;
  #dialect: Dialect | undefined;
  #copyRefused = false;

  constructor(options: SynapseOptions) {
    this.#options = options;
    this.#client = new SqlClient(options);
    this.#ledger = new Ledger(this.#client, (message) => options.warn?.(message));
  }

  get name(): string {
    return this.#client.name;
  }

  async init(tables: readonly WarehouseTable[]): Promise<void> {
    const dialect = await this.#whichDialect();
    for (const statement of opsScript(dialect)) await this.#make(statement);
    await this.#findMarks();
    for (const table of tables) {
      for (const statement of tableScript(table, dialect)) await this.#make(statement);
      await this.#described(() => addMissingColumns(this.#client, table));
    }
  }

  /** Runs a statement that makes something if it is missing. If another process makes it at that moment, a second look finds it. */
  async #make(statement: string): Promise<void> {
    try {
      await this.#client.batch(statement);
    } catch (error) {
      if (!isMadeMeanwhile(error)) throw this.#client.describe(error);
      await this.#run(statement);
    }
  }

  async ledger(): Promise<ReadonlyMap<string, TablePosition>> {
    return this.#described(() => this.#ledger.read());
  }

  keepsMarks(): boolean | undefined {
    return this.#ledger.keepsMarks;
  }

  async missingColumns(table: WarehouseTable): Promise<readonly string[]> {
    const missing = await this.#described(() => missingColumns(this.#client, table));
    return missing.map(({ name }) => name);
  }

  /** A refused load has changed nothing. If the table lacks columns, they are added, and the load is tried again. */
  async load(load: Load): Promise<LoadOutcome> {
    try {
      return await this.#loadOnce(load);
    } catch (error) {
      const isRefused = error instanceof TributaryError && error.code === 'warehouse.refused';
      if (!isRefused || !(await this.#described(() => addMissingColumns(this.#client, load.table))))
        throw error;
      return this.#loadOnce(load);
    }
  }

  async #loadOnce(load: Load): Promise<LoadOutcome> {
    const { rows } = load;
    const { staging, copyThreshold: threshold = copyThreshold } = this.#options;
    const copies = staging && !this.#copyRefused && rows.count >= threshold;
    if (copies && (await this.#whichDialect()) === 'pool') return this.#loadStaged(load, staging);
    return this.#loadFenced(load, packBatches(insertStatements(load)));
  }

  async createShadow({ table, shadow }: Swap, position: TablePosition): Promise<void> {
    const [dialect, keepsMarks] = [await this.#whichDialect(), await this.#findMarks()];
    const layout =
      dialect === 'pool' ? await this.#described(() => readLayout(this.#client, table)) : undefined;
    await this.#run(`${createTable(shadow, dialect, layout)};`);
    const mark = keepsMarks ? position.mark : undefined;
    await this.#run(addToLedger(fullName(shadow), { ...position, mark }));
  }

  async lostBySwap(table: WarehouseTable): Promise<readonly string[]> {
    const dialect = await this.#whichDialect();
    return this.#described(() => lostBySwap(this.#client, table, dialect));
  }

  hold(swap: Swap): Promise<boolean> {
    return this.#described(() => holdLoads(this.#client, this.#ledger, swap));
  }

  release(swap: Swap): Promise<void> {
    return this.#described(() => releaseLoads(this.#client, this.#ledger, swap));
  }

  async swap(swap: Swap): Promise<SwapOutcome> {
    const [dialect, keepsMarks] = [await this.#whichDialect(), await this.#findMarks()];
    return this.#described(async () => {
      await addMissingColumns(this.#client, dialect === 'pool' ? swap.shadow : swap.table);
      if (dialect === 'pool') await this.#copyGrants(swap);
      const client = new SqlClient({ ...this.#options, requestTimeoutMs: swapTimeoutMs });
      try {
        return await swapTables({ client, ledger: this.#ledger, dialect, keepsMarks }, swap);
      } catch (error) {
        throw client.describe(error);
      } finally {
        void client.close();
      }
    });
  }

  async #copyGrants(swap: Swap): Promise<void> {
    const refused = await copyGrants(this.#client, swap);
    if (refused.length > 0)
      this.#options.warn?.(
        `Rights on ${fullName(swap.table)} are lost, because this login may not grant them again: ${refused.join(' ')}`,
      );
  }

  async dropShadow(shadow: WarehouseTable): Promise<void> {
    const name = quoteText(fullName(shadow));
    const taking = [
      ...(['held', 'renaming'] as const).map(
        (stage) => `delta_id LIKE ${quoteText(`${escapeLike(replacingPrefix(stage, shadow))}%`)}`,
      ),
      `delta_id = ${quoteText(`swap:${fullName(shadow)}`)}`,
    ].join(' OR ');
    const touched = await countTouched(
      (text) => this.#run(text),
      `DELETE FROM ${ledgerTable} WHERE table_name = ${name} AND NOT EXISTS (SELECT * FROM ${ledgerTable} WHERE ${taking});`,
    );
    if (touched === 0) return;
    await this.#run(`DELETE FROM ${rejectsTable} WHERE table_name = ${name};`);
    await this.#run(dropIfExists(shadow));
  }

  async dropLeftovers(table: WarehouseTable): Promise<void> {
    try {
      // List the tables before the ledger, so that a table that is created in between is not in the list.
      const { rows } = await this.#run(listTables);
      const known = new Set((await this.ledger()).keys());
      for (const one of leftoversOf(table, rows, known)) await this.#run(dropIfExists(one));
    } catch (error) {
      // Only warn, because the rebuild itself is done.
      this.#options.warn?.(
        `Tables that are not needed any more stay: ${this.#client.describe(error).message}`,
      );
    }
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.#run(sql)).rows;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #loadFenced(load: Load, batches: readonly string[]): Promise<LoadOutcome> {
    const { from, to } = load;
    const name = fullName(load.table);
    const move: Move = { name, from, to, token: randomUUID(), keepsMarks: await this.#findMarks() };
    try {
      const won =
        batches.length > 1
          ? await this.#loadInSteps(move, batches)
          : await this.#client
              .batch(fencedLoad({ ...move, body: batches[0] ?? '' }))
              .then(({ rows }) => Number(rows[0]?.won));
      if (won > 1) throw doubledRows(this.name, name);
      return won === 1 ? 'loaded' : 'overtaken';
    } catch (error) {
      if (error instanceof TributaryError || !isAmbiguous(error)) throw this.#client.describe(error);
      return this.#resolve(name, to, error);
    }
  }

  /** Sends a load that is too large for one batch as several batches in one transaction. */
  async #loadInSteps(move: Move, batches: readonly string[]): Promise<number> {
    let won = 0;
    await this.#client.transaction(async (run) => {
      await run(moveLedger(move));
      won = Number((await run(selectOwn(move.name, move.token))).rows[0]?.won);
      if (won !== 1) return undefined;
      for (const batch of batches) await run(batch);
      return won;
    });
    return won;
  }

  /** If the answer was lost, the ledger tells whether the load was committed. */
  async #resolve(name: string, to: TablePosition, cause: unknown): Promise<LoadOutcome> {
    if ((await countTouched((text) => this.#run(text), touchIfReached(name, to))) > 0) return 'loaded';
    throw this.#client.describe(cause);
  }

  /** Copies the rows into a heap of their own, which needs no transaction, and then inserts from it with the fence. */
  async #loadStaged(load: Load, staging: Staging): Promise<LoadOutcome> {
    const { table } = load;
    const { staged, others } = splitForCopy(load.rows);
    const id = randomUUID();
    const { identity: _, ...columns } = table;
    const stage: WarehouseTable = { ...columns, schema: stageSchema, name: stageName(id) };
    const path = `${stagingPrefix}${fullName(table)}-${id}.csv.gz`;
    await staging.store.put(path, await encodeCsv(table, staged));
    try {
      try {
        await this.#run(`${createStage(stage, 'pool')};`);
        await this.#run(copyInto(stage, staging.urlOf(path)));
      } catch (error) {
        if (!(error instanceof TributaryError) || error.code !== 'warehouse.refused') throw error;
        // Usually a right is missing. The rows must still be loaded, even if that is slower.
        this.#copyRefused = true;
        this.#options.warn?.(`COPY INTO is refused, so rows go in as text: ${error.message}`);
        return await this.#loadFenced(load, packBatches(insertStatements(load)));
      }
      const list = columnList(table);
      const insert = `INSERT INTO ${quoteTable(table)} (${list}) SELECT ${list} FROM ${quoteTable(stage)};`;
      const rest = insertStatements({ ...load, rows: others });
      return await this.#loadFenced(load, packBatches([{ text: insert, strings: 0 }, ...rest]));
    } finally {
      // A failure here only leaves files or tables behind.
      await staging.store.delete(path).catch(() => {});
      await this.#run(dropIfExists(stage)).catch(() => {});
    }
  }

  async #whichDialect(): Promise<Dialect> {
    if (this.#dialect) return this.#dialect;
    const { rows } = await this.#run(`SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition;`);
    const edition = Number(rows[0]?.edition);
    if (edition === 11) {
      throw new TributaryError(
        'warehouse.refused',
        `${this.name} is a serverless SQL pool, which has no tables of its own: expected a dedicated pool, Azure SQL or SQL Server.`,
      );
    }
    this.#dialect = edition === 6 ? 'pool' : 'server';
    return this.#dialect;
  }

  #findMarks(): Promise<boolean> {
    return this.#described(() => this.#ledger.findMarks());
  }

  #run(text: string) {
    return this.#described(() => this.#client.batch(text));
  }

  async #described<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#client.describe(error);
    }
  }
}

const dropIfExists = (table: Pick<WarehouseTable, 'schema' | 'name'>) =>
  `IF ${existsTable(fullName(table))} DROP TABLE ${quoteTable(table)};`;
