import { TributaryError } from '../errors';
import type { Add, Txn } from './actions';
import { addColumns } from './addColumns';
import { type AppendOutcome, append, createTable, ensureTakes } from './commit';
import { followState, type TableFollower } from './follow';
import { describeVersion, type TableLocation } from './log';
import { isStillInLog } from './position';
import type { Field, Value } from './schema';
import type { TableState } from './state';
import { restoreDataFile, writeDataFile } from './writeDataFile';

/**
 * Give up well before log cleaning could delete the version we started from: its number would be free again, and a commit written
 * there would never be read.
 */
const longestRoundMs = 3_600_000;

/**
 * Storage that goes back in time is away for longer than this, and answers are tried for meanwhile. So what took longer may have
 * happened partly before and partly after, and is looked at again.
 */
const slowMs = 1000;

/** What is ready to be committed on top of a state that the log was just seen to hold. */
export interface PreparedAppend {
  readonly state: TableState;
  /** The uploaded file, none where there are no rows. */
  readonly add: Add | undefined;
  /** Its rows. */
  readonly columns: readonly (readonly Value[])[] | undefined;
  /** When the log was looked at, in milliseconds since 1970. */
  readonly seenAt: number;
}

/**
 * A table that this process appends to. It remembers the newest version it knows of, without files, and makes the table
 * when there is none, and columns that it lacks.
 */
export class TableAppender {
  readonly at: TableLocation;
  readonly fields: readonly Field[];
  readonly #now: () => number;
  readonly #follower: TableFollower;
  /** Whether the follower's state takes our rows; false also where it has to be read again before it is used. */
  #isReady = false;

  /** @param now milliseconds since 1970; the clock unless told */
  constructor(options: { at: TableLocation; fields: readonly Field[]; now?: () => number }) {
    this.at = options.at;
    this.fields = options.fields;
    this.#now = options.now ?? Date.now;
    this.#follower = followState(this.at);
  }

  /** The newest version that this process knows of. Throws `delta.schema` when the table cannot take our columns. */
  async state(): Promise<TableState> {
    return (this.#isReady && this.#follower.state) || this.refresh();
  }

  /** The newest version: what was committed since is read first. Throws what `state` throws. */
  async refresh(): Promise<TableState> {
    this.#isReady = false;
    let state = await this.#follower.toHead();
    while (!state) {
      await createTable(this.at, this.fields);
      state = await this.#follower.toHead();
    }
    const columns = new Set(state.fields.map(({ name }) => name));
    // A stream that gained columns; files written before read as null there.
    if (!this.fields.every(({ name }) => columns.has(name))) {
      state = (await addColumns(this.at, this.fields)).state;
      this.#follower.standAt(state);
    }
    ensureTakes(state, this.fields);
    this.#isReady = true;
    return state;
  }

  /** Has the log read again before its state is used: the fate of a commit is unknown, or the log is not what it was. */
  forget(): void {
    this.#isReady = false;
  }

  /**
   * Uploads values by column, in the order of the fields, as one file, and looks beside that whether the log still holds what
   * `state` stands on. Undefined where it does not, for storage went back in time or the table was deleted: then what is to be
   * written must be worked out again from a fresh state. The uploaded file is left to vacuum.
   */
  async prepare(
    state: TableState,
    columns: readonly (readonly Value[])[] | undefined,
  ): Promise<PreparedAppend | undefined> {
    const seenAt = this.#now();
    const { at, fields } = this;
    const upload = columns && writeDataFile({ at, fields, columns });
    const [add, holds] = await settled(upload, isStillInLog(state));
    if (holds) return { state, add, columns, seenAt };
    this.forget();
    return undefined;
  }

  /**
   * Commits a file and txns; see `append`. `moved` also where storage went back in time since the look of `prepare`.
   * @throws `delta.contention` for what was prepared an hour ago
   */
  async commit(prepared: PreparedAppend, txns: readonly Txn[], rows: number): Promise<AppendOutcome> {
    const { state, add, seenAt } = prepared;
    if (this.#now() - seenAt > longestRoundMs) {
      const where = describeVersion(state.at, state.version);
      throw new TributaryError('delta.contention', `${where} was read more than an hour ago: read it again.`);
    }
    if (this.#isSlow(seenAt) && !((await isStillInLog(state)) && (await this.#isStored(add)))) {
      this.forget();
      return { outcome: 'moved', state };
    }
    const adds = add ? [add] : [];
    const outcome = await append({
      state,
      fields: this.fields,
      adds,
      txns,
      operationMetrics: { numOutputRows: String(rows), numFiles: String(adds.length) },
    });
    if (outcome.outcome === 'committed' && this.#isSlow(seenAt)) await this.#restore(prepared);
    const known = this.#follower.state;
    // Two commits may end in either order.
    if (!known || outcome.state.version > known.version) this.#follower.standAt(outcome.state);
    return outcome;
  }

  /**
   * Appends rows whatever else was committed meanwhile: without a txn there is nothing to work out again. Returns the state that
   * holds them.
   */
  async appendRows(columns: readonly (readonly Value[])[], rows: number): Promise<TableState> {
    for (;;) {
      const prepared = await this.prepare(await this.state(), columns);
      const done = prepared && (await this.commit(prepared, [], rows));
      if (done?.outcome === 'committed') return done.state;
    }
  }

  #isSlow(sinceMs: number): boolean {
    return this.#now() - sinceMs > slowMs;
  }

  async #isStored(add: Add | undefined): Promise<boolean> {
    return !add || (await this.at.store.getRange(`${this.at.table}/${add.path}`, 0, 1)) !== undefined;
  }

  /** The commit may have come through after storage had lost the file that it names. */
  async #restore({ add, columns }: PreparedAppend): Promise<void> {
    if (!add || !columns || (await this.#isStored(add))) return;
    await restoreDataFile({ at: this.at, fields: this.fields, columns }, add);
  }
}

/** Both values, or the first one's error, once nothing is under way any more. */
async function settled<A, B>(first: Promise<A> | A, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === 'rejected') throw a.reason;
  if (b.status === 'rejected') throw b.reason;
  return [a.value, b.value];
}
