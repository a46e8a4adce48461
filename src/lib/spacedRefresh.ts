export interface SpacedRefreshOptions {
  readonly refresh: () => Promise<void>;
  /** Least time between the begins of two refreshes in milliseconds. */
  readonly everyMs: number;
  /** How long a failure stands, in milliseconds from its end. */
  readonly retryMs: (error: unknown) => number;
  /** Milliseconds on a clock that only goes forward: one that is set back would put the next refresh off for as long. */
  readonly monotonicNow: () => number;
}

/** One refresh at a time, however many ask for it, and none before its time: also not after one that failed. */
export class SpacedRefresh {
  readonly #options: SpacedRefreshOptions;
  #running: Promise<void> | undefined;
  #dueAt = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SpacedRefreshOptions) {
    this.#options = options;
  }

  /** Refreshes, waits for the refresh under way, or does nothing. Throws what the last refresh threw. */
  async run(): Promise<void> {
    if (this.#options.monotonicNow() >= this.#dueAt) {
      this.#running ??= this.#refresh().finally(() => {
        this.#running = undefined;
      });
    }
    await this.#running;
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
