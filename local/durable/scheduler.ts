import { randomUUID } from 'node:crypto';
import type { Decisions, Failure, HistoryEvent, Message } from './history';
import { finish, type Instance, isFinished } from './instance';

/*
 * The changes that turns, results and timers make to an instance: functions that take an instance and return the next one, without using
 * storage, clocks or the app. All times are ISO 8601.
 */

/** Begins a turn with the first messages of the inbox. */
export function beginTurn(
  instance: Instance,
  count: number,
  now: string,
): { begun: Instance; messages: Message[] } {
  const messages = instance.inbox.slice(0, count);
  const events: HistoryEvent[] = [
    { at: now, type: 'turnStarted' },
    ...messages.map((message) => ({ at: now, ...message })),
  ];
  return {
    messages,
    begun: {
      ...instance,
      status: 'Running',
      updatedAt: now,
      history: [...instance.history, ...events],
      inbox: instance.inbox.slice(count),
    },
  };
}

/** Ends a turn with the decisions of the orchestrator. */
export function endTurn(begun: Instance, decisions: Decisions, now: string): Instance {
  const { tasks, timers, cancelled, outcome } = decisions;
  const { execution } = begun;
  const pending = timers.filter(({ id }) => !cancelled.includes(id));
  const next: Instance = {
    ...begun,
    customStatus: decisions.customStatus === undefined ? begun.customStatus : decisions.customStatus,
    memory: decisions.memory,
    tasks: [...begun.tasks, ...tasks.map((task) => ({ execution, ...task }))],
    timers: [...begun.timers.filter(({ id }) => !cancelled.includes(id)), ...pending],
    history: [
      ...begun.history,
      ...tasks.map(({ id, name }) => ({ at: now, type: 'taskScheduled' as const, id, name })),
      ...timers.map(({ id, fireAt }) => ({ at: now, type: 'timerCreated' as const, id, fireAt })),
      { at: now, type: 'turnCompleted' },
    ],
  };
  if (outcome === undefined) return next;
  if (outcome.type === 'completed') return finish(next, 'Completed', outcome.output, now);
  if (outcome.type === 'failed') return finish(next, 'Failed', outcome.error, now);
  return continueAsNew(next, outcome.input, outcome.unread);
}

/** Begins a new execution with another input. Events that nobody has waited for yet are kept; results of the old execution are not. */
function continueAsNew(instance: Instance, input: unknown, unread: readonly Message[]): Instance {
  const { name, version } = instance;
  const started: Message = {
    type: 'executionStarted',
    name,
    input,
    ...(version !== undefined && { version }),
  };
  return {
    ...instance,
    execution: randomUUID(),
    input,
    history: [],
    inbox: [started, ...unread, ...instance.inbox.filter(({ type }) => type === 'eventRaised')],
    timers: [],
    memory: null,
  };
}

/** Moves timers whose time has come into the inbox, the earliest first. */
export function fireTimers(instance: Instance, now: string): Instance {
  const due = instance.timers.filter(({ fireAt }) => fireAt <= now);
  if (due.length === 0) return instance;
  due.sort((a, b) => a.fireAt.localeCompare(b.fireAt) || a.id - b.id);
  const fired = due.map(({ id, fireAt }): Message => ({ type: 'timerFired', timerId: id, fireAt }));
  return {
    ...instance,
    timers: instance.timers.filter((timer) => !due.includes(timer)),
    inbox: [...instance.inbox, ...fired],
  };
}

/** Adds the result of an activity. Returns undefined if it is not wanted, because another host has claimed the activity meanwhile. */
export function takeResult(
  instance: Instance,
  token: string,
  result: { value: unknown } | { failure: Failure },
): Instance | undefined {
  const task = instance.tasks.find(({ claim }) => claim?.token === token);
  if (!task) return undefined;
  const tasks = instance.tasks.filter((one) => one !== task);
  if (isFinished(instance) || task.execution !== instance.execution) return { ...instance, tasks };
  const taskId = task.id;
  const message: Message =
    'failure' in result
      ? { type: 'taskFailed', taskId, failure: result.failure }
      : { type: 'taskCompleted', taskId, result: result.value };
  return { ...instance, tasks, inbox: [...instance.inbox, message] };
}
