export interface AccumulatorOptions<T> {
  minSize: number;
  maxSize: number;
  /** The longest time that items wait while there are fewer than `minSize`. */
  maxWaitMs: number;
  /** Handles a batch of 1 to maxSize items; never called twice at the same time. */
  handle(batch: T[]): Promise<void>;
}

/**
 * Gathers items into batches. A batch is handled when it has `minSize` items, or `maxWaitMs` after its first item came. Only one
 * batch is handled at a time.
 */
export class BatchAccumulator<T> {
  #items: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #inFlight: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;
  #closed = false;
  readonly #options: AccumulatorOptions<T>;

  constructor(options: AccumulatorOptions<T>) {
    this.#options = options;
  }

  /**
   * Takes items. Resolves when more may come: when no batch is being handled and fewer than `minSize` items wait. Throws what
   * `handle` threw, also for a batch that was handled because `maxWaitMs` were over.
   */
  async add(items: readonly T[]): Promise<void> {
    this.#items.push(...items);
    await this.#inFlight;
    while (!this.#closed && this.#items.length >= this.#options.minSize && !this.#failure)
      await this.#flush();
    if (this.#failure) throw this.#failure.error;
    if (!this.#closed && this.#items.length > 0) {
      this.#timer ??= setTimeout(() => void this.#flush(), this.#options.maxWaitMs);
    }
  }

  /** Handles no more batches and drops waiting items. Resolves when the batch that is being handled has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#items = [];
    await this.#inFlight;
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#items.splice(0, this.#options.maxSize);
    this.#inFlight = this.#options
      .handle(batch)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#inFlight = undefined;
      });
    return this.#inFlight;
  }
}
