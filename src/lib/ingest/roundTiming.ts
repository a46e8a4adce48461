/** A batch that waits for a round. Times are in milliseconds of one clock. */
export interface WaitingBatch {
  /** The hub's partition, by its appId or another name that is its own. */
  readonly partition: string;
  readonly events: number;
  /** When it came. */
  readonly since: number;
  /** The trigger had more events ready than it could pass in this batch, so the next batch is behind it. */
  readonly isFull: boolean;
}

export interface RoundTimingOptions {
  /** Least time between the starts of two rounds. */
  readonly intervalMs: number;
}

/** Least time between the starts of two rounds while there is a backlog. */
const backlogIntervalMs = 250;

/** With this many events waiting there is a backlog: waiting for more would only add to the lag. */
const backlogEvents = 4000;

/** A partition is being read if a batch of it came within this time. */
const readWithinMs = 2000;

/** How long a round that is due waits for the batches of other partitions, which come at almost the same time. */
const togetherMs = 50;

/**
 * Decides when the next round of a table starts. The trigger passes a partition's next batch only after the one before it is
 * committed, so a partition with a waiting batch has nothing more to give to the round.
 *
 * | state | the round starts |
 * |---|---|
 * | usually | the interval after the last start |
 * | a batch is full, or many events wait | 250 ms after the last start: else a partition would give no more than one batch an interval |
 * | then, if a partition that is being read has no batch waiting | up to 50 ms later: partitions whose rounds end together bring their next batches together |
 */
export class RoundTiming {
  readonly #intervalMs: number;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** When the last batch of each partition came. */
  readonly #lastBatch = new Map<string, number>();

  constructor({ intervalMs }: RoundTimingOptions) {
    this.#intervalMs = intervalMs;
  }

  /** A batch of a partition came. */
  came(partition: string, now: number): void {
    this.#lastBatch.set(partition, now);
  }

  /** A round starts. */
  started(now: number): void {
    this.#startedAt = now;
  }

  /** When the next round starts if no other batch comes until then. At least one batch waits. */
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
    const partitions = new Set(waiting.map(({ partition }) => partition));
    for (const [partition, at] of this.#lastBatch)
      if (at > now - readWithinMs && !partitions.has(partition)) return false;
    return true;
  }
}
