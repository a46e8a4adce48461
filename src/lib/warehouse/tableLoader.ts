import { performance } from 'node:perf_hooks';
import { isDeepStrictEqual } from 'node:util';
import { backoffMs } from '../backoff';
import { within } from '../deadline';
import type { TablePosition } from '../delta/position';
import { minuteMs } from '../duration';
import { describeFailure } from '../errors';
import { SharedRun } from '../sharedRun';
import type { WarehouseTable } from '../streams/stream';
import { type CatchUpOptions, type CaughtUp, catchUp } from './catchUp';
import type { LoadReport } from './loadCommits';
import { type LoaderStatus, type LoadStatus, warehouseMark } from './loadStatus';
import type { UnloadedCommits } from './unloadedCommits';
import type { Warehouse } from './warehouse';

/** The shortest time between two loads that nudges start, in milliseconds. */
const intervalMs = 3000;
/** How long one nudge may load, in milliseconds. The next nudge loads the rest. */
const nudgeLimitMs = minuteMs;
/** After failures nudges wait about this long at most. */
const longestBackoffMs = 300_000;
/** How long nudges ignore a table that needs a rebuild, in milliseconds. */
const rebuildWaitMs = 30_000;

export interface TableLoaderOptions {
  readonly table: WarehouseTable;
  readonly commits: () => Promise<UnloadedCommits>;
  readonly warehouse: () => Promise<Warehouse>;
  readonly intervalMs?: number;
  /**
   * Reads what was last recorded about this table and warehouse, by any process. It is called at the first load, and as long as the table
   * needs a rebuild, because another process may rebuild it.
   */
  readonly recorded?: (warehouse: Warehouse) => Promise<LoadStatus | undefined>;
  readonly onLoad?: (report: LoadReport) => void;
  /** Receives the outcome of each attempt, and each new position. */
  readonly onStatus?: (status: LoadStatus) => void;
  /** @param code the code of the error if a load failed */
  readonly warn: (message: string, code?: string) => void;
}

/**
 * Loads one table. Only one load runs at a time in this process. After a failure nudges are ignored for a time that doubles, so that a
 * paused pool is not asked again and again; `catchUp` always tries.
 */
export class TableLoader {
  readonly #options: TableLoaderOptions;
  readonly #loading = new SharedRun<void>();
  #timer: NodeJS.Timeout | undefined;
  #nextAt = 0;
  #failures = 0;
  #warned: string | undefined;
  #ended = new AbortController();
  #warehouse: Warehouse | undefined;
  #position: TablePosition | undefined;
  /** The position from which the next load starts without asking the ledger. */
  #lastKnown: CatchUpOptions['lastKnown'];
  #recorded: LoadStatus | undefined;
  /** The end of the log, if the table needs a rebuild. */
  #head: TablePosition | undefined;
  /** The outcome of this process's last attempt. */
  status: LoaderStatus = { state: 'idle' };

  constructor(options: TableLoaderOptions) {
    this.#options = options;
  }

