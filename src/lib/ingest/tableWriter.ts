import { performance } from 'node:perf_hooks';
import { isStillInLog } from '../delta/position';
import type { TableState } from '../delta/state';
import type { PreparedAppend, TableAppender } from '../delta/tableAppender';
import { partitionAppId } from '../lake/hubGeneration';
import { admitBatch, allFollowOn, type HubFacts, type IncomingBatch } from './admitBatch';
import type { PartitionBatch } from './partitionBatch';
import { type BatchShare, planRound, type Round } from './round';
import { type RoundReport, reportRound, type Stopwatch, startStopwatch } from './roundReport';
import { RoundTiming, type WaitingBatch } from './roundTiming';

/** The outcome of a batch: its share of the round, and the version of the commit. */
export interface BatchOutcome extends BatchShare {
  readonly version: number;
}

export interface TableWriterOptions {
  /** Name of the stream. */
  readonly stream: string;
  /** The stream's table. Its fields are the stream's own, the row's address, and the rescued fields. */
  readonly rows: TableAppender;
  readonly letters: TableAppender;
  readonly hubs: HubFacts;
  /** True to go on without events that a reader has passed over. */
  readonly acceptGaps?: boolean;
  /** The shortest time between the starts of two rounds, in milliseconds. It is shorter while there is a backlog. */
  readonly commitIntervalMs: number;
  /** The most events that the trigger passes in one batch. A batch of this size has a backlog behind it. */
  readonly maxBatchEvents?: number;
  /** The most events of a round; the next member is the most bytes of their bodies. A single batch is always taken, even if it has more. */
  readonly maxRoundEvents?: number;
  readonly maxRoundBytes?: number;
  readonly onRound?: (report: RoundReport) => void;
}

/** Facts about a batch beside its events. */
export interface BatchFacts {
  /** How long it took to decode the batch, in milliseconds, for the round's report. */
  readonly decodeMs?: number;
  /** True if more events of its partition wait behind it. */
  readonly moreFollow?: boolean;
}

interface Waiting extends WaitingBatch {
  readonly batch: IncomingBatch;
  readonly decodeMs: number;
  resolve(outcome: BatchOutcome): void;
  reject(error: unknown): void;
}

/** Storage that goes back in time is away for longer than this, in milliseconds. So after a slower round, its letters are checked again. */
const slowMs = 1000;

/**
 * Commits the batches of all partitions of one stream, in one process. Batches that come during a round, or within the commit interval,
 * share the next round, which is one data file and one commit with a txn per partition. A process makes one per stream.
 */
export class TableWriter {
  readonly #options: TableWriterOptions;
  #waiting: Waiting[] = [];
  #round: Promise<void> | undefined;
  readonly #timing: RoundTiming;
  #wake: (() => void) | undefined;
  #draining = false;

  constructor(options: TableWriterOptions) {
    this.#options = options;
    this.#timing = new RoundTiming({ intervalMs: options.commitIntervalMs });
  }

