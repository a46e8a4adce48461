import {
  ColumnsMissing,
  type LakeDatabase,
  type LoadOptions,
  NoTable,
  type QueryResult,
  type TableRead,
} from '../lib/lakeQuery/lakeDatabase';
import { count, quantity } from '../lib/quantity';
import { isOutputCut } from './commandLine/runCommand';
import { noTable } from './names';
import { type OutputOptions, printResult } from './queryOutput';
import { showProgress } from './showProgress';

/** The outcome of a statement. */
export type Outcome = 'done' | 'stopped';

export interface SessionOptions extends OutputOptions {
  /** The version of the one table that a statement reads; undefined for the newest. */
  readonly version: number | undefined;
}

/** Statements that are run one after the other. */
export class QuerySession {
  readonly #database: LakeDatabase;
  #options: SessionOptions;
  #running: AbortController | undefined;

  constructor(database: LakeDatabase, options: SessionOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** How the rows of later statements are printed. */
  setFormat(format: SessionOptions['format']): void {
    this.#options = { ...this.#options, format };
  }

  /**
   * Prints the rows of a statement, and on stderr which versions of tables it read.
   * @throws an error that says what is wrong
   */
  async run(statement: string): Promise<Outcome> {
    const running = new AbortController();
    this.#running = running;
    try {
      const result = await this.#query(statement, running.signal);
      await printResult(result, { ...this.#options, signal: running.signal });
      return 'done';
    } catch (error) {
      if (error instanceof NoTable) throw new Error(noTable(error.at), { cause: error });
      if (!running.signal.aborted) throw error;
      if (!isOutputCut()) console.error('Stopped.');
      return 'stopped';
    } finally {
      this.#running = undefined;
    }
  }

  /** Stops the statement that runs; false if none does. */
  stop(): boolean {
    this.#running?.abort(new Error('Stopped.'));
    return this.#running !== undefined;
  }

  async #query(statement: string, signal: AbortSignal): Promise<QueryResult> {
    await this.#load(statement, { signal });
    try {
      return await this.#database.select(statement, signal);
    } catch (error) {
      if (!(error instanceof ColumnsMissing)) throw error;
    }
    await this.#load(statement, { signal, isWhole: true });
    return this.#database.select(statement, signal);
  }

  async #load(statement: string, options: LoadOptions): Promise<void> {
    const reads = await showProgress((report) =>
      this.#database.load(statement, {
        ...options,
        version: this.#options.version,
        onBytes: (table, done, total) =>
          report({ step: `${table}: MB`, done: megabytes(done), total: megabytes(total) }),
      }),
    );
    for (const read of reads) console.error(describeRead(read));
  }
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1_000_000);

function describeRead({ snapshot, bytes }: TableRead): string {
  const { at, version, committedAt, files } = snapshot;
  const since = committedAt === undefined ? '' : ` of ${new Date(committedAt).toISOString()}`;
  const size = [...files.values()].reduce((sum, add) => sum + add.size, 0);
  const copied = bytes === 0 ? '' : `, ${count(bytes)} of ${quantity(size, 'byte')} copied`;
  return `${at.table} version ${version}${since}: ${quantity(files.size, 'file')}${copied}.`;
}
