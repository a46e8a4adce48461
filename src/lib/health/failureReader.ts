import { within } from '../deadline';
import { TributaryError } from '../errors';
import { type IngestFailure, readFailures } from '../ingest/ingestFailure';
import { SpacedRefresh } from '../spacedRefresh';
import type { ObjectStore } from '../storage/objectStore';

/** How long an answer of the lake is reused, however many requests come. */
const ageMs = 3000;
/** Short, because probes do not wait for long. */
const limitMs = 5000;

export interface FailureReaderOptions {
  readonly store: () => Promise<ObjectStore>;
  readonly limitMs?: number;
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonicNow?: () => number;
}

/** The failures that ingesting processes recorded in the lake, at most a few seconds old. */
export class FailureReader {
  readonly #refresh: SpacedRefresh;
  #failures: readonly IngestFailure[] = [];

  constructor(options: FailureReaderOptions) {
    this.#refresh = new SpacedRefresh({
      refresh: async () => {
        this.#failures = await readWithin(options.store, options.limitMs ?? limitMs);
      },
      everyMs: ageMs,
      retryMs: () => ageMs,
      monotonicNow: options.monotonicNow ?? (() => performance.now()),
    });
  }

  /** Throws what the store throws, and `storage.unavailable` if the store does not answer in time. */
  async read(): Promise<readonly IngestFailure[]> {
    await this.#refresh.run();
    return this.#failures;
  }
}

async function readWithin(store: () => Promise<ObjectStore>, limit: number): Promise<IngestFailure[]> {
  return within(
    limit,
    async () => readFailures(await store()),
    () => {
      throw new TributaryError('storage.unavailable', `The lake did not answer in ${limit / 1000} s.`);
    },
  );
}
