import type { TableLocation } from '../delta/log';
import { describeFailure } from '../errors';
import { checkpoint } from './checkpoint';
import { cleanLog } from './cleanLog';
import { type CompactTask, compact, defaultTargetBytes } from './compact';
import { vacuum } from './vacuum';

/** The duties of maintenance in their order. Compaction comes last, because it may take all the remaining time. */
export const duties = ['checkpoint', 'clean', 'vacuum', 'compact'] as const;

export type Duty = (typeof duties)[number];

const others = duties.filter((duty) => duty !== 'checkpoint');

/** The report of one duty, for a log line. */
export interface DutyReport {
  readonly table: string;
  readonly duty: Duty;
  /** The outcome of the duty, or the reason why it was not done. */
  readonly outcome: string;
  readonly milliseconds: number;
  readonly [detail: string]: unknown;
}

export interface MaintenancePass {
  readonly tables: readonly TableLocation[];
  /** Whether to compact and clean up as well, and not only write checkpoints. */
  readonly isFull: boolean;
  /** The time of the whole pass. The next pass does the rest. */
  readonly limitMs: number;
  /** The target size of compacted files; by default that of compact. */
  readonly targetBytes?: number;
  readonly report: (report: DutyReport) => void;
}

/** Whether a full pass is due: in the first five minutes of an hour, so that instances of the app need not agree on it. */
export const isFullPassDue = (now: Date): boolean => now.getUTCMinutes() < 5;

/**
 * Maintains tables one after the other: first a checkpoint of each, because every reader and writer that starts must read all
 * commits after the last one. Then, in a full pass, the other duties; each table gets an equal share of the remaining time. A
 * failure is reported and does not stop the rest. If there was one, throws an AggregateError at the end.
 */
export async function maintainTables(pass: MaintenancePass): Promise<void> {
  const { tables, isFull, limitMs } = pass;
  const endsAt = Date.now() + limitMs;
  const failures: Error[] = [];
  for (const at of tables) failures.push(...(await perform(pass, at, ['checkpoint'], endsAt)));
  for (const [index, at] of tables.entries()) {
    const share = Math.max(0, endsAt - Date.now()) / (tables.length - index);
    if (isFull) failures.push(...(await perform(pass, at, others, Date.now() + share)));
  }
  if (failures.length > 0)
    throw new AggregateError(
      failures,
      // The same damage may fail every duty.
      `Maintenance failed: ${[...new Set(failures.map(({ message }) => message))].join(' ')}`,
    );
}

/** Does one duty after the other, even if one fails. Stops if there is no table or no time left. Returns the errors. */
async function perform(
  { report, targetBytes = defaultTargetBytes }: MaintenancePass,
  at: TableLocation,
  wanted: readonly Duty[],
  endsAt: number,
): Promise<Error[]> {
  const leftMs = Math.floor(endsAt - Date.now());
  const signal = leftMs > 0 ? AbortSignal.timeout(leftMs) : AbortSignal.abort();
  const failures: Error[] = [];
  for (const duty of wanted) {
    const started = Date.now();
    const about = () => ({ table: at.table, duty, milliseconds: Date.now() - started });
    try {
      const outcome = await performDuty(duty, { at, signal, targetBytes });
      report({ ...outcome, ...about() });
      if (outcome.outcome === 'no-table') break;
    } catch (error) {
      if (signal.aborted && error === signal.reason) {
        report({ outcome: 'out-of-time', ...about() });
        break;
      }
      report({ outcome: 'failed', ...describeFailure(error), ...about() });
      failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  return failures;
}

/** Does one duty. The details are figures for people. */
export async function performDuty(
  duty: Duty,
  task: CompactTask,
): Promise<{ readonly outcome: string; readonly [detail: string]: unknown }> {
  switch (duty) {
    case 'checkpoint':
      return { ...(await checkpoint(task)) };
    case 'clean':
      return { ...(await cleanLog(task)) };
    case 'compact': {
      const result = await compact(task);
      if (result.outcome === 'no-table') return { ...result };
      const of = (outcome: string) => result.bins.filter((bin) => bin.outcome === outcome);
      const rewritten = result.bins.filter(({ outcome }) => outcome !== 'conflict');
      return {
        outcome: 'done',
        version: result.version,
        bins: rewritten.length,
        conflicts: of('conflict').length,
        files: rewritten.reduce((sum, { inputs }) => sum + inputs, 0),
        bytes: rewritten.reduce((sum, { inputBytes }) => sum + inputBytes, 0),
      };
    }
    case 'vacuum': {
      const result = await vacuum(task);
      return result.outcome === 'no-table' ? { ...result } : { ...result, deleted: result.deleted.length };
    }
  }
}
