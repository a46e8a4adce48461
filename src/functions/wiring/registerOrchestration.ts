import * as df from 'durable-functions';
import {
  type ActivityTypes,
  type Orchestration,
  type Orchestrator,
  orchestrationsVersion,
  type Task,
} from '../../lib/orchestrations/orchestration';
import { logged } from './logged';

/**
 * Registers an orchestrator. An instance that another version of the orchestrator began fails at its next turn. Otherwise the host would go
 * on with this code, which might take the recorded results for its own.
 * @param startedBy the request that starts it with its input. Messages name it, because an instance can be started without an input by
 * other means
 */
export function registerOrchestration<Activities extends ActivityTypes<Activities>, Input, Result>(
  name: string,
  orchestrator: Orchestrator<Activities, Input, Result>,
  startedBy: string,
): void {
  df.app.orchestration(name, (context) => {
    const { version } = context.df;
    // A host that does not know versions of orchestrations gives none.
    if (version !== undefined && version !== orchestrationsVersion)
      throw new Error(
        `This instance of ${name} was begun by another release of the app (version ${version}; this one has ${orchestrationsVersion}). Start it again with ${startedBy}: what it has done stays done.`,
      );
    const input: unknown = context.df.getInput();
    if (typeof input !== 'object' || input === null)
      throw new Error(`${name} was started without an input: start it with ${startedBy}.`);
    return orchestrator(orchestrationOf<Activities>(context.df), input as Input) as Generator<
      df.Task,
      Result
    >;
  });
}

/** Registers an activity under its name. */
export function registerActivity<Activities, Name extends keyof Activities & string>(
  name: Name,
  activities: Activities & Record<Name, (input: never) => Promise<unknown>>,
): void {
  df.app.activity(name, { handler: logged((input) => activities[name](input as never)) });
}

/** Gives an orchestrator the part of the package that it may use. The tasks that it gets are the package's. */
function orchestrationOf<Activities extends ActivityTypes<Activities>>(
  durable: df.DurableOrchestrationContext,
): Orchestration<Activities> {
  const task = <Result>(one: df.Task) => one as unknown as Task<Result>;
  return {
    call: (activity, input) => task(durable.callActivity(activity, input)),
    all: (tasks) => task(durable.Task.all(tasks as unknown as df.Task[])),
    timer: (ms) => task(durable.createTimer(new Date(durable.currentUtcDateTime.getTime() + ms))),
    now: () => durable.currentUtcDateTime.getTime(),
    status: (status) => durable.setCustomStatus(status),
    continueAsNew: (input) => durable.continueAsNew(input),
  };
}
