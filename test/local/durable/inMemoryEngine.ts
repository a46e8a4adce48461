import {
  type ActivityContext,
  type Task as EngineTask,
  InMemoryOrchestrationBackend,
  type OrchestrationContext,
  OrchestrationStatus,
  RetryPolicy,
  TestOrchestrationClient,
  TestOrchestrationWorker,
  whenAll,
  whenAny,
} from '@microsoft/durabletask-js';
import { activities } from './app/activities';
import {
  type Orchestrator,
  orchestrators,
  type Retry,
  type Task,
  type Tasks,
  type TimerTask,
} from './app/orchestrators';
import type { Engine } from './engine';

/** Runs the same orchestrators and activities on the in-memory engine of Microsoft's package: a second opinion on what they do. */
export async function startInMemoryEngine(): Promise<Engine> {
  const backend = new InMemoryOrchestrationBackend();
  const worker = new TestOrchestrationWorker(backend);
  for (const [name, orchestrator] of Object.entries(orchestrators))
    worker.addNamedOrchestrator(name, (context: OrchestrationContext, input: unknown) =>
      run(context, orchestrator, input),
    );
  for (const [name, activity] of Object.entries(activities))
    worker.addNamedActivity(name, (context: ActivityContext, input: unknown) =>
      activity((input ?? null) as never, context.orchestrationId),
    );
  runSeveralActivities(worker);
  await worker.start();
  const client = new TestOrchestrationClient(backend);
  return {
    start: (name, input) => client.scheduleNewOrchestration(name, input),
    status: async (id) => {
      const state = await client.getOrchestrationState(id);
      if (!state) return undefined;
      const name = OrchestrationStatus[state.runtimeStatus] ?? '';
      return {
        status: name.charAt(0) + name.slice(1).toLowerCase(),
        output: state.failureDetails?.message ?? parse(state.serializedOutput),
        customStatus: parse(state.serializedCustomStatus),
      };
    },
    raise: (id, event, input) => client.raiseOrchestrationEvent(id, event, input),
    terminate: (id, reason) => client.terminateOrchestration(id, reason),
    suspend: (id) => client.suspendOrchestration(id),
    resume: (id) => client.resumeOrchestration(id),
    purge: async (id) => (await client.purgeOrchestration(id)).deletedInstanceCount > 0,
    close: () => worker.stop(),
  };
}

/** The worker waits for each activity before it does anything else. Here it goes on at once, as in Azure. */
function runSeveralActivities(worker: TestOrchestrationWorker): void {
  const process: (item: unknown) => Promise<void> = Reflect.get(worker, 'processActivity').bind(worker);
  Reflect.set(worker, 'processActivity', async (item: unknown) => void process(item));
}

const parse = (text: string | undefined): unknown => (text ? JSON.parse(text) : null);

async function* run(context: OrchestrationContext, orchestrator: Orchestrator, input: unknown) {
  const generator = orchestrator(tasksOf(context), (input ?? {}) as Record<string, unknown>);
  let step = generator.next();
  while (!step.done) {
    let result: unknown;
    try {
      result = yield step.value as unknown as EngineTask<unknown>;
    } catch (error) {
      step = generator.throw(error);
      continue;
    }
    step = generator.next(result);
  }
  return step.value;
}

function tasksOf(context: OrchestrationContext): Tasks {
  const task = (one: EngineTask<unknown>): Task =>
    Object.defineProperties(one, { isFaulted: { get: () => one.isFailed } }) as unknown as Task;
  const engineTasks = (tasks: Task[]) => tasks as unknown as EngineTask<unknown>[];
  return {
    call: (name, input, retry) =>
      task(context.callActivity(name, input, retry && { retry: policyOf(retry) })),
    timer: (ms) =>
      task(context.createTimer(new Date(context.currentUtcDateTime.getTime() + ms))) as TimerTask,
    event: (name) => task(context.waitForExternalEvent(name)),
    all: (tasks) => task(whenAll(engineTasks(tasks)) as unknown as EngineTask<unknown>),
    any: (tasks) => task(whenAny(engineTasks(tasks)) as unknown as EngineTask<unknown>),
    setStatus: (status) => context.setCustomStatus(status),
    continueAsNew: (input) => context.continueAsNew(input, true),
  };
}

const policyOf = ({ attempts, waitMs, factor, longestWaitMs }: Retry) =>
  new RetryPolicy({
    maxNumberOfAttempts: attempts,
    firstRetryIntervalInMilliseconds: waitMs,
    ...(factor !== undefined && { backoffCoefficient: factor }),
    ...(longestWaitMs !== undefined && { maxRetryIntervalInMilliseconds: longestWaitMs }),
  });
