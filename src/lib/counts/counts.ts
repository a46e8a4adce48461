import type { TableLocation } from '../delta/log';
import { type ErrorCode, TributaryError } from '../errors';
import type { Counted } from '../streams/stream';
import { type FoundState, readCachedState, writeCachedState } from './cachedState';
import { type CountedTable, countAnew, foldNewCommits } from './foldLog';
import { SpacedRefresh } from './spacedRefresh';
import { defaultMaxKeys, Tally } from './tally';

/** An instance that has not looked for so long may find the log cleaned behind its back. */
const forgetAfterMs = 3_600_000;
/** How often it is made sure that the table is still the same one. */
const verifyEveryMs = 10_000;
/** Versions that the cached state may lag behind before it is written again. */
const saveEveryVersions = 200;
/** What does not pass by itself, though the whole table was counted to find out, twice where a file is gone or damaged. */
const lasting: readonly ErrorCode[] = ['counts.keys', 'parquet.invalid', 'delta.invalid'];
const lastingRetryMs = 60_000;

export interface CountsOptions {
  readonly at: TableLocation;
  readonly counted: Counted;
  /** Least time between two looks at the log in milliseconds, also after one that failed. */
  readonly refreshMs?: number;
  readonly maxKeys?: number;
  /** Milliseconds since 1970; the clock unless told. */
  readonly now?: () => number;
  /** Milliseconds on a clock that only goes forward; the process's unless told. */
  readonly monotonicNow?: () => number;
  /** Told when the cached state could not be read or written, which is no error. */
  readonly warn?: (message: string) => void;
}

/** What is counted at one version. `tally` moves on with the next refresh: use it before the next await. */
export interface CountsView {
  /** Undefined, with version -1, before there is a table. */
  readonly tableId: string | undefined;
  readonly version: number;
  /** When the version was committed, in milliseconds since 1970, where its commit says so. */
  readonly committedAt: number | undefined;
  readonly tally: Tally;
}

/**
 * Rows of a table per key, folded from its log: what was counted up to a version stays in memory, and a refresh reads the
 * files that newer commits added. There is one refresh at a time, and none within `refreshMs` of the last; one that failed is
 * thrown again until then, and for a minute one that does not pass by itself: too many keys, a damaged table.
 */
export class Counts {
  readonly #options: Required<CountsOptions>;
  #table: CountedTable | undefined;
  #empty: Tally | undefined;
  readonly #refresh: SpacedRefresh;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #verifiedAt = Number.NEGATIVE_INFINITY;
  /** What is there of a cached state, of whatever table. Undefined: not known, as it could not be read. */
  #cached:
    | { readonly etag: string | undefined; readonly tableId: string | undefined; version: number }
    | undefined;
  /** Version at which it was to be written last. */
  #triedVersion = -1;
  #saving: Promise<'saved' | 'current'> | undefined;

  constructor(options: CountsOptions) {
    this.#options = {
      refreshMs: 250,
      maxKeys: defaultMaxKeys,
      now: Date.now,
      monotonicNow: () => performance.now(),
      warn: console.warn,
      ...options,
    };
    const { refreshMs, monotonicNow } = this.#options;
    this.#refresh = new SpacedRefresh({
      refresh: () => this.#look(),
      everyMs: refreshMs,
      retryMs: (error) =>
        error instanceof TributaryError && lasting.includes(error.code)
          ? Math.max(lastingRetryMs, refreshMs)
          : refreshMs,
      monotonicNow,
    });
  }

  /** The newest counts. Throws what reading the table throws, and `counts.keys`; the same error until it is looked again. */
  async current(): Promise<CountsView> {
    await this.#refresh.run();
    return this.#view();
  }

  /**
   * Writes the cached state of the newest version, unless the one that is there is as new. Maintenance calls this; an
   * instance that has moved far ahead of the cached state does it by itself.
   */
  async save(): Promise<'saved' | 'current'> {
    await this.current();
    return this.#save();
  }

  #view(): CountsView {
    const table = this.#table;
    const nowMs = this.#options.now();
    if (!table) {
      this.#empty ??= new Tally(nowMs);
      return { tableId: undefined, version: -1, committedAt: undefined, tally: this.#empty };
    }
    const { state, tally } = table;
    tally.advance(nowMs);
    return { tableId: state.metaData.id, version: state.version, committedAt: state.committedAt, tally };
  }

  async #look(): Promise<void> {
    const { at, counted, maxKeys, now, monotonicNow, warn } = this.#options;
    const nowMs = now();
    const startedAt = monotonicNow();
    const options = { at, counted, maxKeys, nowMs };
    const verify = startedAt - this.#verifiedAt >= verifyEveryMs;
    const known = nowMs - this.#refreshedAt < forgetAfterMs ? this.#table : undefined;
    known?.tally.advance(nowMs);
    let table = known && (await foldNewCommits(known, options, verify));
    if (!table) {
      const found = await unlessStorageFails(readCachedState(at));
      table = await countAnew(options, found instanceof Error ? undefined : found.state);
      if (found instanceof Error) warn(`The cached counts of ${at.table} are not used: ${found.message}`);
      this.#cached = found instanceof Error ? undefined : describe(found);
      this.#triedVersion = -1;
      // It was read before the table was: a version beyond the table's cannot be true.
      if (table && this.#cached && this.#cached.version > table.state.version) this.#cached.version = -1;
    }
    this.#table = table;
    this.#refreshedAt = nowMs;
    if (verify) this.#verifiedAt = startedAt;
    const savedVersion = Math.max(this.#cachedVersion(), this.#triedVersion);
    if (table && table.state.version - savedVersion >= saveEveryVersions)
      this.#save().catch((error: unknown) => warn(`The counts of ${at.table} are not cached: ${error}`));
  }

  #cachedVersion(): number {
    const isOfTable = this.#cached?.tableId === this.#table?.state.metaData.id;
    return isOfTable ? (this.#cached?.version ?? -1) : -1;
  }

  #save(): Promise<'saved' | 'current'> {
    this.#triedVersion = this.#table?.state.version ?? -1;
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #write(): Promise<'saved' | 'current'> {
    const { at } = this.#options;
    for (;;) {
      this.#cached ??= describe(await readCachedState(at));
      const table = this.#table;
      if (!table || table.state.version <= this.#cachedVersion()) return 'current';
      const { version, committedAt = null, metaData } = table.state;
      const { id: tableId, schemaString } = metaData;
      const etag = await writeCachedState(
        at,
        { tableId, schemaString, version, committedAt, tally: table.tally.stored() },
        this.#cached.etag,
      );
      if (etag !== undefined) {
        this.#cached = { etag, tableId, version };
        return 'saved';
      }
      // Another instance was faster: what it wrote may be newer than ours, or not.
      this.#cached = undefined;
    }
  }
}

const describe = ({ etag, state }: FoundState) => ({
  etag,
  tableId: state?.tableId,
  version: state?.version ?? -1,
});

/** The cached state is never needed: what storage has against reading it is no reason not to count. */
async function unlessStorageFails(reading: Promise<FoundState>): Promise<FoundState | TributaryError> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof TributaryError && error.code.startsWith('storage.')) return error;
    throw error;
  }
}
