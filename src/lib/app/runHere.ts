import { setTimeout as sleep } from 'node:timers/promises';
import type { ActivityTypes, Orchestration, Orchestrator, Task } from '../orchestrations/orchestration';

/** The functions behind the names of activities. */
export type ActivityFunctions<Activities extends ActivityTypes<Activities>> = {
  readonly [Name in keyof Activities]: (
    input: Activities[Name]['input'],
  ) => Promise<Activities[Name]['result']>;
};

export interface RunOptions<Activities extends ActivityTypes<Activities>> {
  readonly activities: ActivityFunctions<Activities>;
  readonly onStatus?: (status: unknown) => void;
  /** Aborting it ends the run with the signal's reason before the next task. */
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

/** A task of this engine. When an orchestrator yields it, its work is done. */
interface Work<Result = unknown> extends Task<Result> {
  readonly begin: () => Promise<Result>;
}

/** Runs an orchestrator in this process, without an engine and without a history. */
export async function runHere<Activities extends ActivityTypes<Activities>, Input, Result>(
  orchestrator: Orchestrator<Activities, Input, Result>,
  input: Input,
  { activities, onStatus = () => {}, signal, now = Date.now }: RunOptions<Activities>,
): Promise<Result> {
  const next: { readonly input: unknown }[] = [];
  const context: Orchestration<Activities> = {
    call: (activity, given) => task(() => activities[activity](given)),
    all: <One>(tasks: readonly Task<One>[]) =>
      task(() => Promise.all(tasks.map((each) => (each as Work<One>).begin()))),
    timer: (ms) => task(() => sleep(ms, undefined, signal && { signal })),
    now,
    status: onStatus,
    continueAsNew: (given) => void next.push({ input: given }),
  };
  for (let given = input; ; ) {
    const result = await drive(orchestrator(context, given), signal);
    const again = next.shift();
    if (!again) return result;
    given = again.input as Input;
  }
}

const task = <Result>(begin: () => Promise<Result>): Work<Result> => ({ begin });

async function drive<Result>(
  generator: Generator<Task, Result, unknown>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  let step = generator.next();
  while (!step.done) {
    signal?.throwIfAborted();
    const [found] = await Promise.allSettled([(step.value as Work).begin()]);
    signal?.throwIfAborted();
    step = found.status === 'fulfilled' ? generator.next(found.value) : generator.throw(found.reason);
  }
  return step.value;
}
