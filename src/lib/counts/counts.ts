import type { TableLocation } from '../delta/log';
import { TributaryError } from '../errors';
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
/** Too many keys do not become fewer by themselves, and to find that out again the whole table is counted. */
const keysRetryMs = 60_000;

export interface CountsOptions {
  readonly at: TableLocation;
  readonly counted: Counted;
  /** Least time between two looks at the log in milliseconds, also after one that failed. */
  readonly refreshMs?: number;
  readonly maxKeys?: number;
  /** Milliseconds since 1970; the clock unless told. */
  readonly now?: () => number;
  /** Told when the cached state could not be written, which is no error. */
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
 * thrown again until then, and one that failed with `counts.keys` for a minute.
 */
export class Counts {
  readonly #options: Required<CountsOptions>;
  #table: CountedTable | undefined;
  #empty: Tally | undefined;
  readonly #refresh: SpacedRefresh;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #verifiedAt = Number.NEGATIVE_INFINITY;
  /** What is known of the cached state: version -1 when it is missing, damaged or of another table. */
  #cached: { readonly etag: string | undefined; version: number } = { etag: undefined, version: -1 };
  #saving: Promise<'saved' | 'current'> | undefined;

  constructor(options: CountsOptions) {
    this.#options = {
      refreshMs: 250,
      maxKeys: defaultMaxKeys,
      now: Date.now,
      warn: console.warn,
      ...options,
    };
    const { refreshMs, now } = this.#options;
    this.#refresh = new SpacedRefresh({
      refresh: () => this.#look(),
      everyMs: refreshMs,
      retryMs: (error) =>
        error instanceof TributaryError && error.code === 'counts.keys'
          ? Math.max(keysRetryMs, refreshMs)
          : refreshMs,
      now,
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
    const { at, counted, maxKeys, now, warn } = this.#options;
    const nowMs = now();
    const options = { at, counted, maxKeys, nowMs };
    const verify = nowMs - this.#verifiedAt >= verifyEveryMs;
    const known = nowMs - this.#refreshedAt < forgetAfterMs ? this.#table : undefined;
    known?.tally.advance(nowMs);
    let table = known && (await foldNewCommits(known, options, verify));
    if (!table) {
      const found = await readCachedState(at);
      table = await countAnew(options, found?.state);
      this.#remember(found, table?.state.metaData.id);
      // It was read before the table was: a version beyond the table's cannot be true.
      if (table && this.#cached.version > table.state.version) this.#cached.version = -1;
    }
    this.#table = table;
    this.#refreshedAt = nowMs;
    if (verify) this.#verifiedAt = nowMs;
    if (table && table.state.version - this.#cached.version >= saveEveryVersions)
      this.#save().catch((error: unknown) => warn(`The counts of ${at.table} are not cached: ${error}`));
  }

  #save(): Promise<'saved' | 'current'> {
    this.#saving ??= this.#write().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #write(): Promise<'saved' | 'current'> {
    const { at } = this.#options;
    for (;;) {
      const table = this.#table;
      if (!table || table.state.version <= this.#cached.version) return 'current';
      const { version, committedAt = null, metaData } = table.state;
      const etag = await writeCachedState(
        at,
        {
          tableId: metaData.id,
          schemaString: metaData.schemaString,
          version,
          committedAt,
          tally: table.tally.stored(),
        },
        this.#cached.etag,
      );
      if (etag !== undefined) {
        this.#cached = { etag, version };
        return 'saved';
      }
      // Another instance was faster: what it wrote may be newer than ours, or not.
      this.#remember(await readCachedState(at), metaData.id);
    }
  }

  #remember(found: FoundState | undefined, tableId: string | undefined): void {
    const version = found?.state?.tableId === tableId ? found?.state?.version : undefined;
    this.#cached = { etag: found?.etag, version: version ?? -1 };
  }
}
