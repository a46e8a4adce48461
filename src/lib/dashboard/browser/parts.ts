import { Resource } from './api.js';

/** Something that is asked for again and again, with a key. */
export type Ask = (key: string) => Promise<void>;

/** What a view asks for, one after the other, until it is left for another view. */
export class Parts {
  readonly #asks: Ask[] = [];
  #isLeft = false;

  /** Another view is shown: answers that are under way are not. */
  leave(): void {
    this.#isLeft = true;
  }

  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Asks at most once in this time; again at once if it failed. */
  add(everyMs: number, run: Ask): void {
    let ranAt = Number.NEGATIVE_INFINITY;
    this.#asks.push(async (key) => {
      if (performance.now() - ranAt < everyMs) return;
      await run(key);
      ranAt = performance.now();
    });
  }

  /** The same for what takes long: it begins in its turn, and the others do not wait for it. It fails in its next turn. */
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

  /** Asks for one path, and shows an answer that is not the one before. */
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
