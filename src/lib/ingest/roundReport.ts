import { performance } from 'node:perf_hooks';
import type { Add } from '../delta/actions';
import type { PartitionBatch } from './partitionBatch';
import type { BatchShare, Round } from './round';

export type Stage = 'decode' | 'admit' | 'plan' | 'write' | 'commit';

/** The figures of one round for its line in the log. */
export interface RoundReport {
  readonly stream: string;
  readonly version: number;
  readonly partitions: number;
  readonly events: number;
  readonly rows: number;
  readonly duplicates: number;
  readonly letters: number;
  /** The size of the data file, in bytes. */
  readonly bytes: number;
  /** The time from when the oldest event was enqueued to its commit, in milliseconds; null if all events had been committed before. */
  readonly lagMs: number | null;
  /** The time of each stage in milliseconds, for all tries of a round together. */
  readonly ms: Readonly<Record<Stage, number>>;
}

export interface Stopwatch {
  /** Adds the time since the last lap to a stage. */
  lap(stage: Stage): void;
  add(stage: Stage, milliseconds: number): void;
  readonly ms: Readonly<Record<Stage, number>>;
}

export function startStopwatch(): Stopwatch {
  const ms = { decode: 0, admit: 0, plan: 0, write: 0, commit: 0 };
  let last = performance.now();
  return {
    ms,
    lap(stage) {
      const now = performance.now();
      ms[stage] += now - last;
      last = now;
    },
    add(stage, milliseconds) {
      ms[stage] += milliseconds;
    },
  };
}

export function reportRound(options: {
  readonly stream: string;
  readonly version: number;
  readonly batches: readonly PartitionBatch[];
  readonly round: Round;
  /** The data file; undefined if the round has no rows. */
  readonly add: Add | undefined;
  readonly stopwatch: Stopwatch;
}): RoundReport {
  const { stream, version, batches, round, add, stopwatch } = options;
  const total = (what: keyof BatchShare) => round.shares.reduce((sum, share) => sum + share[what], 0);
  const tenths = Object.entries(stopwatch.ms).map(([stage, ms]) => [stage, Math.round(ms * 10) / 10]);
  return {
    stream,
    version,
    partitions: new Set(batches.map(({ appId }) => appId)).size,
    events: batches.reduce((sum, { events }) => sum + events.length, 0),
    rows: total('rows'),
    duplicates: total('duplicates'),
    letters: total('letters'),
    bytes: add?.size ?? 0,
    lagMs: Number.isFinite(round.oldest) ? Math.round(Date.now() - round.oldest / 1000) : null,
    ms: Object.fromEntries(tenths),
  };
}
