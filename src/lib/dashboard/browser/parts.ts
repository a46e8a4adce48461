import { Resource } from './api.js';

/** A question that is asked again and again, with a key. */
export type Ask = (key: string) => Promise<void>;

/** The questions of a view. They are asked one after the other, until the reader leaves the view. */
export class Parts {
  readonly #asks: Ask[] = [];
  #isLeft = false;

  /** Another view is shown now: answers that still arrive are not shown. */
  leave(): void {
    this.#isLeft = true;
  }

  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Adds a question, which is asked at most once in this time, but again at once if it failed. */
  add(everyMs: number, run: Ask): void {
    let ranAt = Number.NEGATIVE_INFINITY;
    this.#asks.push(async (key) => {
      if (performance.now() - ranAt < everyMs) return;
      await run(key);
      ranAt = performance.now();
    });
  }

  /**
   * Adds a question whose answer takes long. It is sent in its turn, but the other questions do not wait for it. If it fails, its next turn
   * throws the error.
   */
  addSlow(everyMs: number, run: Ask): void {
    let ranAt = Number.NEGATIVE_INFINITY;
    let isUnderWay = false;
    let failure: { readonly error: unknown } | undefined;
    this.#asks.push(async (key) => {
      if (failure) {
        const { error } = failure;
        failure = undefined;
        throw error;
      }
      if (isUnderWay || performance.now() - ranAt < everyMs) return;
      isUnderWay = true;
      void run(key)
        .catch((error: unknown) => {
          failure = { error };
        })
        .finally(() => {
          isUnderWay = false;
          ranAt = failure ? Number.NEGATIVE_INFINITY : performance.now();
        });
    });
  }

  /** Adds a question for one path. An answer is shown if it differs from the one before. */
  addPath<T>(path: string, everyMs: number, show: (data: T) => void): void {
    const resource = new Resource<T>(path);
    this.add(everyMs, async (key) => {
      const { data, changed } = await resource.get(key);
      if (changed && !this.#isLeft) show(data);
    });
  }

  async ask(key: string): Promise<void> {
    for (const ask of this.#asks) if (!this.#isLeft) await ask(key);
  }
}
