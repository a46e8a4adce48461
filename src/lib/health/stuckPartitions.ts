import type { Txn } from '../delta/actions';
import type { PartitionHead } from '../lake/hubHeads';

/** A partition is stuck if its events have waited for this long, in milliseconds, and nothing was committed. */
export const stuckAfterMs = 120_000;

export interface PartitionClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds on a clock that only goes forward. */
  monotonicNow(): number;
}

interface Wait {
  /** The last sequence number that was committed when the wait began. */
  readonly committed: number;
  /** When the wait began, in milliseconds since 1970. The next member is the same moment on the clock that only goes forward. */
  readonly since: number;
  readonly monotonicSince: number;
}

/**
 * Tells which partitions are stuck although no batch fails: at an event that the trigger cannot read, no batch ever comes. Nobody records
 * such a wait, so there are two ways to find out about it:
 *
 * | what is known | since when the partition waits |
 * |---|---|
 * | this process has seen that events wait, and always the same last commit since | when it first saw that |
 * | the newest event, and the partition's last commit, are old | the later of the two times |
 *
 * The second way helps a process that has just started. While events keep coming, only the first way works.
 */
export class StuckPartitions {
  readonly #clock: PartitionClock;
  /** The waits of partitions, by appId. */
  readonly #waits = new Map<string, Wait>();

  constructor(clock: PartitionClock) {
    this.#clock = clock;
  }

  /**
   * Since when a partition is stuck, in milliseconds since 1970; undefined if it is not stuck.
   * @param txn the partition's last commit
   */
  stuckSince(appId: string, head: PartitionHead, waiting: number, txn: Txn | undefined): number | undefined {
    if (waiting === 0) {
      this.#waits.delete(appId);
      return undefined;
    }
    const wait = this.#waitOf(appId, txn?.version ?? -1);
    const now = this.#clock.now();
    const quietSince = txn?.lastUpdated && Math.max(head.lastEnqueuedAt, txn.lastUpdated);
    if (quietSince && now - quietSince >= stuckAfterMs) return Math.min(quietSince, wait.since);
    return this.#clock.monotonicNow() - wait.monotonicSince >= stuckAfterMs ? wait.since : undefined;
  }

  #waitOf(appId: string, committed: number): Wait {
    const known = this.#waits.get(appId);
    if (known?.committed === committed) return known;
    const { now, monotonicNow } = this.#clock;
    const began = { committed, since: now(), monotonicSince: monotonicNow() };
    this.#waits.set(appId, began);
    return began;
  }
}
