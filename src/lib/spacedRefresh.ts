import { SharedRun } from './sharedRun';

export interface SpacedRefreshOptions {
  readonly refresh: () => Promise<void>;
  /** The shortest time between two refreshes, from start to start, in milliseconds. */
  readonly everyMs: number;
  /** How long a failure is rethrown before the next try, in milliseconds from its end. */
  readonly retryMs: (error: unknown) => number;
  /** A clock that only goes forward, in milliseconds. A clock that is set back would delay the next refresh for as long. */
  readonly monotonicNow: () => number;
}

/** Runs one refresh at a time for all callers, and none before it is due, even if the last one failed. */
export class SpacedRefresh {
  readonly #options: SpacedRefreshOptions;
  readonly #refreshing = new SharedRun<void>();
  #dueAt = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SpacedRefreshOptions) {
    this.#options = options;
  }

  /** Starts a refresh if one is due, or waits for the refresh under way. Throws what the last refresh threw. */
  async run(): Promise<void> {
    const isDue = this.#options.monotonicNow() >= this.#dueAt;
    await (isDue ? this.#refreshing.join(() => this.#refresh()) : this.#refreshing.underWay);
    if (this.#failure) throw this.#failure.error;
  }

  async #refresh(): Promise<void> {
    const { refresh, everyMs, retryMs, monotonicNow } = this.#options;
    const startedAt = monotonicNow();
    try {
      await refresh();
      this.#failure = undefined;
      this.#dueAt = startedAt + everyMs;
    } catch (error) {
      this.#failure = { error };
      this.#dueAt = monotonicNow() + retryMs(error);
    }
  }
}
