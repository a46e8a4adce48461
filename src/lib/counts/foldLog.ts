import { followState, type TableFollower } from '../delta/follow';
import type { TableState } from '../delta/state';
import { isDamage } from '../errors';
import { mostBehind, type NewFiles, readNewFiles } from '../fold/newFiles';
import type { CachedState } from './cachedState';
import type { KeptKeys } from './chooseKeys';
import { countFiles } from './countFiles';
import { type CountedTable, type CountOptions, countLiveFiles, roomOf, timeOf } from './countLiveFiles';
import { decideFromTallies, share } from './decideKept';
import type { Dimension } from './dimension';
import { type Kept, keptNumber, readKept } from './kept';
import { Tally, type TallyParts } from './tally';

/** Counts to continue from: those in memory, or a cached state. */
interface Base {
  readonly tableId: string;
  /** The id of the decision that these counts follow. */
  readonly keptId: string;
  readonly kept?: Kept;
  /** True if every key has its own count. */
  readonly isWhole: boolean;
  readonly parts: () => TallyParts;
  /** The tally to continue; missing if a new one is needed, as when keys have to be folded. */
  readonly tally?: Tally;
  /** Moves the follower to the position up to which these rows were counted. */
  readonly stand: () => void;
}

/** `decided` means that it was decided which keys are kept, so that the log must be read further. */
type Outcome = 'counted' | 'decided' | 'no-table' | 'anew';

/**
 * The rows of a table per key, folded from its log. The counts stay in memory, and the files of newer commits are added to them. If that is
 * impossible, the table is counted anew, from a cached state or from its live files. The log says which keys are counted on their own
 * (`kept.ts`). If it does not say so and there are too many keys, this class decides. One call at a time. If a call throws, the previous
 * counts stay and the next call starts from them.
 */
export class FoldedLog {
  readonly #options: CountOptions;
  readonly #follower: TableFollower;
  #counted: CountedTable | undefined;

  constructor(options: CountOptions) {
    this.#options = options;
    this.#follower = followState(options.at, { mostBehind });
  }

  /** Undefined if nothing was counted yet or there is no table. The tally belongs to the state until the next call. */
  get counted(): CountedTable | undefined {
    return this.#counted;
  }

  /**
   * Counts the files of newer commits. Returns false if the table must be counted anew: nothing is counted yet, rows were removed,
   * other keys are to be kept, the log cannot be followed, or a file is gone or damaged.
   * @throws what following the table throws, `storage.*`
   */
  async countNew(): Promise<boolean> {
    const counted = this.#counted;
    if (!counted) return false;
    const { state, tally, kept } = counted;
    const outcome = await this.#countOn({
      tableId: state.metaData.id,
      keptId: kept.id,
      kept,
      tally,
      isWhole: tally.folded === undefined,
      parts: () => tally.parts(),
      // After a failed call, the follower may be ahead of the counts.
      stand: () => this.#follower.standAt(state),
    });
    if (outcome === 'no-table') this.#counted = undefined;
    return outcome !== 'anew';
  }

  /**
   * Counts the table from the cached state if the log continues from it, otherwise from the live files.
   * @returns whether the cached state was used
   * @throws what following and opening the table throw, `parquet.invalid` for a file that is gone or damaged
   */
  async countAnew(cached: CachedState | undefined): Promise<boolean> {
    if (cached && (await this.#countFromCache(cached)) === 'counted') return true;
    this.#counted = await countLiveFiles(this.#options);
    return false;
  }

  #countFromCache({ tableId, version, mark, kept, tally }: CachedState): Promise<Outcome> {
    return this.#countOn({
      tableId,
      keptId: kept,
      isWhole: tally.folded === undefined,
      parts: () => tally,
      stand: () => this.#follower.seek({ tableId, version, mark }),
    });
  }

  /** Adds the files of the commits after a base to its counts. */
  async #countOn(base: Base): Promise<Outcome> {
    for (;;) {
      base.stand();
      const found = await this.#follower.advance();
      if (found.step === 'no-table') return 'no-table';
      const news = await readNewFiles(this.#follower, found, base.tableId);
      const kept = news && (await keptAfter(base, news.state, this.#options.counted));
      const outcome = kept ? await this.#addNews(base, news, kept) : 'anew';
      if (outcome !== 'decided') return outcome;
    }
  }

  async #addNews(base: Base, news: NewFiles, kept: Kept): Promise<Outcome> {
    const nowMs = timeOf(news.state, this.#options);
    const added = await this.#countNews(news, kept.keys);
    if (typeof added === 'string') return 'anew';
    if (this.#add(base, added, { state: news.state, kept })) return 'counted';
    const tallies = [base.parts(), ...(added ? [added.parts()] : [])];
    const decision = await decideFromTallies(tallies, nowMs, this.#options);
    const shared = await share(news.state, decision, this.#options);
    if (shared === 'in-the-log') return 'decided';
    return this.#add(base, added, { state: news.state, kept: shared }) ? 'counted' : 'anew';
  }

  /**
   * Adds new counts to a base, unless there is no room for their keys. Tally and state change at once, so that no caller sees new
   * rows under the earlier version.
   */
  #add(base: Base, added: Tally | undefined, { state, kept }: Omit<CountedTable, 'tally'>): boolean {
    const nowMs = timeOf(state, this.#options);
    const isToFold = kept.keys !== undefined && base.isWhole;
    let tally = isToFold ? undefined : base.tally;
    if (!tally) {
      tally = new Tally(nowMs, roomOf(kept.keys, this.#options));
      const parts = base.parts();
      if (!tally.hasRoomFor(parts)) return false;
      tally.merge(parts);
    }
    if (added && !tally.hasRoomFor(added)) return false;
    tally.advance(nowMs);
    if (added) tally.merge(added.parts());
    this.#counted = { state, tally, kept };
    return true;
  }

  /**
   * Counts the files of new commits. The result is undefined if there is nothing to count, and `damaged` if a file is gone or damaged, in
   * which case counting anew may help. It is `no-room` if the new files alone have too many keys: only the whole table shows which of them
   * to keep.
   */
  async #countNews(
    { state, adds }: NewFiles,
    keys: KeptKeys,
  ): Promise<Tally | 'damaged' | 'no-room' | undefined> {
    if (adds.length === 0) return undefined;
    const { counted } = this.#options;
    const nowMs = timeOf(state, this.#options);
    try {
      return await countFiles({ state, adds, counted, nowMs, room: roomOf(keys, this.#options) });
    } catch (error) {
      if (isDamage(error)) return 'damaged';
      throw error;
    }
  }
}

/** The decision in force at a later state. Undefined if the counts of the base cannot follow it, or its file is gone. */
async function keptAfter(base: Base, state: TableState, dimension: Dimension): Promise<Kept | undefined> {
  if (base.kept?.number === keptNumber(state, dimension)) return base.kept;
  const kept = await readKept(state, dimension);
  return kept && (base.isWhole || kept.id === base.keptId) ? kept : undefined;
}
