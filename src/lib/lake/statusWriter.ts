import type { ObjectStore } from '../storage/objectStore';

/** How long to wait, in milliseconds, before a failed write is tried again. */
const retryMs = 10_000;

export interface StatusWriterOptions {
  readonly store: () => Promise<ObjectStore>;
  /** Writes to the lake what is known now. */
  readonly write: (store: ObjectStore) => Promise<void>;
  readonly onWritten?: () => void;
  readonly onFailed: (error: unknown) => void;
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonicNow?: (() => number) | undefined;
}

/**
 * Keeps a small file in the lake up to date, which tells other processes how a piece of work goes in this one. Its calls return at once and
 * never throw, so the work neither waits for the file nor fails because of it. Its writes run one after another, so that a slow one cannot
 * undo a later one. For the same reason no write is given up early: each ends by the store's own deadlines.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #monotonicNow: () => number;
  #told: { readonly state: string; readonly until: number } | undefined;
  #isDue = false;
  #running: Promise<void> | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#monotonicNow = options.monotonicNow ?? (() => performance.now());
  }

  /** Writes the file, unless the same state was written less than this many milliseconds ago. */
  tell(state: string, againAfterMs: number): void {
    const now = this.#monotonicNow();
    if (this.#told?.state === state && now < this.#told.until) return;
    this.#told = { state, until: now + againAfterMs };
    this.#isDue = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { store, write, onWritten, onFailed } = this.#options;
    while (this.#isDue) {
      this.#isDue = false;
      try {
        await write(await store());
        onWritten?.();
      } catch (error) {
        onFailed(error);
        if (this.#told) this.#told = { ...this.#told, until: this.#monotonicNow() + retryMs };
      }
    }
    this.#running = undefined;
  }
}
