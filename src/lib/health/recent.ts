import { within } from '../deadline';
import { describeFailure, type ErrorCode, TributaryError } from '../errors';
import { SpacedRefresh } from '../spacedRefresh';

export interface RecentOptions<T> {
  readonly ask: () => Promise<T>;
  /** How long an answer or an error is reused, in milliseconds. */
  readonly ageMs: number;
  /** How long to wait for an answer, in milliseconds. It is short, because probes do not wait for long. */
  readonly limitMs: number;
  /** The code of the error if there is no answer by then. */
  readonly lateCode: ErrorCode;
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonicNow?: (() => number) | undefined;
}

/** An answer. In its place there may be the code of an error, its `refusal`, and for how many milliseconds there has been no answer. */
export type Outcome<T> =
  | { readonly value: T }
  | { readonly error: ErrorCode | 'unknown'; readonly refusal?: string; readonly forMs?: number };

/** An answer that is reused for a while, however many requests come. */
export class Recent<T> {
  readonly #refresh: SpacedRefresh;
  readonly #monotonicNow: () => number;
  #failedSince: number | undefined;
  #answer: T | undefined;

  constructor(options: RecentOptions<T>) {
    const { ask, ageMs, limitMs, lateCode, monotonicNow = () => performance.now() } = options;
    this.#monotonicNow = monotonicNow;
    const late = () => {
      throw new TributaryError(lateCode, `No answer in ${limitMs / 1000} s.`);
    };
    this.#refresh = new SpacedRefresh({
      refresh: async () => {
        this.#answer = await within(limitMs, ask, late);
      },
      everyMs: ageMs,
      retryMs: () => ageMs,
      monotonicNow,
    });
  }

  /** Never rejects. */
  async read(): Promise<Outcome<T>> {
    try {
      const value = await this.value();
      this.#failedSince = undefined;
      return { value };
    } catch (error) {
      this.#failedSince ??= this.#monotonicNow();
      const { refusal } = error instanceof TributaryError ? error : {};
      const forMs = this.#monotonicNow() - this.#failedSince;
      return { error: describeFailure(error).code, ...(refusal && { refusal }), forMs };
    }
  }

  /** The answer. Throws what asking throws, and an error with the `lateCode`. */
  async value(): Promise<T> {
    await this.#refresh.run();
    return this.#answer as T;
  }
}
