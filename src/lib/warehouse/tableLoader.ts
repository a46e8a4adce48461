import { performance } from 'node:perf_hooks';
import { within } from '../deadline';
import { describeFailure } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { type CaughtUp, catchUp, type LoadReport } from './catchUp';
import type { UnloadedCommits } from './unloadedCommits';
import type { Warehouse } from './warehouse';

/** A nudge never makes two loads start closer to each other than this. */
const intervalMs = 3000;
/** How long one nudge may go on loading; what is left over is for the next one. */
const nudgeLimitMs = 60_000;
const longestBackoffMs = 300_000;
/** How long a table that needs a rebuild is left alone by nudges. */
const rebuildWaitMs = 30_000;

export interface TableLoaderOptions {
  readonly table: WarehouseTable;
  readonly commits: () => Promise<UnloadedCommits>;
  readonly warehouse: () => Promise<Warehouse>;
  readonly intervalMs?: number;
  readonly onLoad?: (report: LoadReport) => void;
  readonly warn: (message: string) => void;
}

/** What the last attempt of this process came to. */
export interface LoaderStatus {
  readonly state: CaughtUp['state'] | 'failed' | 'idle';
  /** The code of the error; never its message, which may name servers. */
  readonly error?: string;
  readonly reason?: string;
}

/**
 * Loads one table, once at a time in this process. After a failure nudges are ignored for a while that doubles, so that a
 * paused pool is not asked again and again; a catch-up by the clock goes through.
 */
export class TableLoader {
  readonly #options: TableLoaderOptions;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextAt = 0;
  #failures = 0;
  #warned: string | undefined;
  #ended = new AbortController();
  status: LoaderStatus = { state: 'idle' };

  constructor(options: TableLoaderOptions) {
    this.#options = options;
  }

  /** Asks for a load soon, and returns at once. Never throws. */
  nudge(): void {
    if (this.#timer || this.#ended.signal.aborted) return;
    const wait = Math.max(0, this.#nextAt - performance.now());
    this.#timer = setTimeout(() => {
      // While a load is under way the commit that nudged may have come too late for it.
      void (this.#running ?? Promise.resolve()).then(() => {
        this.#timer = undefined;
        return this.#start(nudgeLimitMs);
      });
    }, wait);
    // A process that has nothing else to do need not stay for this.
    this.#timer.unref();
  }

  /**
   * Loads all there is, and starts no load after so long; one that is under way after half as long again is left behind, for
   * it ends by itself. A failure is logged and shows in the status.
   */
  async catchUp(limitMs: number): Promise<LoaderStatus> {
    const endsAt = performance.now() + limitMs;
    const whole = async () => {
      while (this.#running) await this.#running;
      await this.#start(Math.max(0, Math.round(endsAt - performance.now())));
      return this.status;
    };
    return within(limitMs * 1.5, whole, () => ({ state: 'behind' }));
  }

  /** Ends the work between two loads, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#ended.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #start(limitMs: number): Promise<void> {
    if (this.#ended.signal.aborted) return Promise.resolve();
    this.#running ??= this.#load(limitMs).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #load(limitMs: number): Promise<void> {
    const { table, commits, warehouse, onLoad, warn } = this.#options;
    const interval = this.#options.intervalMs ?? intervalMs;
    this.#nextAt = performance.now() + interval;
    try {
      const done = await catchUp({
        warehouse: await warehouse(),
        commits: await commits(),
        table,
        signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout(limitMs)]),
        ...(onLoad ? { onLoad } : {}),
      });
      if (this.#failures > 0) this.#hasten();
      this.#failures = 0;
      // Only a rebuild helps, and each try reads the log again.
      if (done.state === 'needs-rebuild')
        this.#nextAt = performance.now() + Math.max(interval, rebuildWaitMs);
      const reason = 'reason' in done ? done.reason : undefined;
      this.status = { state: done.state, ...(reason === undefined ? {} : { reason }) };
      const name = `${table.schema}.${table.name}`;
      this.#warnOnce(
        reason === undefined
          ? undefined
          : `${name} needs rebuild: ${reason}. Run "npm run warehouse -- rebuild ${name}".`,
        warn,
      );
    } catch (error) {
      this.#failures++;
      this.#nextAt = performance.now() + Math.min(longestBackoffMs, interval * 2 ** this.#failures);
      const { code, message } = describeFailure(error);
      this.status = { state: 'failed', error: code };
      this.#warnOnce(message, warn);
    }
  }

  /** A nudge that waits for the end of a backoff need not wait any more. */
  #hasten(): void {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.nudge();
  }

  /** The same trouble again is no news. */
  #warnOnce(message: string | undefined, warn: (message: string) => void): void {
    if (message !== undefined && message !== this.#warned) warn(`Warehouse: ${message}`);
    this.#warned = message;
  }
}
