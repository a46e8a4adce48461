/** The storage tells whole seconds. So its time is late by at most this much, in milliseconds, if the answer came quickly. */
const resolutionMs = 1_000;
/** If an answer is older than this machine's time by more than this, in milliseconds, this machine's time is wrong. */
const toleranceMs = 5_000;

/**
 * The time by the clock of a storage service, in milliseconds. Between answers it goes by this machine's monotonic clock, so it does not
 * matter if this machine's time of day jumps.
 */
export class StorageClock {
  #offset = Date.now() - performance.now();

  now(): number {
    return Math.floor(performance.now() + this.#offset);
  }

  /** Records the date of an answer that has just come. */
  set(date: Date | undefined): void {
    if (!date) return;
    const least = date.getTime() - performance.now();
    if (this.#offset < least) this.#offset = least;
    else if (this.#offset > least + toleranceMs) this.#offset = least + resolutionMs;
  }
}
