import { TributaryError } from '../errors';
import type { Add, Txn } from './actions';
import { addColumns } from './addColumns';
import { type AppendOutcome, append, createTable, ensureTakes } from './commit';
import { describeVersion, readCommit, type TableLocation } from './log';
import { advanceState, openState, readNewer } from './openTable';
import type { Field, Value } from './schema';
import type { TableState } from './state';
import { writeDataFile } from './writeDataFile';

/**
 * A state that was not compared with the log for longer than this is, before it is used. Its next version may be free only
 * because the table was deleted or made again, or because that version has been cleaned away by now.
 */
const trustedMs = 60_000;
/** Long before a log entry is cleaned away. */
const mostRoundMs = 3_600_000;

/**
 * A table that this process appends to. It remembers the newest version it knows of, without files, and makes the table
 * when there is none, and columns that it lacks.
 */
export class TableAppender {
  readonly at: TableLocation;
  readonly fields: readonly Field[];
  readonly #now: () => number;
  #state: TableState | undefined;
  /** What the log was last seen to hold, and when. Our own commits do not count: they may go where nobody reads. */
  #seen: TableState | undefined;
  #seenAt: number;

  /** @param now milliseconds since 1970; the clock unless told */
  constructor(options: { at: TableLocation; fields: readonly Field[]; now?: () => number }) {
    this.at = options.at;
    this.fields = options.fields;
    this.#now = options.now ?? Date.now;
    this.#seenAt = this.#now();
  }

  /** The newest version that this process knows of. Throws `delta.schema` when the table cannot take our columns. */
  async state(): Promise<TableState> {
    const known = this.#state;
    const askedAt = this.#now();
    if (known && askedAt - this.#seenAt < trustedMs) return known;
    if (known && this.#seen && (await isInLog(this.#seen))) return this.#saw(known, askedAt);
    this.forget();
    let state = await openState(this.at);
    while (!state) {
      await createTable(this.at, this.fields);
      state = await openState(this.at);
    }
    const columns = new Set(state.fields.map(({ name }) => name));
    // A stream that gained columns; files written before read as null there.
    if (!this.fields.every(({ name }) => columns.has(name)))
      state = (await addColumns(this.at, this.fields)).state;
    ensureTakes(state, this.fields);
    return this.#saw(this.#remember(state), askedAt);
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

  /** Commits files and txns on top of `state`; see `append`. Throws `delta.contention` for a state of an hour ago. */
  async commit(
    state: TableState,
    adds: readonly Add[],
    txns: readonly Txn[],
    rows: number,
  ): Promise<AppendOutcome> {
    if (this.#now() - this.#seenAt > mostRoundMs) {
      const where = describeVersion(state.at, state.version);
      throw new TributaryError('delta.contention', `${where} was read more than an hour ago: read it again.`);
    }
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

  #saw(state: TableState, at: number): TableState {
    this.#seen = state;
    this.#seenAt = at;
    return state;
  }

  #remember(state: TableState): TableState {
    // Two commits may end in either order.
    if (!this.#state || state.version >= this.#state.version) this.#state = state;
    return state;
  }
}

/** Whether the version is there still, and is the same commit. A commit that does not say when it was made is not known again. */
async function isInLog({ at, version, committedAt }: TableState): Promise<boolean> {
  const timestamp = (await readCommit(at, version))?.commitInfo?.timestamp;
  return timestamp !== undefined && timestamp === committedAt;
}