  /** Resolves when the batch is in the log. Rejects if its round failed; then none of its rows may be taken for committed. */
  commit(batch: IncomingBatch, { decodeMs = 0, moreFollow = false }: BatchFacts = {}): Promise<BatchOutcome> {
    const { maxBatchEvents = Number.POSITIVE_INFINITY } = this.#options;
    const appId = partitionAppId(batch.generation, batch.partitionId);
    const events = batch.events.length;
    const since = performance.now();
    const isFull = moreFollow || events >= maxBatchEvents;
    this.#timing.came(appId, since);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, appId, events, since, isFull, decodeMs, resolve, reject });
      this.#wake?.();
      this.#round ??= this.#run();
    });
  }

  /** Resolves when no batch is waiting and no round is under way; does not wait for the commit interval. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#wake?.();
    while (this.#round) await this.#round;
    this.#draining = false;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#untilDue();
      this.#timing.started(performance.now());
      const taken = this.#take();
      try {
        await this.#commitRound(taken);
      } catch (error) {
        // It may be unknown whether a commit succeeded. Reading the state again shows it.
        this.#options.rows.forget();
        this.#options.letters.forget();
        for (const { reject } of taken) reject(error);
      }
    }
    this.#round = undefined;
  }

  /** Waits until the round is due. Each batch that comes meanwhile may change that time. */
  async #untilDue(): Promise<void> {
    while (!this.#draining) {
      const now = performance.now();
      const waitMs = this.#timing.dueAt(this.#waiting, now) - now;
      if (waitMs <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
  }

  /** Takes as many of the waiting batches as fit into a round, in their order. */
  #take(): Waiting[] {
    const { maxRoundEvents = 100_000, maxRoundBytes = 32 * 1024 * 1024 } = this.#options;
    let events = 0;
    let bytes = 0;
    let count = 0;
    for (const { batch } of this.#waiting) {
      events += batch.events.length;
      for (const { body } of batch.events) bytes += body.length;
      if (count > 0 && (events > maxRoundEvents || bytes > maxRoundBytes)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #commitRound(taken: readonly Waiting[]): Promise<void> {
    const { rows, stream } = this.#options;
    const stopwatch = startStopwatch();
    for (const { decodeMs } of taken) stopwatch.add('decode', decodeMs);
    for (;;) {
      const state = await this.#stateFor(taken);
      const admitted = await this.#admit(taken, state.txns);
      const batches = [...admitted.values()];
      stopwatch.lap('admit');
      const round = planRound({ batches, committed: state.txns, stream, fields: rows.fields });
      stopwatch.lap('plan');
      const startedAt = performance.now();
      const prepared = await this.#prepare(state, round, stopwatch);
      // Storage went back in time, so plan the round again on the log as it is now.
      if (!prepared) continue;
      let { version } = state;
      if (round.txns.length > 0) {
        const { outcome, state: after } = await rows.commit(prepared, round.txns, round.rows);
        stopwatch.lap('commit');
        // Another process committed one of these partitions meanwhile, so trim again what that process has committed.
        if (outcome === 'moved') continue;
        version = after.version;
      }
      if (performance.now() - startedAt > slowMs) await this.#keepLetters(round, prepared.lettered);
      if (batches.length > 0)
        this.#options.onRound?.(
          reportRound({ stream, batches, round, version, add: prepared.add, stopwatch }),
        );
      return this.#resolve(admitted, round, version);
    }
  }

  /**
   * The state that this process remembers. If a batch does not continue it, the newest one is read: another process may have committed that
   * partition, and what it committed must not be taken for missing.
   */
  async #stateFor(taken: readonly Waiting[]): Promise<TableState> {
    const { rows } = this.#options;
    const state = await rows.state();
    const batches = taken.map(({ batch }) => batch);
    return allFollowOn(batches, state.txns) ? state : rows.refresh();
  }

  /** Admits the batches one by one. A batch that cannot be admitted is rejected on its own; the others continue. */
  async #admit(taken: readonly Waiting[], committed: Parameters<typeof admitBatch>[0]['committed']) {
    const { acceptGaps = false } = this.#options;
    const hubs = oncePerRound(this.#options.hubs);
    const moved = new Map<string, number>();
    const admitted = new Map<Waiting, PartitionBatch>();
    for (const waiting of taken) {
      try {
        const batch = await admitBatch({ batch: waiting.batch, committed, moved, hubs, acceptGaps });
        admitted.set(waiting, batch);
        const last = batch.events.at(-1)?.sequenceNumber ?? -1;
        moved.set(batch.appId, Math.max(last, moved.get(batch.appId) ?? -1));
      } catch (error) {
        waiting.reject(error);
      }
    }
    return admitted;
  }

  /**
   * Uploads the file of rows, and writes the letters in a commit of their own: they must be in the log before the commit that moves past
   * their events. If the letters cannot be written, the file is deleted. The result is undefined if the log does not hold `state` any more.
   * This is checked for a round without rows as well, because events that are dropped as duplicates must really be in the log.
   */
  async #prepare(state: TableState, round: Round, stopwatch: Stopwatch): Promise<PreparedRound | undefined> {
    const { rows, letters } = this.#options;
    const { count, columns } = round.letters;
    // A table that does not take the letters throws here, before a file is written.
    if (count > 0) await letters.state();
    const [prepared, lettered] = await Promise.allSettled([
      rows.prepare(state, round.rows > 0 ? round.columns : undefined),
      count > 0 ? letters.appendRows(columns, count) : undefined,
    ]);
    stopwatch.lap('write');
    // Both have ended now. An earlier throw could have left an upload of a failed round running.
    if (lettered.status === 'rejected') {
      if (prepared.status === 'fulfilled' && prepared.value) await rows.discard(prepared.value);
      throw lettered.reason;
    }
    if (prepared.status === 'rejected') throw prepared.reason;
    return prepared.value && { ...prepared.value, lettered: lettered.value };
  }

  /** Writes the letters again if storage lost them because it went back in time during the round. */
  async #keepLetters({ letters }: Round, lettered: TableState | undefined): Promise<void> {
    if (!lettered || (await isStillInLog(lettered))) return;
    this.#options.letters.forget();
    await this.#options.letters.appendRows(letters.columns, letters.count);
  }

  #resolve(admitted: ReadonlyMap<Waiting, PartitionBatch>, round: Round, version: number): void {
    for (const [index, waiting] of [...admitted.keys()].entries()) {
      const share = round.shares[index];
      if (share) waiting.resolve({ ...share, version });
    }
  }
}

interface PreparedRound extends PreparedAppend {
  /** The state of dead_letters with the letters of the round. */
  readonly lettered: TableState | undefined;
}

/** Asks about each hub only once for all batches of a round. */
function oncePerRound(hubs: HubFacts): HubFacts {
  const asked = new Map<string, ReturnType<HubFacts['refresh']>>();
  return {
    refresh(hub) {
      const answer = asked.get(hub) ?? hubs.refresh(hub);
      asked.set(hub, answer);
      return answer;
    },
    firstSequenceNumber: (hub, partitionId) => hubs.firstSequenceNumber(hub, partitionId),
  };
}
