import type { Counts, CountsView } from '../counts/counts';
import type { ProductNames } from '../counts/productNames';
import { describeFailure } from '../errors';
import { logEvent } from '../log';
import type { ApiAnswer, ApiRequest } from './answer';
import { Answers, type ViewResult } from './answers';
import { readClickView } from './clickViews';
import { type CountTerms, clickTerms } from './countTerms';
import { ensureScanned, type Unfinished } from './lakeScan';

export interface ClicksApiOptions {
  readonly counts: Counts;
  readonly names: Pick<ProductNames, 'current' | 'last'>;
  /** The words of the answers; those of GET /api/clicks unless told. */
  readonly terms?: CountTerms;
  /** Milliseconds since 1970; the clock unless told. */
  readonly now?: () => number;
  /** Receives failures that are not part of the answer. */
  readonly logError?: (error: unknown) => void;
}

/** Answers GET /api/clicks, or GET /api/counts/{stream}, and the paths below it, as docs/openapi.yaml describes. */
export class ClicksApi {
  readonly #options: Required<ClicksApiOptions>;
  readonly #answers: Answers<CountsView>;
  #namesFailed = false;

  constructor(options: ClicksApiOptions) {
    this.#options = {
      now: Date.now,
      terms: clickTerms,
      logError: (error) => logEvent('error', 'clicks-failed', describeFailure(error)),
      ...options,
    };
    const { counts, names, terms, now, logError } = this.#options;
    this.#answers = new Answers<CountsView>({
      now,
      logError,
      failure: `The ${terms.rows} cannot be counted`,
      read: (path, query) => {
        const { bucketMs, build } = readClickView(path, query, terms);
        return {
          bucketMs,
          build: (view, nowMs) => {
            const built = build({ view, names: names.last, nowMs });
            return 'finish' in built ? this.#scan(view, built) : built;
          },
        };
      },
      prepare: () => this.#prepare(),
      input: () => counts.current(),
      // The mark is part of the tag, because after storage went back in time the same version number may hold other clicks. `alone` is part
      // of it too, because an instance may have decided anew which products to count, and others have not followed yet.
      tagOf: ({ tableId = 'none', version, mark, alone }) => [
        tableId,
        version,
        mark?.slice(0, 8),
        alone,
        names.last.tag,
      ],
    });
  }

  /** Never throws: a problem is an answer too. */
  answer(request: ApiRequest): Promise<ApiAnswer> {
    return this.#answers.answer(request);
  }

  /** Completes an answer with the rows of which no counts are kept: it reads them from the table's files. */
  async #scan(view: CountsView, unfinished: Unfinished): Promise<ViewResult> {
    const { counts } = this.#options;
    ensureScanned(await counts.scan(view, unfinished), unfinished, counts.scanLimits);
    return unfinished.finish();
  }

  /** Starts both reads at once: if the lake does not answer, the request waits for one timeout and not for two. */
  async #prepare(): Promise<void> {
    const reading = this.#readNames();
    await this.#options.counts.current();
    await reading;
  }

  /** Reads the names again. Names only help readers, so a failure must not stop the counts. It is logged once until reading works again. */
  async #readNames(): Promise<void> {
    const { names, logError } = this.#options;
    try {
      await names.current();
      this.#namesFailed = false;
    } catch (error) {
      if (!this.#namesFailed) logError(error);
      this.#namesFailed = true;
    }
  }
}
