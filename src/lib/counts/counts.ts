import type { TableLocation } from '../delta/log';
import { isSameEntry, positionOfState, readMark, type TablePosition } from '../delta/position';
import type { TableState } from '../delta/state';
import { isDamage, TributaryError } from '../errors';
import { logEvent } from '../log';
import { SpacedRefresh } from '../spacedRefresh';
import type { Counted } from '../streams/stream';
import { type FoundState, readCachedState, writeCachedState } from './cachedState';
import type { CountOptions } from './countLiveFiles';
import { decideAnew, isDecisionDue } from './decideAnew';
import { type Preferred, share } from './decideKept';
import { FoldedLog } from './foldLog';
import { Tally } from './tally';

/** How many distinct keys are counted on their own by default. */
export const defaultMaxKeys = 250_000;

/** How many versions the cached state may lag before it is written again. */
const saveEveryVersions = 200;
/** Damage lasts until somebody acts. It is looked at again rarely, because each try may count the whole table. */
const damagedRetryMs = 60_000;

export interface CountsOptions {
  readonly at: TableLocation;
  readonly counted: Counted;
  /** Least time in milliseconds between two reads of the log, even if the first one failed. */
  readonly refreshMs?: number;
  /** How many keys are counted on their own; further ones are folded into one count. */
  readonly maxKeys?: number;
  /** The keys that are counted on their own before others; by default none. */
  readonly preferred?: () => Promise<Preferred>;
  /** The time of a version whose log entry is gone, in milliseconds since 1970; by default the clock. */
  readonly now?: () => number;
  /** A clock that only goes forward, in milliseconds; by default the process's. */
  readonly monotonicNow?: () => number;
  /** Receives a message about something that went wrong but is not an error, like a cached state that cannot be written. */
  readonly warn?: (message: string) => void;
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
  /** Set if other instances may keep other keys at this version, because the decision could not be shared; names the decision. */
  readonly alone: string | undefined;
  readonly tally: Tally;
}

/** What this instance knows about the cached state in the lake. */
interface KnownCache {
  /** The ETag that the next writer must give; undefined if there is no file. */
  readonly etag: string | undefined;
  /** The position that it was counted at; undefined if there is no file, or it cannot be used. */
  readonly position: TablePosition | undefined;
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
  /** Undefined if unknown: it could not be read, or another instance has written it since. */
  #cached: KnownCache | undefined;
  /** Version at which a save was last attempted. */
  #triedVersion = -1;
  #saving: Promise<'saved' | 'current'> | undefined;

  constructor(options: CountsOptions) {
    const { refreshMs = 250, monotonicNow = () => performance.now(), ...others } = options;
    this.#options = {
      maxKeys: defaultMaxKeys,
      preferred: async () => ({ keys: new Set(), tag: '' }),
      now: Date.now,
      warn: (message) => logEvent('warning', 'counts-problem', { message }),
      ...others,
    };
    this.#log = new FoldedLog(this.#options);
    this.#refresh = new SpacedRefresh({
      refresh: () => this.#look(),
      everyMs: refreshMs,
      retryMs: (error) => (isDamage(error) ? Math.max(damagedRetryMs, refreshMs) : refreshMs),
      monotonicNow,
    });
  }

  /** The newest counts. Throws what reading the table throws; the same error until the next refresh. */
  async current(): Promise<CountsView> {
    await this.#refresh.run();
    return this.#view();
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
    this.#cached = undefined;
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
    const cached = this.#cached?.position;
    const cachedVersion = cached?.tableId === state.metaData.id ? cached.version : -1;
    if (state.version - Math.max(cachedVersion, this.#triedVersion) >= saveEveryVersions)
      this.#save().catch((error: unknown) => warn(`The counts of ${at.table} are not cached: ${error}`));
  }

  async #countAnew(): Promise<void> {
    const { at, warn } = this.#options;
    const found = await unlessStorageFails(readCachedState(at));
    if (found instanceof Error) {
      warn(`The cached counts of ${at.table} are not used: ${found.message}`);
      await this.#log.countAnew(undefined);
      this.#cached = undefined;
    } else {
      const isUsed = await this.#log.countAnew(found.state);
      // Treat an unusable cache as absent, whatever its version, so that the next save replaces it.
      this.#cached = { etag: found.etag, position: isUsed ? positionOfCached(found) : undefined };
    }
    this.#triedVersion = -1;
  }

  #save(): Promise<'saved' | 'current'> {
    this.#triedVersion = this.#log.counted?.state.version ?? -1;
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #write(): Promise<'saved' | 'current'> {
    const { at } = this.#options;
    for (;;) {
      this.#cached ??= await this.#readKnownCache();
      const { etag, position: known } = this.#cached;
      const newest = this.#log.counted;
      const isNeeded = newest && !(await this.#isAsNew(known, newest.state));
      // The counts may have changed during the await: store them as they are now.
      const counted = isNeeded ? this.#log.counted : undefined;
      if (!counted) return 'current';
      const { state, tally, kept } = counted;
      if (kept.isAlone) {
        // A cached state is for all instances. Try once more to put the decision in the log; the next save then writes its counts.
        await share(state, kept, this.#options);
        return 'current';
      }
      const position = positionOfState(state);
      const newEtag = await writeCachedState(at, { ...position, kept: kept.id, tally: tally.stored() }, etag);
      if (newEtag !== undefined) {
        this.#cached = { etag: newEtag, position };
        return 'saved';
      }
      // Another instance was faster. Its state may be newer or older than ours, so it is unknown.
      this.#cached = undefined;
    }
  }

  async #readKnownCache(): Promise<KnownCache> {
    const found = await readCachedState(this.#options.at);
    return { etag: found.etag, position: positionOfCached(found) };
  }

  /** Whether the cached state need not be written again: it is of our version, or of a later version that is in the log. */
  async #isAsNew(cached: TablePosition | undefined, state: TableState): Promise<boolean> {
    if (cached?.tableId !== state.metaData.id || cached.version < state.version) return false;
    if (cached.version === state.version) return isSameEntry(state.mark, cached.mark);
    // Storage may have gone back in time since the state was written: then the log has another entry, or none.
    const there = await readMark(this.#options.at, cached.version);
    return there !== undefined && isSameEntry(there, cached.mark);
  }
}

const positionOfCached = ({ state }: FoundState): TablePosition | undefined =>
  state && { tableId: state.tableId, version: state.version, mark: state.mark };

/** The cached state is optional, so a storage error while it is read must not stop the counting: it becomes a value. */
async function unlessStorageFails(reading: Promise<FoundState>): Promise<FoundState | TributaryError> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof TributaryError && error.code.startsWith('storage.')) return error;
    throw error;
  }
}
