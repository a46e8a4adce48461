import { type Failed, type Orchestration, type Task, wait, waitOrFail } from './orchestration';

export interface RebuildInput {
  /** The full name of the warehouse's table. */
  readonly table: string;
  /** True to rebuild the table even if something on it is lost by that, for example an index. */
  readonly yes: boolean;
  /** How many steps were taken before the history began anew; missing at the start. */
  readonly steps?: number;
  /** How many steps have failed in a row. */
  readonly failures?: number;
  /** The member `isHeld` of the last step's result. */
  readonly isHeld?: boolean;
}

export type RebuildOutcome =
  | { readonly outcome: 'rebuilt'; readonly version: number }
  /** Something would be lost, so the table was not replaced. The rows that were loaded into the new table are kept for the next rebuild. */
  | { readonly outcome: 'would-lose'; readonly lost: readonly string[] }
  | { readonly outcome: 'rebuilt-elsewhere' | 'no-table' | 'no-warehouse' }
  | Failed;

/** The outcome of one step, which takes a limited time. After `more`, the next step goes on where this one ended. */
export type RebuildStepOutcome =
  | RebuildOutcome
  | {
      readonly outcome: 'stopped';
      readonly more: true;
      /** How many files of the pinned version are loaded, and how many it has. */
      readonly files: number;
      readonly of: number;
      /** True if the new table is so near its end that loads of the old one are refused. Then any loader may finish the work. */
      readonly isHeld: boolean;
    };

export interface RebuildActivities {
  readonly rebuildStep: {
    readonly input: { readonly table: string; readonly mayLose: boolean; readonly isHeld: boolean };
    readonly result: RebuildStepOutcome;
  };
}

export type RebuildResult = RebuildOutcome & { readonly table: string; readonly steps: number };

/** The progress of a rebuild, in its custom status. */
export interface RebuildStatus {
  readonly table: string;
  /** How many files are loaded; null until the first step has ended. The next member is how many there are to load. */
  readonly done: number | null;
  readonly total: number | null;
  readonly left: number | null;
  /** The failure of the last step. The rebuild goes on nevertheless. */
  readonly problem?: string;
}

/** After this many steps the history begins anew. A step adds about 1 KB to it. */
const stepsInHistory = 20;
/** How many steps in a row may fail, and how long each waits for the next. */
const mostFailures = 10;
const afterFailureMs = 30_000;

/**
 * Rebuilds a table of the warehouse in steps of limited time. The warehouse's ledger has the progress, so a step needs to know nothing
 * about the earlier ones. The table is loaded as usual until the new one replaces it.
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
