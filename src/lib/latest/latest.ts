import { followState, type TableFollower } from '../delta/follow';
import { positionOfState, type TablePosition } from '../delta/position';
import type { TableState } from '../delta/state';
import { isDamage } from '../errors';
import { type FoldOptions, spacedLooks, warnInLog } from '../fold/foldOptions';
import { foldLiveFiles } from '../fold/liveFiles';
import { mostBehind, type NewFiles, readNewFiles } from '../fold/newFiles';
import { type Saveable, StateKeeper } from '../fold/stateKeeper';
import type { SpacedRefresh } from '../spacedRefresh';
import type { Latest } from '../streams/stream';
import { LatestRows } from './latestRows';
import { type LatestState, latestStateFile } from './latestState';
import { readLatest } from './readLatest';

export interface LatestOptions extends FoldOptions {
  readonly latest: Latest;
  /** True if nothing may be written. */
  readonly isReadOnly?: boolean;
}

/** The newest rows at one version. The next refresh changes `rows`, so use it before the next await. */
export interface LatestView {
  /** Undefined if there is no table yet. */
  readonly state: TableState | undefined;
  readonly rows: LatestRows;
}

type Folded = LatestView & { readonly state: TableState };

/**
 * The newest row of each key of a table, folded from its log like the counts: the rows stay in memory, and a refresh adds the files of
 * newer commits. After a commit that removes rows, or if the log cannot be followed, the table is folded anew, from the state in the lake
 * if the log continues it, otherwise from the live files. If a refresh fails, the rows stay as they are, and its error is rethrown until
 * the next refresh is due.
 */
export class LatestFold {
  readonly #options: Required<Omit<LatestOptions, 'refreshMs' | 'monotonicNow'>>;
  readonly #follower: TableFollower;
  readonly #keeper: StateKeeper<LatestState>;
  readonly #refresh: SpacedRefresh;
  #folded: Folded | undefined;
  #startedFrom: number | undefined;

  constructor(options: LatestOptions) {
    this.#options = {
      now: Date.now,
      warn: warnInLog,
      isReadOnly: false,
      ...options,
    };
    const { at, latest } = options;
    this.#follower = followState(at, { mostBehind });
    this.#keeper = new StateKeeper(at, latestStateFile(latest));
    this.#refresh = spacedLooks(options, () => this.#look());
  }

  /** The newest rows. Throws what reading the table throws; until the next refresh, the same error again. */
  async current(): Promise<LatestView> {
    await this.#refresh.run();
    return this.#folded ?? { state: undefined, rows: this.#newRows() };
  }

  /** The version of the saved state from which the table was folded; undefined if it was folded from its files. */
  get startedFrom(): number | undefined {
    return this.#startedFrom;
  }

  /** Writes the state of the newest version, unless the one in the lake is as new. Maintenance calls this. */
  async save(): Promise<'saved' | 'current'> {
    await this.current();
    return this.#keeper.save(() => this.#saveable());
  }

  async #look(): Promise<void> {
    const { at, warn, isReadOnly } = this.#options;
    if (!(await this.#foldNew()))
      await this.#keeper.foldAnew(
        (state) => this.#foldAnew(state),
        (message) => warn(`The saved newest rows of ${at.table} are not used: ${message}`),
      );
    const saveable = this.#saveable();
    if (!isReadOnly && saveable && this.#keeper.isFarBehind(saveable.position))
      this.#keeper
        .save(() => this.#saveable())
        .catch((error: unknown) => warn(`The newest rows of ${at.table} are not saved: ${error}`));
  }

  /** Folds the files of newer commits. Returns false if the table must be folded anew. */
  async #foldNew(): Promise<boolean> {
    const folded = this.#folded;
    if (!folded) return false;
    const { state, rows } = folded;
    // After a failed call, the follower may be ahead of what was folded.
    this.#follower.standAt(state);
    return this.#foldOn(positionOfState(state), () => rows);
  }

  /** Folds the table anew. Returns whether the saved state was used. */
  async #foldAnew(saved: LatestState | undefined): Promise<boolean> {
    if (saved) {
      this.#follower.seek(saved);
      this.#startedFrom = saved.version;
      if (await this.#foldOn(saved, () => this.#rowsOf(saved))) return true;
    }
    this.#startedFrom = undefined;
    this.#folded = await foldLiveFiles(this.#options.at, async ({ files, tombstones: _, ...state }) => {
      const rows = await this.#read({ state, adds: [...files.values()] });
      rows.cut();
      return { state, rows };
    });
    return false;
  }

  /** Folds the files of the commits after a position. Returns false if the table must be folded anew. */
  async #foldOn({ tableId }: TablePosition, rowsThere: () => LatestRows): Promise<boolean> {
    const found = await this.#follower.advance();
    if (found.step === 'no-table') {
      this.#folded = undefined;
      return true;
    }
    const news = await readNewFiles(this.#follower, found, tableId);
    const added = news && (await this.#read(news).catch(undefinedIfDamaged));
    if (!added) return false;
    // Rows and state change at once, so that no caller sees new rows under the earlier version.
    const rows = rowsThere();
    rows.advance(this.#timeOf(news.state));
    rows.merge(added);
    this.#folded = { state: news.state, rows };
    return true;
  }

  #read({ state, adds }: NewFiles): Promise<LatestRows> {
    return readLatest({ state, adds, latest: this.#options.latest, nowMs: this.#timeOf(state) });
  }

  #rowsOf(saved: LatestState): LatestRows {
    const rows = this.#newRows();
    rows.mergeStored(saved);
    return rows;
  }

  #newRows(): LatestRows {
    return new LatestRows(this.#options.latest, 0);
  }

  /**
   * The time that decides which hours are old enough to be dropped. It is the store's time of the commit, because this host's clock may
   * jump ahead.
   */
  #timeOf({ storedAt }: TableState): number {
    return storedAt ?? this.#options.now();
  }

  #saveable(): Saveable<LatestState> | undefined {
    const folded = this.#folded;
    if (!folded) return undefined;
    const position = positionOfState(folded.state);
    return { position, state: () => ({ ...position, ...folded.rows.stored() }) };
  }
}

/**
 * Handles an error of folding. Undefined for a file that is gone or damaged, because folding anew may help; other errors are thrown again.
 */
function undefinedIfDamaged(error: unknown): undefined {
  if (!isDamage(error)) throw error;
}
