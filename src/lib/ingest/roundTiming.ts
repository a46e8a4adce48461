/** A batch that waits for a round. Times are in milliseconds of one clock. */
export interface WaitingBatch {
  /** The appId of the hub's partition, which no other partition has. */
  readonly appId: string;
  readonly events: number;
  /** When it came. */
  readonly since: number;
  /** True if the trigger had more events than it could pass in this batch. Then the next batch follows at once. */
  readonly isFull: boolean;
}

export interface RoundTimingOptions {
  /** The shortest time between the starts of two rounds. */
  readonly intervalMs: number;
}

/** The shortest time between the starts of two rounds while there is a backlog. */
const backlogIntervalMs = 250;

/** If this many events wait, there is a backlog. Waiting for more would only increase the lag. */
const backlogEvents = 4000;

/** A partition counts as being read if a batch of it came within this time. */
const readWithinMs = 2000;

/** How long a round that is due waits for batches of other partitions, because these come at almost the same time. */
const togetherMs = 50;

/**
 * Decides when the next round of a table starts. The trigger passes a partition's next batch only after the one before it is committed. So
 * a partition with a waiting batch has nothing more for the round.
 *
 * | state | the round starts |
 * |---|---|
 * | usually | the interval after the last start |
 * | a batch is full, or many events wait | 250 ms after the last start, because a partition would otherwise give one batch per interval |
 * | it is due, but a partition that is being read has no batch waiting | up to 50 ms later, because such batches come almost together |
 */
export class RoundTiming {
  readonly #intervalMs: number;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** When the last batch of each partition came, by appId. */
  readonly #lastBatch = new Map<string, number>();

  constructor({ intervalMs }: RoundTimingOptions) {
    this.#intervalMs = intervalMs;
  }

  /** Tells that a batch of a partition came. */
  came(appId: string, now: number): void {
    this.#lastBatch.set(appId, now);
  }

  /** Tells that a round starts. */
  started(now: number): void {
    this.#startedAt = now;
  }

  /** When the next round starts if no further batch comes. At least one batch must be waiting. */
  dueAt(waiting: readonly WaitingBatch[], now: number): number {
    const events = waiting.reduce((sum, batch) => sum + batch.events, 0);
    const hasBacklog = events >= backlogEvents || waiting.some(({ isFull }) => isFull);
    const intervalMs = hasBacklog ? Math.min(backlogIntervalMs, this.#intervalMs) : this.#intervalMs;
    const dueAt = this.#startedAt + intervalMs;
    if (this.#isComplete(waiting, now)) return dueAt;
    const first = waiting.reduce((min, { since }) => Math.min(min, since), Number.POSITIVE_INFINITY);
    return Math.max(dueAt, first + Math.min(togetherMs, intervalMs));
  }

  /** Whether each partition that is being read has a batch waiting. */
  #isComplete(waiting: readonly WaitingBatch[], now: number): boolean {
    const appIds = new Set(waiting.map(({ appId }) => appId));
    for (const [appId, at] of this.#lastBatch)
      if (at > now - readWithinMs && !appIds.has(appId)) return false;
    return true;
  }
}
