export interface AccumulatorOptions<T> {
  minSize: number;
  maxSize: number;
  /** The most weight of all items in a batch. A single item is always taken. */
  maxWeight: number;
  weigh(item: T): number;
  /** The longest time that items wait while there are fewer than `minSize`. */
  maxWaitMs: number;
  /** Handles a batch of 1 to maxSize items; never called twice at the same time. */
  handle(batch: T[]): Promise<void>;
}

/**
 * Gathers items into batches. A batch is handled when it has `minSize` items or is as large as it may be, or `maxWaitMs` after its
 * first item came. Only one batch is handled at a time.
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
   * Takes items. Resolves when more may come: when no batch is being handled and too few items for one wait. Throws what `handle`
   * threw, also for a batch that was handled because `maxWaitMs` were over.
   */
  async add(items: readonly T[]): Promise<void> {
    this.#items.push(...items);
    await this.#inFlight;
    while (!this.#closed && this.#hasBatch() && !this.#failure) await this.#flush();
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

  #hasBatch(): boolean {
    return this.#items.length >= this.#options.minSize || this.#batchSize() < this.#items.length;
  }

  /** The number of items in the next batch. */
  #batchSize(): number {
    const { maxSize, maxWeight, weigh } = this.#options;
    let weight = 0;
    const end = this.#items.findIndex((item, index) => {
      weight += weigh(item);
      return index >= maxSize || (index > 0 && weight > maxWeight);
    });
    return end < 0 ? this.#items.length : end;
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#items.splice(0, this.#batchSize());
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
