export interface AccumulatorOptions<T> {
  minSize: number;
  maxSize: number;
  /** Longest time that fewer than `minSize` items wait. */
  maxWaitMs: number;
  /** Handles a batch of 1 to maxSize items; never called twice at the same time. */
  handle(batch: T[]): Promise<void>;
}

/**
 * Gathers items into batches. A batch is handled when `minSize` items are there, or `maxWaitMs` after the first of them
 * came. One batch is in flight at a time.
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
   * Takes items and resolves when more may come, that is, when no batch is in flight and fewer than `minSize` items wait.
   * Throws what `handle` threw, also for a batch that the clock had started.
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

  /** Handles nothing more; what waits is dropped. Resolves when the batch in flight has ended. */
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
