import { within } from '../deadline';
import { type ScannedVersion, type ScanOutcome, scanTimes, type TimeScan } from './scanTimes';

/** What one answer may read of a table. */
export const scanLimits = {
  /** Rows of all files that have rows of the wanted times. */
  mostRows: 20_000_000,
  /** How long it may take, with the time that it waits for others, in milliseconds. */
  withinMs: 20_000,
  /** How many may wait or be under way. Each keeps its answer in memory, which has a number for each key. */
  mostAtOnce: 16,
};

export type LakeScanOutcome =
  | ScanOutcome
  | { readonly outcome: 'too-slow' }
  | { readonly outcome: 'too-many-scans' };

/**
 * The scans of a process, one at a time: each takes one processor and the memory of a few row groups, and beside them the process has
 * requests to answer. The others wait for their turn.
 */
export class LakeScans {
  readonly #limits: typeof scanLimits;
  /** Ends when the scan before the next one has ended. It never rejects. */
  #turn: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(limits: Partial<typeof scanLimits> = {}) {
    this.#limits = { ...scanLimits, ...limits };
  }

  get limits(): typeof scanLimits {
    return this.#limits;
  }

  /** Throws what `scanTimes` throws, but for the signal's reason. */
  async run(version: ScannedVersion, wanted: TimeScan): Promise<LakeScanOutcome> {
    if (this.#count >= this.#limits.mostAtOnce) return { outcome: 'too-many-scans' };
    this.#count++;
    try {
      return await this.#inTurn(version, wanted);
    } finally {
      this.#count--;
    }
  }

  #inTurn(version: ScannedVersion, wanted: TimeScan): Promise<LakeScanOutcome> {
    const { mostRows, withinMs } = this.#limits;
    const before = this.#turn;
    return within<LakeScanOutcome, LakeScanOutcome>(
      withinMs,
      (signal) => {
        const scan = before.then(() => {
          signal.throwIfAborted();
          return scanTimes(version, wanted, { mostRows, signal });
        });
        // A scan that is too slow still ends before the next one begins.
        this.#turn = scan.catch(() => undefined);
        return scan;
      },
      () => ({ outcome: 'too-slow' }),
    );
  }
}
