import type { Add, Txn } from './actions';
import { addColumns } from './addColumns';
import { type AppendOutcome, append, createTable, ensureTakes } from './commit';
import type { TableLocation } from './log';
import { advanceState, openState, readNewer } from './openTable';
import type { Field, Value } from './schema';
import type { TableState } from './state';
import { writeDataFile } from './writeDataFile';

/** A state older than this is read again: its next version may have been cleaned away by now. */
const staleAfterMs = 3_600_000;

/**
 * A table that this process appends to. It remembers the newest version it knows of, without files, and makes the table
 * when there is none, and columns that it lacks.
 */
export class TableAppender {
  readonly at: TableLocation;
  readonly fields: readonly Field[];
  readonly #now: () => number;
  #state: TableState | undefined;
  #readAt = 0;

  /** @param now milliseconds since 1970; the clock unless told */
  constructor(options: { at: TableLocation; fields: readonly Field[]; now?: () => number }) {
    this.at = options.at;
    this.fields = options.fields;
    this.#now = options.now ?? Date.now;
  }

  /** The newest version that this process knows of. Throws `delta.schema` when the table cannot take our columns. */
  async state(): Promise<TableState> {
    if (this.#state && this.#now() - this.#readAt < staleAfterMs) return this.#state;
    let state = await openState(this.at);
    while (!state) {
      await createTable(this.at, this.fields);
      state = await openState(this.at);
    }
    const known = new Set(state.fields.map(({ name }) => name));
    // A stream that gained columns; files written before read as null there.
    if (!this.fields.every(({ name }) => known.has(name)))
      state = (await addColumns(this.at, this.fields)).state;
    ensureTakes(state, this.fields);
    return this.#remember(state);
  }

  /** The newest version: the remembered one and what was committed since. Throws what `state` throws. */
  async refresh(): Promise<TableState> {
    const state = await this.state();
    const commits = await readNewer(state);
    if (commits) return commits.length === 0 ? state : this.#remember(advanceState(state, commits));
    this.forget();
    return this.state();
  }

  /** Has the state read again before it is used: the fate of a commit is unknown. */
  forget(): void {
    this.#state = undefined;
  }

  /** Writes values by column, in the order of the fields, as one file, which the next commit makes part of the table. */
  writeRows(columns: readonly (readonly Value[])[]): Promise<Add> {
    return writeDataFile({ at: this.at, fields: this.fields, columns });
  }

  /** Commits files and txns on top of `state`; see `append`. */
  async commit(
    state: TableState,
    adds: readonly Add[],
    txns: readonly Txn[],
    rows: number,
  ): Promise<AppendOutcome> {
    const outcome = await append({
      state,
      fields: this.fields,
      adds,
      txns,
      operationMetrics: { numOutputRows: String(rows), numFiles: String(adds.length) },
    });
    this.#remember(outcome.state);
    return outcome;
  }

  #remember(state: TableState): TableState {
    // Two commits may end in either order.
    if (!this.#state || state.version >= this.#state.version) this.#state = state;
    this.#readAt = this.#now();
    return state;
  }
}
