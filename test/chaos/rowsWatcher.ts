import { setTimeout as sleep } from 'node:timers/promises';
import type { TdsServer } from '../kit/tds/tdsServer';

/** Counts the rows of a table of the warehouse again and again, as readers see it who wait for commits. They must never get fewer. */
export class RowsWatcher {
  /** While this is set, there may be fewer: the lake is rolled back. */
  mayFall = false;
  /** How often the rows were counted. */
  seen = 0;
  readonly #problems: string[] = [];
  readonly #stopping = new AbortController();
  readonly #watching: Promise<void>;

  constructor(server: TdsServer, table: string) {
    this.#watching = this.#watch(server, table);
  }

  /** Ends the watching, and returns the problems. */
  async stop(): Promise<readonly string[]> {
    this.#stopping.abort();
    await this.#watching;
    return this.#problems.slice(0, 10);
  }

  async #watch({ engine }: TdsServer, table: string): Promise<void> {
    const { signal } = this.#stopping;
    let last = 0;
    while (!signal.aborted) {
      await sleep(20, undefined, { signal }).catch(() => {});
      // While a dedicated pool renames tables there is none, which a reader's query waits for or fails at.
      const rows = (await engine.committedRows(table))?.length;
      if (rows === undefined) continue;
      this.seen++;
      if (rows < last && !this.mayFall) this.#problems.push(`${table} had ${last} rows and then ${rows}.`);
      last = rows;
    }
  }
}