  /** Asks for a load soon, and returns at once. Never throws. */
  nudge(): void {
    if (this.#timer || this.#ended.signal.aborted) return;
    const wait = Math.max(0, this.#nextAt - performance.now());
    this.#timer = setTimeout(() => {
      // A load under way may have read the log before this commit, so another load must follow.
      void (this.#loading.underWay ?? Promise.resolve()).then(() => {
        this.#timer = undefined;
        return this.#start(nudgeLimitMs);
      });
    }, wait);
    // The timer must not keep a process alive that has nothing else to do.
    this.#timer.unref();
  }

  /**
   * Loads all missing rows. No load starts after the limit. After one and a half times the limit it does not wait any longer for the
   * running load, which then ends by itself. A failure is logged and shows in the status.
   */
  async catchUp(limitMs: number): Promise<LoaderStatus> {
    const endsAt = performance.now() + limitMs;
    const whole = async () => {
      while (this.#loading.underWay) await this.#loading.underWay;
      await this.#start(Math.max(0, Math.round(endsAt - performance.now())));
      return this.status;
    };
    return within(limitMs * 1.5, whole, () => ({ state: 'behind' }));
  }

  /** Ends the work between two loads. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#ended.abort();
    clearTimeout(this.#timer);
    await this.#loading.underWay;
  }

  #start(limitMs: number): Promise<void> {
    if (this.#ended.signal.aborted) return Promise.resolve();
    return this.#loading.join(() => this.#load(limitMs));
  }

  async #load(limitMs: number): Promise<void> {
    const { table, warn } = this.#options;
    const interval = this.#options.intervalMs ?? intervalMs;
    this.#nextAt = performance.now() + interval;
    try {
      const { done, isNews } = await this.#catchUp(limitMs);
      if (this.#failures > 0) this.#hasten();
      this.#failures = 0;
      // Only a rebuild helps, so do not try often: each try reads the log again.
      if (done.state === 'needs-rebuild')
        this.#nextAt = performance.now() + Math.max(interval, rebuildWaitMs);
      const { reason, head } = done.state === 'needs-rebuild' ? done : {};
      this.#head = head;
      this.status = { state: done.state, ...(reason !== undefined && { reason }) };
      const name = `${table.schema}.${table.name}`;
      this.#warnOnce(
        reason === undefined
          ? undefined
          : `${name} needs rebuild: ${reason}. Run "npm run warehouse -- rebuild ${name}".`,
        warn,
      );
      if (!isNews) return;
    } catch (error) {
      this.#failures++;
      this.#nextAt =
        performance.now() + backoffMs(this.#failures, { firstMs: 2 * interval, mostMs: longestBackoffMs });
      const { code, message } = describeFailure(error);
      this.status = { state: 'failed', error: code };
      this.#warnOnce(message, (text) => warn(text, code));
    }
    this.#tell(this.status);
  }

  /** The last known position, if it can be found without asking the warehouse. */
  async #findLastKnown(warehouse: Warehouse, isFirst: boolean): Promise<CatchUpOptions['lastKnown']> {
    const { recorded } = this.#options;
    if (isFirst) {
      this.#recorded = await recorded?.(warehouse);
      const lastKnown = this.#recorded && lastKnownOf(this.#recorded);
      this.#position = lastKnown?.position;
      return lastKnown;
    }
    if (this.#lastKnown?.finding?.state !== 'needs-rebuild') return this.#lastKnown;
    // Another process may have rebuilt the table. Then it has recorded that.
    const now = await recorded?.(warehouse);
    const isSame =
      now?.state === 'needs-rebuild' && isDeepStrictEqual(now.position, this.#lastKnown.position);
    return isSame ? this.#lastKnown : undefined;
  }

  /** Loads the missing rows. `isNews`: whether anything has changed since the last attempt, as far as this process can know. */
  async #catchUp(limitMs: number): Promise<{ done: CaughtUp; isNews: boolean }> {
    const { table, commits } = this.#options;
    const isFirst = this.#warehouse === undefined;
    const warehouse = this.#warehouse ?? (await this.#options.warehouse());
    this.#warehouse = warehouse;
    const lastKnown = await this.#findLastKnown(warehouse, isFirst);
    // If this attempt fails, the next one asks the ledger.
    this.#lastKnown = undefined;
    let isContested = lastKnown?.isContested ?? false;
    const done = await catchUp({
      warehouse,
      commits: await commits(),
      table,
      lastKnown,
      signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout(limitMs)]),
      onLoad: (report) => {
        isContested = report.outcome === 'overtaken';
        this.#options.onLoad?.(report);
      },
      onPosition: (position) => {
        const isMoved = JSON.stringify(position) !== JSON.stringify(this.#position);
        this.#position = position;
        // A finding about an earlier position, for example that it needs a rebuild, does not apply to the new position.
        if (isMoved) this.#tell({ state: 'behind' });
      },
    });
    const position = this.#position;
    if (position && done.state === 'current') this.#lastKnown = { position, isContested };
    if (position && (done.state === 'no-table' || done.state === 'needs-rebuild'))
      this.#lastKnown = { position, isContested: false, finding: done };
    // The same outcome is not recorded again, because that might replace what another process has recorded since.
    return { done, isNews: !isDeepStrictEqual(done, lastKnown?.finding) };
  }

  #tell(status: LoaderStatus): void {
    const keepsMarks = this.#warehouse?.keepsMarks() ?? this.#recorded?.keepsMarks;
    this.#options.onStatus?.({
      ...status,
      ...(this.#position && { position: this.#position }),
      ...(status.state === 'needs-rebuild' && this.#head && { head: this.#head }),
      ...(keepsMarks !== undefined && { keepsMarks }),
      ...(this.#warehouse && { warehouse: warehouseMark(this.#warehouse.name) }),
    });
  }

  /** After a success, starts a nudge at once that is waiting for the end of a backoff. */
  #hasten(): void {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.nudge();
  }

  /** Logs a message only if it differs from the last one. */
  #warnOnce(message: string | undefined, warn: (message: string) => void): void {
    if (message !== undefined && message !== this.#warned) warn(`Warehouse: ${message}`);
    this.#warned = message;
  }
}

/** The position and finding in a record, if the warehouse need not be asked about them. */
function lastKnownOf({ state, position, reason, head }: LoadStatus): CatchUpOptions['lastKnown'] {
  if (!position) return undefined;
  if (state === 'current') return { position, isContested: true };
  if (state === 'no-table') return { position, isContested: false, finding: { state } };
  if (state !== 'needs-rebuild' || reason === undefined || !head) return undefined;
  return { position, isContested: false, finding: { state, version: position.version, reason, head } };
}
