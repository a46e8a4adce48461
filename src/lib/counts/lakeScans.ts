import { within } from '../deadline';
import { type ScannedVersion, type ScanOutcome, scanTimes, type TimeScan } from './scanTimes';

/** The limits of the scan for one answer. */
export const scanLimits = {
  /** The most rows that the files may have in which rows of the wanted times are. */
  mostRows: 20_000_000,
  /** How long a scan may take, in milliseconds, including the time that it waits for others. */
  withinMs: 20_000,
  /** How many scans may wait or run. Each keeps its answer in memory, which has a number for each key. */
  mostAtOnce: 16,
};

export type LakeScanOutcome =
  | ScanOutcome
  | { readonly outcome: 'too-slow' }
  | { readonly outcome: 'too-many-scans' };

/**
 * Runs the scans of a process one at a time. Each takes one processor and the memory of a few row groups, and the process must also answer
 * other requests. The others wait for their turn.
 */
export class LakeScans {
  readonly #limits: typeof scanLimits;
  /** Resolves when the last scan in the queue has ended. It never rejects. */
  #turn: Promise<unknown> = Promise.resolve();
  #count = 0;

  constructor(limits: Partial<typeof scanLimits> = {}) {
    this.#limits = { ...scanLimits, ...limits };
  }

  get limits(): typeof scanLimits {
    return this.#limits;
  }

  /** Throws what `scanTimes` throws, except for the signal's reason: if time runs out, the outcome is `too-slow`. */
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
        // A scan that is too slow is stopped, and must have ended before the next one begins.
        this.#turn = scan.catch(() => undefined);
        return scan;
      },
      () => ({ outcome: 'too-slow' }),
    );
  }
}
