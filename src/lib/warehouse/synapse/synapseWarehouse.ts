import type { TablePosition } from '../../delta/position';
import { hourMs } from '../../duration';
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
import { askEngine, dialectOf, readEngine } from './engine';
import { holdLoads, releaseLoads } from './hold';
import { lostBySwap } from './keptBySwap';
import { Ledger } from './ledger';
import { leftoversOf, listTables } from './leftovers';
import { escapeLike, quoteText } from './literals';
import { type LoadSettings, Loads } from './loads';
import { addMissingColumns, missingColumns } from './newColumns';
import { type BatchResult, countTouched, SqlClient } from './sqlClient';
import { isMadeMeanwhile } from './sqlErrors';
import { swapTables } from './swapTables';
import { copyGrants, unseenGrants } from './tableGrants';
import { readLayout } from './tableLayout';
import {
  addToLedger,
  createTable,
  type Dialect,
  dropIfExists,
  ledgerTable,
  opsScript,
  rejectsTable,
  tableScript,
  viewScript,
} from './tables';
import { checkTextColumns } from './textColumns';

/** How long a replacement may take, in milliseconds. It may copy all rows of a table in one statement. */
const swapTimeoutMs = 2 * hourMs;

export interface SynapseOptions extends LoadSettings {
  readonly address: SqlAddress;
  readonly requestTimeoutMs?: number;
}

/** A dedicated SQL pool of Synapse, Azure SQL or SQL Server. Nothing is sent before the first call. */
export function openSynapse(options: SynapseOptions): Warehouse {
  return new SynapseWarehouse(options);
}

class SynapseWarehouse implements Warehouse {
  readonly kind = 'sql';
  readonly #options: SynapseOptions;
  readonly #client: SqlClient;
  readonly #ledger: Ledger;
  readonly #loads: Loads;
  #dialect: Dialect | undefined;

  constructor(options: SynapseOptions) {
    this.#options = options;
    this.#client = new SqlClient(options);
    this.#ledger = new Ledger(this.#client, (message) => options.warn?.(message));
    this.#loads = new Loads({
      ...options,
      client: this.#client,
      keepsMarks: () => this.#findMarks(),
      dialect: () => this.#whichDialect(),
    });
  }

  get name(): string {
    return this.#client.name;
  }

  async init(tables: readonly WarehouseTable[]): Promise<void> {
    const dialect = await this.#whichDialect();
    for (const statement of opsScript(dialect)) await this.#make(statement);
    await this.#findMarks();
    if (dialect === 'server') await this.#client.described(() => this.#ledger.addKey());
    for (const table of tables) {
      for (const statement of tableScript(table, dialect)) await this.#make(statement);
      await this.#client.described(async () => {
        await addMissingColumns(this.#client, table);
        await checkTextColumns(this.#client, table, dialect);
      });
      for (const statement of viewScript(table)) await this.#make(statement);
    }
  }

  /** Runs a statement that makes something if it is missing. If another process makes it at the same moment, a second try finds it. */
  async #make(statement: string): Promise<void> {
    try {
      await this.#client.batch(statement);
    } catch (error) {
      if (!isMadeMeanwhile(error)) throw this.#client.describe(error);
      await this.#run(statement);
    }
  }

  async ledger(): Promise<ReadonlyMap<string, TablePosition>> {
    // An engine that is not supported is refused before anything else is asked of it.
    await this.#whichDialect();
    return this.#client.described(() => this.#ledger.read());
  }

  keepsMarks(): boolean | undefined {
    return this.#ledger.keepsMarks;
  }

  async missingColumns(table: WarehouseTable): Promise<readonly string[]> {
    const missing = await this.#client.described(() => missingColumns(this.#client, table));
    return missing.map(({ name }) => name);
  }

  load(load: Load): Promise<LoadOutcome> {
    return this.#loads.load(load);
  }

  async createShadow({ table, shadow }: Swap, position: TablePosition): Promise<void> {
    const [dialect, keepsMarks] = [await this.#whichDialect(), await this.#findMarks()];
    const found =
      dialect === 'pool' ? await this.#client.described(() => readLayout(this.#client, table)) : undefined;
    await this.#run(`${createTable(shadow, dialect, found?.layout)};`);
    const mark = keepsMarks ? position.mark : undefined;
    await this.#run(addToLedger(fullName(shadow), { ...position, mark }));
  }

  async lostBySwap(table: WarehouseTable): Promise<readonly string[]> {
    const dialect = await this.#whichDialect();
    return this.#client.described(() => lostBySwap(this.#client, table, dialect));
  }

  hold(swap: Swap): Promise<boolean> {
    return this.#client.described(() => holdLoads(this.#client, this.#ledger, swap));
  }

  release(swap: Swap): Promise<void> {
    return this.#client.described(() => releaseLoads(this.#client, this.#ledger, swap));
  }

  async swap(swap: Swap, least?: TablePosition): Promise<SwapOutcome> {
    const [dialect, keepsMarks] = [await this.#whichDialect(), await this.#findMarks()];
    return this.#client.described(async () => {
      // A rebuild also brings back a table that somebody dropped.
      if (dialect !== 'pool') for (const sql of tableScript(swap.table, dialect)) await this.#make(sql);
      // A process that did not know all columns may have made the shadow.
      await addMissingColumns(this.#client, swap.shadow);
      if (dialect === 'pool') await this.#copyGrants(swap);
      else {
        await addMissingColumns(this.#client, swap.table);
        await checkTextColumns(this.#client, swap.table, dialect);
      }
      const client = new SqlClient({ ...this.#options, requestTimeoutMs: swapTimeoutMs });
      try {
        return await swapTables({ client, ledger: this.#ledger, dialect, keepsMarks }, swap, least);
      } catch (error) {
        throw client.describe(error);
      } finally {
        void client.close();
      }
    });
  }

  async #copyGrants(swap: Swap): Promise<void> {
    for (const unseen of await unseenGrants(this.#client))
      this.#options.warn?.(`${fullName(swap.table)}: ${unseen}`);
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

  async #whichDialect(): Promise<Dialect> {
    if (this.#dialect) return this.#dialect;
    const { rows } = await this.#run(askEngine);
    this.#dialect = dialectOf(readEngine(rows[0] ?? {}), this.name);
    return this.#dialect;
  }

  #findMarks(): Promise<boolean> {
    return this.#client.described(() => this.#ledger.findMarks());
  }

  #run(text: string): Promise<BatchResult> {
    return this.#client.described(() => this.#client.batch(text));
  }
}
