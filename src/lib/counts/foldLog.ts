import type { Add } from '../delta/actions';
import { type Advance, followState, type TableFollower } from '../delta/follow';
import type { TableLocation } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { effectOnRows } from '../delta/rowEffect';
import type { Snapshot, TableState } from '../delta/state';
import { isDamage } from '../errors';
import type { Counted } from '../streams/stream';
import type { CachedState } from './cachedState';
import { countFiles } from './countFiles';
import { Tally } from './tally';

/** A table's counts up to a version. */
export interface CountedTable {
  readonly state: TableState;
  readonly tally: Tally;
}

export interface FoldOptions {
  readonly at: TableLocation;
  readonly counted: Counted;
  readonly maxKeys: number;
  /** The time of a version whose log entry is gone, in milliseconds since 1970. */
  readonly now: () => number;
}

/** More than this many commits behind, counting the live files reads less than counting each commit's files. */
const mostBehind = 10_000;

/**
 * The rows of a table per key, folded from its log. The counts stay in memory, and the files of newer commits are added to
 * them. If that is impossible, the table is counted anew, from a cached state or from its live files.
 * One call at a time. If a call throws, the previous counts stay and the next call starts from them.
 */
export class FoldedLog {
  readonly #options: FoldOptions;
  readonly #follower: TableFollower;
  #counted: CountedTable | undefined;

  constructor(options: FoldOptions) {
    this.#options = options;
    this.#follower = followState(options.at, { mostBehind });
  }

  /** Undefined if nothing was counted yet or there is no table. The tally belongs to the state until the next call. */
  get counted(): CountedTable | undefined {
    return this.#counted;
  }

  /**
   * Counts the files of newer commits. Returns false if the table must be counted anew: nothing is counted yet, rows were removed,
   * the log cannot be followed, or a file is gone or damaged.
   * @throws what following the table throws, `storage.*`, `counts.keys`
   */
  async countNew(): Promise<boolean> {
    const counted = this.#counted;
    if (!counted) return false;
    const { state, tally } = counted;
    // After a failed call, the follower may be ahead of the counts.
    this.#follower.standAt(state);
    const found = await this.#follower.advance();
    if (found.step === 'no-table') {
      this.#counted = undefined;
      return true;
    }
    const news = await this.#readOn(found, state.metaData.id);
    if (!news) return false;
    const added = await this.#countNews(news);
    if (added === 'damaged') return false;
    // Change both without an await in between, so that no caller sees new rows under the earlier version.
    tally.advance(this.#timeOf(news.state));
    if (added) tally.merge(added.stored());
    this.#counted = { state: news.state, tally };
    return true;
  }

  /**
   * Counts the table from the cached state if the log continues from it, otherwise from the live files.
   * @returns whether the cached state was used
   * @throws what following and opening the table throw, `parquet.invalid` for a file that is gone or damaged, `counts.keys`
   */
  async countAnew(cached: CachedState | undefined): Promise<boolean> {
    const fromCache = cached && (await this.#countFromCache(cached));
    this.#counted = fromCache ?? (await this.#countLiveFiles());
    return fromCache !== undefined;
  }

  async #countFromCache(cached: CachedState): Promise<CountedTable | undefined> {
    const { tableId, version, mark } = cached;
    this.#follower.seek({ tableId, version, mark });
    const news = await this.#readOn(await this.#follower.advance(), tableId);
    if (!news) return undefined;
    const added = await this.#countNews(news);
    if (added === 'damaged') return undefined;
    const tally = new Tally(this.#timeOf(news.state), this.#options.maxKeys);
    tally.merge(cached.tally);
    if (added) tally.merge(added.stored());
    return { state: news.state, tally };
  }

  /** Reads on to the newest version. Undefined if the table must be counted anew. */
  async #readOn(found: Advance, tableId: string): Promise<NewFiles | undefined> {
    const adds: Add[] = [];
    for (let next = found; ; next = await this.#follower.advance()) {
      if (next.step === 'reopened' || next.step === 'no-table') return undefined;
      if (next.step === 'nothing-new') return { state: next.state, adds };
      for (const commit of next.commits) {
        const rows = effectOnRows(commit, tableId);
        if (rows.effect === 'rewrite') return undefined;
        if (rows.effect === 'append') adds.push(...rows.files);
      }
      if (next.atHead) return { state: next.state, adds };
    }
  }

  /** Undefined if there is nothing to count; `damaged` if a file is gone or damaged, which counting anew may get around. */
  async #countNews({ state, adds }: NewFiles): Promise<Tally | 'damaged' | undefined> {
    if (adds.length === 0) return undefined;
    try {
      return await countFiles({ ...this.#options, state, adds, nowMs: this.#timeOf(state) });
    } catch (error) {
      if (isDamage(error)) return 'damaged';
      throw error;
    }
  }

  async #countLiveFiles(): Promise<CountedTable | undefined> {
    const { at } = this.#options;
    const snapshot = await openSnapshot(at);
    if (!snapshot) return undefined;
    try {
      return await this.#countSnapshot(snapshot);
    } catch (error) {
      if (!isDamage(error)) throw error;
      // If there is a newer version, the file may have been removed on purpose: that is no damage.
      const newer = await openSnapshot(at);
      if (newer?.version === snapshot.version && newer.mark === snapshot.mark) throw error;
      return newer && (await this.#countSnapshot(newer));
    }
  }

  async #countSnapshot(snapshot: Snapshot): Promise<CountedTable> {
    const { files, tombstones: _, ...state } = snapshot;
    const tally = await countFiles({
      ...this.#options,
      state,
      adds: [...files.values()],
      nowMs: this.#timeOf(state),
    });
    return { state, tally };
  }

  /**
   * The time by which old buckets are dropped: the store's time of the commit. This host's clock may jump ahead, and dropped
   * buckets do not come back.
   */
  #timeOf({ storedAt }: TableState): number {
    return storedAt ?? this.#options.now();
  }
}

/** The files with new rows that commits added, and the state after these commits. */
interface NewFiles {
  readonly state: TableState;
  readonly adds: readonly Add[];
}
