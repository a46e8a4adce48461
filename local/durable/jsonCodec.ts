import type { Action, RetryOptions } from './actions';
import type { Codec, Decisions, HistoryEvent, Message } from './history';
import { encodeHistory, longestTimerMs } from './jsonHistory';
import { type OrchestratorState, readState } from './orchestratorState';

/*
 * The protocol of the package `durable-functions` 3, which is JSON.
 *
 * An orchestrator answers with all actions since its start, without ids. The package counts ids while it replays the history, and this
 * codec must count in the same way. Ids are given in this order: first to the wait or the next attempt that follows a failed attempt, and
 * then to new actions; actions within Task.all and Task.any get theirs one by one. Events that the orchestrator waits for get none. While
 * attempts are repeated, each turn has only one message, so that it is clear which attempt led to which action.
 */

/** The facts that are known about the actions so far. */
interface Memory {
  nextId: number;
  /** One word for each action, to notice an orchestrator that does something else in a replay. */
  actions: string[];
  /** The ids of timers, by the number of their action. */
  timers: Record<number, number>;
  /** Activities that are repeated after a failure, by the id of the running attempt, or of the wait before the next one. */
  attempts: Record<number, Attempt>;
}

interface Attempt {
  name: string;
  input: unknown;
  options: RetryOptions;
  /** The number of the last attempt, from 1 on. */
  number: number;
}

export const jsonCodec: Codec = {
  encode: encodeHistory,
  messagesPerTurn: (memory) => (Object.keys(readMemory(memory).attempts).length > 0 ? 1 : 1000),
  decide(turn, answer) {
    const memory = structuredClone(readMemory(turn.memory));
    const state = readState(answer);
    const decisions: Decisions = {
      tasks: [],
      timers: [],
      cancelled: [],
      customStatus: state.customStatus,
      outcome: undefined,
      memory,
    };
    const { actions } = state;
    const otherwise = actions && whyOtherwise(actions, memory);
    if (!actions || otherwise !== undefined) {
      // If the orchestrator threw before it repeated the same actions, its own error says why.
      const error = state.error ?? otherwise ?? 'The orchestrator failed.';
      decisions.outcome = { type: 'failed', error };
      return decisions;
    }
    for (const message of turn.messages) tryAgain(message, memory, decisions, turn.at);
    cancelTimers(actions, memory, decisions);
    for (const action of actions.slice(memory.actions.length)) take(action, memory, decisions);
    decisions.outcome = outcomeOf(state, actions, turn.history);
    return decisions;
  },
};

const readMemory = (memory: unknown): Memory =>
  (memory as Memory | null) ?? { nextId: 0, actions: [], timers: {}, attempts: {} };

const nameAction = (action: Action): string =>
  action.type === 'task' || action.type === 'event' ? `${action.type} ${action.name}` : action.type;

/** A sentence if the orchestrator did not begin with the same actions as before; otherwise undefined. */
function whyOtherwise(actions: readonly Action[], memory: Memory): string | undefined {
  const names = actions.slice(0, memory.actions.length).map(nameAction);
  const wrong = memory.actions.findIndex((name, index) => name !== names[index]);
  if (wrong < 0) return undefined;
  return `The orchestrator does not do the same in a replay: its action ${wrong + 1} was "${memory.actions[wrong]}" and is now "${names[wrong] ?? 'missing'}". It must not depend on the time, on chance, on files or the network, or on code that changed meanwhile.`;
}

/**
 * Handles a message about a failed attempt or a wait. A failed attempt leads to a wait, even after the last one, and a wait to the next
 * attempt.
 */
function tryAgain(message: Message, memory: Memory, decisions: Decisions, now: string): void {
  const of = 'taskId' in message ? message.taskId : 'timerId' in message ? message.timerId : -1;
  const attempt = memory.attempts[of];
  if (!attempt) return;
  delete memory.attempts[of];
  if (message.type === 'taskCompleted') return;
  const { options, number, name, input } = attempt;
  if (message.type === 'taskFailed') {
    const { firstWait, factor, longestWait = longestTimerMs } = options;
    // A longer wait would end at a time that no date can represent.
    const wait = Math.min(firstWait * factor ** (number - 1), longestWait, longestTimerMs);
    const id = memory.nextId++;
    decisions.timers.push({ id, fireAt: new Date(Date.parse(now) + wait).toISOString() });
    memory.attempts[id] = attempt;
  } else if (number < options.attempts) {
    const id = memory.nextId++;
    decisions.tasks.push({ id, name, input });
    memory.attempts[id] = { ...attempt, number: number + 1 };
  }
}

function cancelTimers(actions: readonly Action[], memory: Memory, decisions: Decisions): void {
  for (const [index, id] of Object.entries(memory.timers)) {
    const action = actions[Number(index)];
    if (action?.type !== 'timer' || !action.isCancelled) continue;
    decisions.cancelled.push(id);
    delete memory.timers[Number(index)];
  }
}

function take(action: Action, memory: Memory, decisions: Decisions): void {
  const index = memory.actions.push(nameAction(action)) - 1;
  if (action.type === 'task') {
    const { name, input, retry } = action;
    const id = memory.nextId++;
    decisions.tasks.push({ id, name, input });
    if (retry) memory.attempts[id] = { name, input, options: retry, number: 1 };
  } else if (action.type === 'timer') {
    const id = memory.nextId++;
    decisions.timers.push({ id, fireAt: action.fireAt });
    if (action.isCancelled) decisions.cancelled.push(id);
    else memory.timers[index] = id;
  }
}

function outcomeOf(
  state: OrchestratorState,
  actions: readonly Action[],
  history: readonly HistoryEvent[],
): Decisions['outcome'] {
  if (state.error !== undefined) return { type: 'failed', error: state.error };
  if (!state.isDone) return undefined;
  const anew = actions.find(({ type }) => type === 'continueAsNew');
  if (anew?.type !== 'continueAsNew') return { type: 'completed', output: state.output };
  return { type: 'continuedAsNew', input: anew.input, unread: unreadEvents(actions, history) };
}

/** The events that have come and for which the orchestrator has not waited yet. */
function unreadEvents(actions: readonly Action[], history: readonly HistoryEvent[]): Message[] {
  const waits = actions.flatMap((action) => (action.type === 'event' ? [action.name] : []));
  return history.flatMap((event) => {
    if (event.type !== 'eventRaised') return [];
    const at = waits.indexOf(event.name);
    if (at < 0) return [{ type: 'eventRaised' as const, name: event.name, input: event.input }];
    waits.splice(at, 1);
    return [];
  });
}
