import { performance } from 'node:perf_hooks';
import type { Add } from '../delta/actions';
import { append, createTable } from '../delta/commit';
import type { TableLocation } from '../delta/log';
import { openState } from '../delta/openTable';
import type { Field } from '../delta/schema';
import type { TableState } from '../delta/state';
import { writeDataFile } from '../delta/writeDataFile';
import { type BatchShare, type PartitionBatch, planRound, type Round } from './round';

/** A state older than this is read again: its next version may have been cleaned away by now. */
const staleAfterMs = 3_600_000;

/** What a batch came to: its share of the round, and the version that holds it. */
export interface BatchOutcome extends BatchShare {
  readonly version: number;
}

/** One round, for the log line. */
export interface RoundReport {
  readonly version: number;
  readonly partitions: number;
  readonly events: number;
  readonly rows: number;
  readonly duplicates: number;
  readonly letters: number;
  /** Size of the data file. */
  readonly bytes: number;
  readonly milliseconds: { readonly plan: number; readonly write: number; readonly commit: number };
}

export interface TableWriterOptions {
  readonly at: TableLocation;
  readonly fields: readonly Field[];
  /** Number of the fields that are the stream's own; the rest are the row's address. */
  readonly ownColumns: number;
  /** Least time between the starts of two rounds. */
  readonly commitIntervalMs: number;
  readonly onRound?: (report: RoundReport) => void;
}

interface Waiting {
  readonly batch: PartitionBatch;
  resolve(outcome: BatchOutcome): void;
  reject(error: unknown): void;
}

/**
 * Commits batches of all partitions of one table, in one process: batches that come while a round is under way, or within
 * the commit interval, share the next round, which is one data file and one commit with a txn per partition. Make one per
 * table and process.
 */
export class TableWriter {
  readonly #options: TableWriterOptions;
  #waiting: Waiting[] = [];
  #round: Promise<void> | undefined;
  #lastStart = Number.NEGATIVE_INFINITY;
  #state: TableState | undefined;
  #stateReadAt = 0;

  constructor(options: TableWriterOptions) {
    this.#options = options;
  }

  /** Resolves when the batch is in the log. Rejects when its round failed: then nothing of it counts. */
  commit(batch: PartitionBatch): Promise<BatchOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#round ??= this.#run();
    });
  }

  /** Resolves when no batch is waiting and no round is under way. */
  async drain(): Promise<void> {
    while (this.#round) await this.#round;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const wait = this.#lastStart + this.#options.commitIntervalMs - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      this.#lastStart = performance.now();
      const round = this.#waiting;
      this.#waiting = [];
      try {
        const outcomes = await this.#commitRound(round.map(({ batch }) => batch));
        for (const [index, outcome] of outcomes.entries()) round[index]?.resolve(outcome);
      } catch (error) {
        // A commit whose fate is unknown shows when the state is read again.
        this.#state = undefined;
        for (const { reject } of round) reject(error);
      }
    }
    this.#round = undefined;
  }

  async #commitRound(batches: readonly PartitionBatch[]): Promise<BatchOutcome[]> {
    for (;;) {
      const started = performance.now();
      const state = await this.#currentState();
      const round = planRound(batches, state.txns, this.#options.ownColumns);
      if (round.txns.length === 0) return round.shares.map((share) => ({ ...share, version: state.version }));
      const planned = performance.now();
      const adds = await this.#writeRows(round);
      const written = performance.now();
      const { outcome, state: after } = await append({
        state,
        fields: this.#options.fields,
        adds,
        txns: round.txns,
        operationMetrics: { numOutputRows: String(round.rows), numFiles: String(adds.length) },
      });
      this.#remember(after);
      // Another process committed one of these partitions meanwhile: trim again against what it committed.
      if (outcome === 'moved') continue;
      this.#options.onRound?.({
        version: after.version,
        partitions: round.txns.length,
        events: batches.reduce((sum, { events }) => sum + events.length, 0),
        rows: round.rows,
        duplicates: sumOf(round.shares, 'duplicates'),
        letters: sumOf(round.shares, 'letters'),
        bytes: adds[0]?.size ?? 0,
        milliseconds: {
          plan: planned - started,
          write: written - planned,
          commit: performance.now() - written,
        },
      });
      return round.shares.map((share) => ({ ...share, version: after.version }));
    }
  }

  async #writeRows(round: Round): Promise<Add[]> {
    if (round.rows === 0) return [];
    const { at, fields } = this.#options;
    return [await writeDataFile({ at, fields, columns: round.columns })];
  }

  async #currentState(): Promise<TableState> {
    if (this.#state && Date.now() - this.#stateReadAt < staleAfterMs) return this.#state;
    const { at, fields } = this.#options;
    let state = await openState(at);
    while (!state) {
      await createTable(at, fields);
      state = await openState(at);
    }
    return this.#remember(state);
  }

  #remember(state: TableState): TableState {
    this.#state = state;
    this.#stateReadAt = Date.now();
    return state;
  }
}

const sumOf = (shares: readonly BatchShare[], what: keyof BatchShare) =>
  shares.reduce((sum, share) => sum + share[what], 0);
