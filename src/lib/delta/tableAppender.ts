import { hourMs } from '../duration';
import { TributaryError } from '../errors';
import type { Add, Txn } from './actions';
import { addColumns } from './addColumns';
import type { ColumnValues } from './columnValues';
import { type AppendOutcome, append, createTable, ensureTakes } from './commit';
import { followState, type TableFollower } from './follow';
import { describeVersion, type TableLocation } from './log';
import { isStillInLog } from './position';
import type { Field } from './schema';
import type { TableState } from './state';
import { discardDataFile, orDiscard, restoreDataFile, writeDataFile } from './writeDataFile';

/**
 * A round is given up after this time, in milliseconds. Log cleaning must not delete the version from which the round started: its number
 * would be free again, and a commit with that number would never be read.
 */
const longestRoundMs = hourMs;

/**
 * A state is used for an hour at most, and then the log is read again. The entry of the state may still be there although the state is
 * not the newest: a cleaning that was interrupted may have left this entry and deleted the next ones.
 */
const longestKnownMs = longestRoundMs;

/**
 * Storage that goes back in time is away for longer than this, and requests are retried meanwhile. So a round that takes longer may have
 * begun before storage went back and ended after it. The writes of such a round are checked again.
 */
const slowMs = 1000;

/** Rows that are ready to be committed, and the state that they build on, which has just been compared with the log. */
export interface PreparedAppend {
  readonly state: TableState;
  /** The uploaded file; undefined if there are no rows. */
  readonly add: Add | undefined;
  /** The rows of the file. */
  readonly columns: readonly ColumnValues[] | undefined;
  /** When the log was compared, in milliseconds since 1970. */
  readonly seenAt: number;
}

/**
 * A table that this process appends to. It remembers the newest known version without its files. It creates the table, and missing
 * columns, if necessary.
 */
export class TableAppender {
  readonly at: TableLocation;
  readonly fields: readonly Field[];
  readonly #now: () => number;
  readonly #follower: TableFollower;
  /** True if the follower's state takes our rows. False also if the state must be read again before it is used. */
  #isReady = false;
  /** When the follower's state was last seen to be the newest, in milliseconds since 1970. */
  #knownAt = Number.NEGATIVE_INFINITY;

  /** @param now the clock, in milliseconds since 1970; the real one if missing */
  constructor(options: { at: TableLocation; fields: readonly Field[]; now?: () => number }) {
    this.at = options.at;
    this.fields = options.fields;
    this.#now = options.now ?? Date.now;
    this.#follower = followState(this.at);
  }

  /**
   * The newest version that this process knows of, and knew within the last hour. Throws `delta.schema` when the table cannot take
   * our columns.
   */
  async state(): Promise<TableState> {
    const isKnown = this.#isReady && this.#now() - this.#knownAt <= longestKnownMs;
    return (isKnown && this.#follower.state) || this.refresh();
  }

  /** The newest version, after reading new commits. Throws what `state` throws. */
  async refresh(): Promise<TableState> {
    this.#isReady = false;
    const knownAt = this.#now();
    let state = await this.#follower.toHead();
    while (!state) {
      await createTable(this.at, this.fields);
      state = await this.#follower.toHead();
    }
    const columns = new Set(state.fields.map(({ name }) => name));
    // These are columns that the stream has gained. In files written before, they read as null.
    const missing = this.fields.filter(({ name }) => !columns.has(name));
    if (missing.length > 0) {
      // If the table would refuse the rows even with these columns, it is left as it is.
      ensureTakes({ ...state, fields: [...state.fields, ...missing] }, this.fields);
      state = (await addColumns(this.at, this.fields)).state;
      this.#follower.standAt(state);
    }
    ensureTakes(state, this.fields);
    this.#isReady = true;
    this.#knownAt = knownAt;
    return state;
  }

  /** Makes the next call read the log again, because the outcome of a commit is unknown or the log has changed. */
  forget(): void {
    this.#isReady = false;
  }

  /**
   * Uploads values by column, in the order of the fields, as one file. Meanwhile it checks that the log still holds the entries
   * that `state` is based on. If not, storage went back in time or the table was deleted: it returns undefined, and the caller must
   * plan again from a fresh state.
   * @throws `delta.schema` or `delta.unsupported`, before anything is uploaded, if the table does not take our rows
   */
  async prepare(
    state: TableState,
    columns: readonly ColumnValues[] | undefined,
  ): Promise<PreparedAppend | undefined> {
    const seenAt = this.#now();
    const { at, fields } = this;
    ensureTakes(state, fields);
    const upload = columns && writeDataFile({ at, fields, columns });
    const looking = isStillInLog(state);
    // Both must have ended, whichever fails, so that no upload is still running.
    const [uploaded] = await Promise.allSettled([upload, looking]);
    if (uploaded.status === 'rejected') throw uploaded.reason;
    const add = uploaded.value;
    if (await orDiscard(at, add, () => looking)) return { state, add, columns, seenAt };
    this.forget();
    await this.discard({ add });
    return undefined;
  }

  /** Deletes the file of rows that will not be committed: see `discardDataFile`. */
  async discard({ add }: Pick<PreparedAppend, 'add'>): Promise<void> {
    if (add) await discardDataFile(this.at, add);
  }

  /**
   * Commits a file and txns; see `append`. The outcome is `moved` also if storage went back in time since `prepare` compared the log.
   * @throws `delta.contention` if it was prepared an hour ago; `delta.schema` or `delta.unsupported`, and leaves no file, if the table does
   * not take the rows any more
   */
  async commit(prepared: PreparedAppend, txns: readonly Txn[], rows: number): Promise<AppendOutcome> {
    const { state, add, seenAt } = prepared;
    if (this.#now() - seenAt > longestRoundMs) {
      await this.discard(prepared);
      const where = describeVersion(state.at, state.version);
      throw new TributaryError('delta.contention', `${where} was read more than an hour ago: read it again.`);
    }
    const isSound = async () => (await isStillInLog(state)) && (await this.#isStored(add));
    if (this.#isSlow(seenAt) && !(await orDiscard(this.at, add, isSound))) {
      this.forget();
      await this.discard(prepared);
      return { outcome: 'moved', state };
    }
    const adds = add ? [add] : [];
    const knownAt = this.#now();
    const outcome = await append({
      state,
      fields: this.fields,
      adds,
      txns,
      operationMetrics: { numOutputRows: String(rows), numFiles: String(adds.length) },
      onRefusal: () => this.discard(prepared),
    });
    if (outcome.outcome === 'committed' && this.#isSlow(seenAt)) await this.#restore(prepared);
    const known = this.#follower.state;
    // If two commits run at once, the later one may end first. The higher version is kept.
    if (!known || outcome.state.version > known.version) {
      this.#follower.standAt(outcome.state);
      this.#knownAt = knownAt;
    }
    return outcome;
  }

  /** Appends rows without a txn. So nothing must be planned again if others commit meanwhile. Returns the state with the rows. */
  async appendRows(columns: readonly ColumnValues[], rows: number): Promise<TableState> {
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

  /** Uploads the file again if storage has lost it. The commit may have succeeded after the loss. */
  async #restore({ add, columns }: PreparedAppend): Promise<void> {
    if (!add || !columns || (await this.#isStored(add))) return;
    await restoreDataFile({ at: this.at, fields: this.fields, columns }, add);
  }
}
