import type { BinOutcome } from '../maintenance/compactBin';
import type { CompactionPlan, TableFigures } from '../maintenance/planCompaction';
import type { NoTable } from '../maintenance/task';
import { type Failed, type Orchestration, type Task, waitOrFail } from './orchestration';

/** The steps of maintenance, in their order. Compaction comes late because it may take long; then the counts are saved. */
export const maintenanceSteps = ['checkpoint', 'clean', 'vacuum', 'compact', 'counts'] as const;
export type MaintenanceStep = (typeof maintenanceSteps)[number];

export interface MaintenanceInput {
  readonly tables: readonly string[];
  readonly steps: readonly MaintenanceStep[];
  /**
   * When the last pass with all steps began, in milliseconds since 1970. If that is unknown, it is the time when a pass first noticed this,
   * and null before. Whoever starts the next pass reads it.
   */
  readonly fullAt: number | null;
}

/** The result of an activity whose time was over. Calling it again in the same way does the rest. */
export interface OutOfTime {
  readonly outcome: 'out-of-time';
  readonly more: true;
}

/** The outcome of a step in a word, with figures for people. */
export type StepOutcome = { readonly outcome: string } | OutOfTime | Failed;

/** The outcome of saving the counts. A failure has the table whose counts or newest rows were not saved, if it is known. */
export type SavedCounts = { readonly outcome: string } | (Failed & { readonly table?: string });

export interface MaintenanceActivities {
  readonly maintenanceStep: {
    readonly input: { readonly table: string; readonly step: 'checkpoint' | 'clean' | 'vacuum' };
    readonly result: StepOutcome;
  };
  readonly planCompaction: {
    readonly input: { readonly table: string };
    readonly result: PlannedCompaction | OutOfTime | NoTable | Failed;
  };
  readonly compactBin: {
    readonly input: { readonly table: string; readonly plan: CompactionPlan; readonly bin: number };
    readonly result: BinOutcome | OutOfTime | NoTable | Failed;
  };
  readonly saveCounts: {
    readonly input: Record<string, never>;
    readonly result: SavedCounts | OutOfTime | Failed;
  };
}

export interface PlannedCompaction {
  readonly outcome: 'planned';
  readonly plan: CompactionPlan;
  /** The size of the table as it is now. */
  readonly figures: TableFigures;
}

/** The result of a pass for one table. */
export interface TableResult {
  readonly table: string;
  /** The outcome of each step, for example `written`. */
  readonly steps: Readonly<Partial<Record<MaintenanceStep, string>>>;
  readonly compaction?: CompactionResult;
}

export interface CompactionResult {
  readonly before: TableFigures;
  /** Null if the table could not be read again at the end. */
  readonly after: TableFigures | null;
  /** How many bins were rewritten. The next member is how many conflicted with other commits. */
  readonly bins: number;
  readonly conflicts: number;
  /** How many bins are left for the next pass; null for the same reason as `after`. */
  readonly left: number | null;
}

export interface MaintenanceResult {
  readonly tables: readonly TableResult[];
  readonly counts: string | null;
  readonly failures: readonly (Failed & { readonly table: string | null; readonly step: MaintenanceStep })[];
}

/** The progress of a pass, in its custom status. `total` grows as soon as the number of bins is known. */
export interface MaintenanceStatus {
  readonly table: string | null;
  readonly step: MaintenanceStep;
  readonly done: number;
  readonly total: number;
}

/** How many bins are rewritten at once. */
const binsAtOnce = 2;
/** The most bins of a table in one pass, so that its history stays small. The next pass does the rest. */
const mostBins = 200;
/** How often a step is begun again if its time is not enough. */
const mostTries = 5;
/**
 * How often, in milliseconds, a long pass makes checkpoints and saves counts. The timer would do so as often, but no other pass begins
 * meanwhile.
 */
const checkpointEveryMs = 300_000;

type Context = Orchestration<MaintenanceActivities>;
type Failure = MaintenanceResult['failures'][number];

/** The result of a table, as far as it is known. */
interface Draft extends TableResult {
  readonly steps: Partial<Record<MaintenanceStep, string>>;
  compaction?: CompactionResult;
}

/** A pass that is running. */
interface Pass {
  readonly context: Context;
  readonly input: MaintenanceInput;
  readonly failures: Failure[];
  done: number;
  total: number;
  checkpointedAt: number;
}

/**
 * Maintains tables. First it makes a checkpoint of each, because every reader and writer that starts must read all commits after the last
 * one. Then it does the other steps, table by table. A step that fails is part of the result and does not stop the others.
 */
export function* maintainTables(
  context: Context,
  input: MaintenanceInput,
): Generator<Task, MaintenanceResult, unknown> {
  const { tables, steps } = input;
  const ofTables = steps.filter((step) => step !== 'counts').length;
  const total = tables.length * ofTables + Number(steps.includes('counts'));
  const pass: Pass = { context, input, failures: [], done: 0, total, checkpointedAt: context.now() };
  const drafts = tables.map((table): Draft => ({ table, steps: {} }));
  if (steps.includes('checkpoint'))
    for (const { table, steps: outcomes } of drafts)
      outcomes.checkpoint = yield* takeStep(pass, table, 'checkpoint');
  for (const draft of drafts) yield* maintainTable(pass, draft);
  const counts = steps.includes('counts') ? yield* takeStep(pass, null, 'counts') : null;
  return { tables: drafts, counts, failures: pass.failures };
}

