import * as df from 'durable-functions';
import type {
  ActivityTypes,
  Orchestration,
  Orchestrator,
  Task,
} from '../../lib/orchestrations/orchestration';
import { logged } from './logged';

/**
 * Registers an orchestrator.
 * @param startedBy the request by which it is started; whoever starts it in another way may forget the input
 */
export function registerOrchestration<Activities extends ActivityTypes<Activities>, Input, Result>(
  name: string,
  orchestrator: Orchestrator<Activities, Input, Result>,
  startedBy: string,
): void {
  df.app.orchestration(name, (context) => {
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

/** What an orchestrator may use, of what the package offers. Its tasks are the package's. */
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
