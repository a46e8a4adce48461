import type { HistoryEvent } from './history';
import { type Instance, isFinished } from './instance';

export interface StatusOptions {
  showHistory: boolean;
  /** True to tell the results in the history as well. */
  showHistoryOutput: boolean;
  showInput: boolean;
}

/** The status of an orchestration, in the form of the HTTP API of Durable Functions. */
export function statusPayload(instance: Instance, options: StatusOptions): Record<string, unknown> {
  return {
    name: instance.name,
    instanceId: instance.id,
    runtimeStatus: instance.status,
    input: options.showInput ? (instance.input ?? null) : null,
    customStatus: instance.customStatus ?? null,
    output: instance.output ?? null,
    createdTime: wholeSeconds(instance.createdAt),
    lastUpdatedTime: wholeSeconds(instance.updatedAt),
    ...(options.showHistory && { historyEvents: historyEvents(instance, options.showHistoryOutput) }),
  };
}

const wholeSeconds = (time: string) => time.replace(/\.\d+Z$/, 'Z');

function historyEvents(instance: Instance, showOutput: boolean): Record<string, unknown>[] {
  const { history, status, updatedAt, output } = instance;
  const scheduled = new Map(
    history.flatMap((event) => (event.type === 'taskScheduled' ? [[event.id, event] as const] : [])),
  );
  const events = history.flatMap((event) => {
    const task = 'taskId' in event ? scheduled.get(event.taskId) : undefined;
    const shown = showEvent(event, showOutput);
    const of = task && { ScheduledTime: task.at, FunctionName: task.name };
    return shown ? [{ ...shown, Timestamp: event.at, ...of }] : [];
  });
  if (!isFinished(instance)) return events;
  const last = { EventType: 'ExecutionCompleted', OrchestrationStatus: status, Timestamp: updatedAt };
  return [...events, { ...last, ...(showOutput && { Result: output }) }];
}

/** An event in the form that the API shows. The input of a task is shown with its result. */
function showEvent(event: HistoryEvent, showOutput: boolean): Record<string, unknown> | undefined {
  switch (event.type) {
    case 'executionStarted':
      return { EventType: 'ExecutionStarted', FunctionName: event.name };
    case 'taskCompleted':
      return { EventType: 'TaskCompleted', ...(showOutput && { Result: event.result }) };
    case 'taskFailed':
      return { EventType: 'TaskFailed', Reason: event.failure.reason, Details: event.failure.details };
    case 'timerCreated':
      return { EventType: 'TimerCreated', FireAt: event.fireAt };
    case 'timerFired':
      return { EventType: 'TimerFired', FireAt: event.fireAt };
    case 'eventRaised':
      return { EventType: 'EventRaised', Name: event.name, ...(showOutput && { Input: event.input }) };
    default:
      return undefined;
  }
}
