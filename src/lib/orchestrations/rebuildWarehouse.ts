import { type Failed, type Orchestration, type Task, wait, waitOrFail } from './orchestration';

export interface RebuildInput {
  /** The full name of the warehouse's table. */
  readonly table: string;
  /** Whether to rebuild it also if something on the table is lost with that, for example an index. */
  readonly yes: boolean;
  /** How many steps were taken before this execution; left out at the start. */
  readonly steps?: number;
  /** How many steps have failed since the last one that did not. */
  readonly failures?: number;
  /** What the last step said of itself. */
  readonly isHeld?: boolean;
}

export type RebuildOutcome =
  | { readonly outcome: 'rebuilt'; readonly version: number }
  /** What would be lost. The table is as it was; what was loaded beside it is kept for the next rebuild. */
  | { readonly outcome: 'would-lose'; readonly lost: readonly string[] }
  | { readonly outcome: 'rebuilt-elsewhere' | 'no-table' | 'no-warehouse' }
  | Failed;

/** A part of a rebuild that takes a limited time. `more`: the next step goes on where this one ended. */
export type RebuildStepOutcome =
  | RebuildOutcome
  | {
      readonly outcome: 'stopped';
      readonly more: true;
      /** How many files of the pinned version are loaded, and how many it has. */
      readonly files: number;
      readonly of: number;
      /** Whether the new table is so near its end that loads of the old one are refused. Then any loader may finish the work. */
      readonly isHeld: boolean;
    };

export interface RebuildActivities {
  readonly rebuildStep: {
    readonly input: { readonly table: string; readonly mayLose: boolean; readonly isHeld: boolean };
    readonly result: RebuildStepOutcome;
  };
}

export type RebuildResult = RebuildOutcome & { readonly table: string; readonly steps: number };

/** The progress of a rebuild, which its custom status tells. */
export interface RebuildStatus {
  readonly table: string;
  /** Files that are loaded, and that are to be loaded; null until the first step has ended. */
  readonly done: number | null;
  readonly total: number | null;
  readonly left: number | null;
  /** The last step's failure, after which the rebuild goes on. */
  readonly problem?: string;
}

/** After so many steps the history begins anew. A step adds about 1 KB to it. */
const stepsInHistory = 20;
/** How many steps in a row may fail, and how long each waits for the next. */
const mostFailures = 10;
const afterFailureMs = 30_000;

/**
 * Rebuilds a table of the warehouse in steps of limited time. Where the rebuild stands is in the warehouse's ledger, so a step needs
 * to know nothing of the earlier ones. The table is loaded as usual until the new one takes its place.
 */
export function* rebuildWarehouse(
  context: Orchestration<RebuildActivities>,
  { table, yes, steps = 0, failures = 0, isHeld = false }: RebuildInput,
): Generator<Task, RebuildResult | undefined, unknown> {
  const status = (known: Omit<RebuildStatus, 'table'>) => context.status({ table, ...known });
  if (steps === 0) status({ done: null, total: null, left: null });
  let [failed, held] = [failures, isHeld];
  for (let step = 1; step <= stepsInHistory; step++) {
    const input = { table, mayLose: yes, isHeld: held };
    const found = yield* waitOrFail(context.call('rebuildStep', input));
    if (found.outcome === 'stopped') {
      failed = 0;
      held = found.isHeld;
      status({ done: found.files, total: found.of, left: Math.max(0, found.of - found.files) });
    } else if (found.outcome === 'failed' && found.retriable && ++failed < mostFailures) {
      status({ done: null, total: null, left: null, problem: found.message });
      yield* wait(context.timer(afterFailureMs));
    } else return { ...found, table, steps: steps + step };
  }
  const progress = { steps: steps + stepsInHistory, failures: failed, isHeld: held };
  context.continueAsNew({ table, yes, ...progress });
  return undefined;
}
