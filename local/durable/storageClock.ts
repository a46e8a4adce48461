/** The storage tells whole seconds, which are at most this much behind when the answer was not under way for long. */
const resolutionMs = 1_000;
/** If this machine's time is further ahead of an answer than this, it is wrong. */
const toleranceMs = 5_000;

/**
 * The time by the clock of a storage service, in milliseconds. Beside the answers only this machine's monotonic clock counts, so that
 * a jump of its time of day does no harm.
 */
export class StorageClock {
  #offset = Date.now() - performance.now();

  now(): number {
    return Math.floor(performance.now() + this.#offset);
  }

  /** Takes down the date of an answer that has just come. */
  set(date: Date | undefined): void {
    if (!date) return;
    const least = date.getTime() - performance.now();
    if (this.#offset < least) this.#offset = least;
    else if (this.#offset > least + toleranceMs) this.#offset = least + resolutionMs;
  }
}
