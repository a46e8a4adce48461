import type { TableLocation } from '../delta/log';
import { compactBin } from '../maintenance/compactBin';
import { performDuty } from '../maintenance/duties';
import { figuresOf, openPlan, planCompaction } from '../maintenance/planCompaction';
import type { MaintenanceTask } from '../maintenance/task';
import type {
  MaintenanceActivities,
  MaintenanceStep,
  OutOfTime,
  SavedCounts,
  StepOutcome,
} from '../orchestrations/maintainTables';
import type { Failed } from '../orchestrations/orchestration';
import { failureOf } from './failure';
import type { ActivityFunctions } from './runHere';

/** After this time an activity stops reading and commits what it has read. Committing takes as long again at most. */
const readMs = 120_000;
/**
 * The longest time of an activity. It is below functionTimeout (300 s) by more than a last request takes to a store that does not answer.
 */
export const activityLimitMs = 210_000;

/** The figures that are logged about one activity. */
export interface MaintenanceReport {
  readonly table?: string;
  readonly step: MaintenanceStep;
  readonly outcome: string;
  readonly milliseconds: number;
  readonly [figure: string]: unknown;
}

export interface MaintenanceTools {
  at(table: string): TableLocation;
  /** The size of the files that compaction makes. */
  readonly targetBytes: number;
  /** Saves the counts for new instances. */
  saveCounts(signal: AbortSignal): Promise<SavedCounts>;
  /** Called with what became of each activity. */
  readonly report?: (report: MaintenanceReport) => void;
  /** Aborting it ends the work. It then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** How long an activity may read, and how long it may take. */
  readonly readMs?: number;
  readonly limitMs?: number;
}

/** The activities of `maintainTables`. Each ends within its time, and returns a failure as a value. */
export function maintenanceActivities(tools: MaintenanceTools): ActivityFunctions<MaintenanceActivities> {
  const { at, targetBytes, saveCounts } = tools;
  return {
    maintenanceStep: ({ table, step }) =>
      inTime(tools, { table, step }, (signal) => performDuty(step, { at: at(table), signal })),
    planCompaction: ({ table }) =>
      inTime(
        tools,
        { table, step: 'compact' },
        (signal) => planOf({ at: at(table), signal }, targetBytes),
        (found) => (found.outcome === 'planned' ? { ...found.figures, bins: found.plan.bins } : found),
      ),
    compactBin: ({ table, plan, bin }) =>
      inTime(tools, { table, step: 'compact', bin }, async (signal) => {
        const readsUntil = performance.now() + (tools.readMs ?? readMs);
        const task = { at: at(table), signal, isTimeUp: () => performance.now() >= readsUntil };
        const opened = await openPlan(task, plan);
        if (opened) return compactBin(task, opened, bin);
        return { outcome: 'conflict', inputs: 0, inputBytes: 0 };
      }),
    saveCounts: () => inTime(tools, { step: 'counts' }, saveCounts),
  };
}

/**
 * The same activities, but once storage did not answer one of them, all others fail in the same way without asking. So nobody waits for
 * longer than one activity takes.
 */
export function untilStorageIsAway(
  activities: ActivityFunctions<MaintenanceActivities>,
): ActivityFunctions<MaintenanceActivities> {
  let away: Failed | undefined;
  const unlessAway =
    <Input, Result extends StepOutcome>(activity: (input: Input) => Promise<Result | Failed>) =>
    async (input: Input): Promise<Result | Failed> => {
      const result = away ?? (await activity(input));
      if (isAway(result)) away = result;
      return result;
    };
  return {
    maintenanceStep: unlessAway(activities.maintenanceStep),
    planCompaction: unlessAway(activities.planCompaction),
    compactBin: unlessAway(activities.compactBin),
    saveCounts: unlessAway(activities.saveCounts),
  };
}

const isAway = (result: StepOutcome): result is Failed =>
  'code' in result && result.code === 'storage.unavailable';

async function planOf(task: MaintenanceTask, targetBytes: number) {
  const planned = await planCompaction(task, targetBytes);
  if (planned.outcome === 'no-table') return planned;
  const { plan, snapshot } = planned.opened;
  return { outcome: 'planned' as const, plan, figures: figuresOf(snapshot) };
}

/** Does the work of an activity, and reports it. An error, or the end of its time, is returned as a value. */
async function inTime<Result extends { readonly outcome: string }>(
  { signal: ended, report, limitMs: limit = activityLimitMs }: MaintenanceTools,
  about: Pick<MaintenanceReport, 'step'> & { readonly table?: string; readonly bin?: number },
  work: (signal: AbortSignal) => Promise<Result>,
  /** Picks the figures of a result to report. */
  told: (found: Result) => object = (found) => found,
): Promise<Result | Failed | OutOfTime> {
  const started = performance.now();
  const timeout = AbortSignal.timeout(limit);
  const signal = ended ? AbortSignal.any([ended, timeout]) : timeout;
  let figures: object;
  let result: Result | Failed | OutOfTime;
  try {
    result = await work(signal);
    figures = told(result);
  } catch (error) {
    ended?.throwIfAborted();
    const isLate = timeout.aborted && error === timeout.reason;
    result = isLate ? { outcome: 'out-of-time', more: true } : failureOf(error);
    figures = result;
  }
  const milliseconds = Math.round(performance.now() - started);
  report?.({ ...about, ...figures, outcome: result.outcome, milliseconds });
  return result;
}