/** The steps of one table after its checkpoint. Nothing is done for a table that does not exist. */
function* maintainTable(pass: Pass, draft: Draft): Generator<Task, void, unknown> {
  const { table, steps: outcomes } = draft;
  for (const step of pass.input.steps) {
    if (step === 'checkpoint' || step === 'counts') continue;
    if (Object.values(outcomes).includes('no-table')) pass.done++;
    else if (step !== 'compact') outcomes[step] = yield* takeStep(pass, table, step);
    else {
      const found = yield* compactTable(pass, table);
      pass.done++;
      outcomes.compact = typeof found === 'string' ? found : 'done';
      if (typeof found !== 'string') draft.compaction = found;
    }
  }
}

/** Does a step, again if its time was not enough, and returns its outcome in a word. */
function* takeStep(
  pass: Pass,
  table: string | null,
  step: Exclude<MaintenanceStep, 'compact'>,
): Generator<Task, string, unknown> {
  const { context } = pass;
  tell(pass, table, step);
  for (let tries = 1; ; tries++) {
    const task =
      table === null || step === 'counts'
        ? context.call('saveCounts', {})
        : context.call('maintenanceStep', { table, step });
    const found = yield* waitOrFail<SavedCounts | StepOutcome>(task);
    if (isFailed(found)) pass.failures.push({ ...found, table: table ?? tableOf(found), step });
    if (isUnfinished(found) && tries < mostTries) continue;
    pass.done++;
    return found.outcome;
  }
}

/** Plans a compaction and does its bins, a few at once. Returns a word if there was nothing to plan. */
function* compactTable(pass: Pass, table: string): Generator<Task, CompactionResult | string, unknown> {
  const planned = yield* planTable(pass, table);
  if (planned.outcome !== 'planned') return planned.outcome;
  const { plan, figures } = planned;
  const bins = Math.min(plan.bins, mostBins);
  pass.total += bins;
  const queue = Array.from({ length: bins }, (_, bin) => ({ bin, tries: 1 }));
  let [committed, conflicts] = [0, 0];
  while (queue.length > 0) {
    yield* checkpointIfDue(pass);
    tell(pass, table, 'compact');
    const batch = queue.splice(0, binsAtOnce);
    const found = yield* doBins(pass, table, plan, batch);
    for (const [index, outcome] of found.entries()) {
      const { bin, tries } = batch[index] ?? { bin: 0, tries: mostTries };
      if (isUnfinished(outcome) && tries < mostTries) {
        queue.push({ bin, tries: tries + 1 });
        continue;
      }
      pass.done++;
      if (isFailed(outcome)) pass.failures.push({ ...outcome, table, step: 'compact' });
      if (outcome.outcome === 'committed') committed++;
      if (outcome.outcome === 'conflict') conflicts++;
    }
  }
  const last = bins === 0 ? planned : yield* planTable(pass, table);
  const [after, left] = last.outcome === 'planned' ? [last.figures, last.plan.bins] : [null, null];
  return { before: figures, after, bins: committed, conflicts, left };
}

/**
 * Plans a compaction. If the time was not enough, it tries again: storage may be faster then, or another step may have left fewer commits
 * to read.
 */
function* planTable(pass: Pass, table: string) {
  tell(pass, table, 'compact');
  for (let tries = 1; ; tries++) {
    const planned = yield* waitOrFail(pass.context.call('planCompaction', { table }));
    if (isFailed(planned)) pass.failures.push({ ...planned, table, step: 'compact' });
    if (!isUnfinished(planned) || tries >= mostTries) return planned;
  }
}

/**
 * Does several bins at once. If one of them has no result because its process ended, the outcomes of the others are unknown, so all count
 * as failed.
 */
function* doBins(
  { context }: Pass,
  table: string,
  plan: CompactionPlan,
  batch: readonly { readonly bin: number }[],
) {
  const tasks = batch.map(({ bin }) => context.call('compactBin', { table, plan, bin }));
  const found = yield* waitOrFail(context.all(tasks));
  return 'outcome' in found ? batch.map(() => found) : found;
}

/** Makes the checkpoints and saves the counts that are due while a long pass runs. Only their failures are reported. */
function* checkpointIfDue(pass: Pass): Generator<Task, void, unknown> {
  const { context, input } = pass;
  if (context.now() - pass.checkpointedAt < checkpointEveryMs) return;
  pass.checkpointedAt = context.now();
  for (const table of input.tables) {
    const found = yield* waitOrFail(context.call('maintenanceStep', { table, step: 'checkpoint' }));
    if (isFailed(found)) pass.failures.push({ ...found, table, step: 'checkpoint' });
  }
  if (input.steps.includes('counts')) yield* waitOrFail(context.call('saveCounts', {}));
}

function tell({ context, done, total }: Pass, table: string | null, step: MaintenanceStep): void {
  const status: MaintenanceStatus = { table, step, done, total };
  context.status(status);
}

/** The table that is named in a failure to save counts; null if there is none. */
const tableOf = ({ table }: Failed & { readonly table?: string }): string | null => table ?? null;

const isFailed = (found: { readonly outcome: string }): found is Failed => found.outcome === 'failed';

const isUnfinished = (found: { readonly outcome: string; readonly more?: boolean }): boolean =>
  found.more === true;
