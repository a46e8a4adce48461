import type { InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import { activities } from './activities';
import { type Orchestrator, orchestrators, type Retry, type Task, type Tasks } from './orchestrators';

/*
 * Registers the orchestrators and activities with the package `durable-functions`, as an app does.
 */

for (const [name, orchestrator] of Object.entries(orchestrators)) {
  df.app.orchestration(name, (context) => run(context.df, orchestrator));
}

for (const [name, activity] of Object.entries(activities)) {
  df.app.activity(name, {
    handler: (input: unknown, context: InvocationContext) =>
      activity(input as never, String(context.triggerMetadata?.instanceId)),
  });
}

function run(context: df.DurableOrchestrationContext, orchestrator: Orchestrator) {
  const input = context.getInput<Record<string, unknown>>() ?? {};
  return orchestrator(tasksOf(context), input) as Generator<df.Task, unknown>;
}

function tasksOf(context: df.DurableOrchestrationContext): Tasks {
  return {
    call: (name, input, retry) =>
      (retry
        ? context.callActivityWithRetry(name, retryOptions(retry), input)
        : context.callActivity(name, input)) as Task,
    timer: (ms) => context.createTimer(new Date(context.currentUtcDateTime.getTime() + ms)),
    event: (name) => context.waitForExternalEvent(name) as Task,
    all: (tasks) => context.Task.all(tasks as df.Task[]) as Task,
    any: (tasks) => context.Task.any(tasks as df.Task[]) as Task,
    setStatus: (status) => context.setCustomStatus(status),
    continueAsNew: (input) => context.continueAsNew(input),
  };
}

function retryOptions({ attempts, waitMs, factor, longestWaitMs }: Retry): df.RetryOptions {
  const options = new df.RetryOptions(waitMs, attempts);
  if (factor !== undefined) options.backoffCoefficient = factor;
  if (longestWaitMs !== undefined) options.maxRetryIntervalInMilliseconds = longestWaitMs;
  return options;
}
