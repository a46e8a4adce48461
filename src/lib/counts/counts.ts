import { positionOfState } from '../delta/position';
import { type FoldOptions, spacedLooks, warnInLog } from '../fold/foldOptions';
import { type Saveable, StateKeeper } from '../fold/stateKeeper';
import type { SpacedRefresh } from '../spacedRefresh';
import { type CachedState, cachedStateFile } from './cachedState';
import type { CountOptions } from './countLiveFiles';
import { decideAnew, isDecisionDue } from './decideAnew';
import { type Preferred, share } from './decideKept';
import type { Dimension } from './dimension';
import { FoldedLog } from './foldLog';
import type { Key } from './keys';
import { type LakeScanOutcome, LakeScans } from './lakeScans';
import type { TimeScan } from './scanTimes';
import { Tally } from './tally';

/** How many distinct keys are counted on their own by default. */
export const defaultMaxKeys = 250_000;

export interface CountsOptions extends FoldOptions {
  readonly counted: Dimension;
  /** The most keys that are counted on their own; all further ones are folded into one count. */
  readonly maxKeys?: number;
  /** The keys that are counted on their own before all others; by default none. */
  readonly preferred?: () => Promise<Preferred>;
  /** The queue that scans of rows go through, one at a time. By default it is a queue for this table only. */
  readonly scans?: LakeScans;
}

/** The counts at one version. The next refresh changes `tally`, so use it before the next await. */
export interface CountsView {
  /** Undefined if there is no table yet; then the version is -1. */
  readonly tableId: string | undefined;
  readonly version: number;
  /** Tells this version from another one with the same number, which the log may get after storage went back in time. */
  readonly mark: string | undefined;
  /** When the version was committed, in milliseconds since 1970; undefined if its commit does not say. */
  readonly committedAt: number | undefined;
  /**
   * The id of the decision by which this instance counts alone, because it could not be shared: other instances may count other keys at
   * this version. Undefined if the decision is shared.
   */
  readonly alone: string | undefined;
  readonly tally: Tally;
}

/**
 * Rows of a table per key, folded from its log: the counts of a version stay in memory, and a refresh adds the files of newer
 * commits. Only one refresh runs at a time, and none begins within `refreshMs` of the last. If a refresh fails, its error is
 * rethrown until the next refresh is due, or for a minute if the cause lasts, like a damaged table.
 */
export class Counts {
  readonly #options: Required<Omit<CountsOptions, 'refreshMs' | 'monotonicNow'>> & CountOptions;
  readonly #log: FoldedLog;
  #empty: Tally | undefined;
  readonly #refresh: SpacedRefresh;
  readonly #keeper: StateKeeper<CachedState>;

  constructor(options: CountsOptions) {
    this.#options = {
      maxKeys: defaultMaxKeys,
      preferred: async () => ({ keys: new Set(), tag: '' }),
      scans: new LakeScans(),
      now: Date.now,
      warn: warnInLog,
      ...options,
    };
    this.#log = new FoldedLog(this.#options);
    this.#keeper = new StateKeeper(options.at, cachedStateFile(options.counted));
    this.#refresh = spacedLooks(options, () => this.#look());
  }

  /** The newest counts. Throws the errors of reading the table; until the next refresh, the same error again. */
  async current(): Promise<CountsView> {
    await this.#refresh.run();
    return this.#view();
  }

  /**
   * Counts rows of which no counts are kept, at the version of a view.
   * @throws what opening and reading the table throws, `delta.contention` if storage went back in time since
   */
  async scan({ tableId, version, mark, tally }: CountsView, wanted: TimeScan): Promise<LakeScanOutcome> {
    // Before there is a table, there are no rows.
    if (tableId === undefined) return { outcome: 'scanned' };
    const { at, counted, scans } = this.#options;
    // A tally only gets more keys, so that those of the view keep their numbers while it is scanned.
    const indexOf = (key: Key) => tally.indexOf(key);
    return scans.run({ at, tableId, version, mark, counted, indexOf }, wanted);
  }

  /** The limits of one scan. */
  get scanLimits(): LakeScans['limits'] {
    return this.#options.scans.limits;
  }

  /**
   * Writes the cached state of the newest version, unless the one in the lake is as new and its version is still in the log.
   * Maintenance calls this. An instance whose counts are far ahead of the cached state also calls it.
   */
  async save(): Promise<'saved' | 'current'> {
    await this.current();
    return this.#save();
  }

  /**
   * Decides anew which keys are counted on their own, if that is due, and saves the counts of these keys. It reads the whole table
   * at least twice, so maintenance calls it, with a signal that gives up when its time is over.
   */
  async decideAnewIfDue(signal?: AbortSignal): Promise<'decided' | 'not-due'> {
    await this.current();
    const counted = this.#log.counted;
    if (!counted || !(await isDecisionDue(counted, this.#options))) return 'not-due';
    await decideAnew(counted.kept, { ...this.#options, signal });
    // The cached state was written, so its ETag has changed.
    this.#keeper.forget();
    return 'decided';
  }

  #view(): CountsView {
    const counted = this.#log.counted;
    if (!counted) {
      this.#empty ??= new Tally(this.#options.now());
      const nothing = { tableId: undefined, mark: undefined, committedAt: undefined, alone: undefined };
      return { ...nothing, version: -1, tally: this.#empty };
    }
    const { tally, kept } = counted;
    const { metaData, version, mark, committedAt } = counted.state;
    const alone = kept.isAlone ? kept.id.slice(0, 8) : undefined;
    return { tableId: metaData.id, version, mark, committedAt, alone, tally };
  }

  async #look(): Promise<void> {
    const { at, warn } = this.#options;
    if (!(await this.#log.countNew())) await this.#countAnew();
    const state = this.#log.counted?.state;
    if (!state) return;
    if (this.#keeper.isFarBehind(positionOfState(state)))
      this.#save().catch((error: unknown) => warn(`The counts of ${at.table} are not cached: ${error}`));
  }

  #countAnew(): Promise<void> {
    const { at, warn } = this.#options;
    return this.#keeper.foldAnew(
      (state) => this.#log.countAnew(state),
      (message) => warn(`The cached counts of ${at.table} are not used: ${message}`),
    );
  }

  async #save(): Promise<'saved' | 'current'> {
    const outcome = await this.#keeper.save(() => this.#saveable());
    const counted = this.#log.counted;
    // A cached state is for all instances, so a decision that is not in the log cannot be saved. Try once more to put it in the log; the
    // next save then writes its counts.
    if (counted?.kept.isAlone) await share(counted.state, counted.kept, this.#options);
    return outcome;
  }

  #saveable(): Saveable<CachedState> | undefined {
    const counted = this.#log.counted;
    if (!counted) return undefined;
    const position = positionOfState(counted.state);
    const { kept, tally } = counted;
    return {
      position,
      state: () => (kept.isAlone ? undefined : { ...position, kept: kept.id, tally: tally.parts() }),
    };
  }
}
