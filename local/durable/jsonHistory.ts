import { dayMs } from '../../src/lib/duration';
import type { HistoryEvent } from './history';

/** The version of the protocol that the worker's package may use at most: 2 stands for V3. V4 is for locks of entities. */
const schemaVersion = { upperSchemaVersion: 1, upperSchemaVersionNew: 2 };

/**
 * The longest timer, in days. In Azure Storage a timer fires after 6 days at most, so the package makes several timers of a long wait.
 * Timers of this host may be as long as they need to be, so each wait is one timer.
 */
const longestTimerDays = 365_000;
const timers = {
  longRunningTimerIntervalDuration: '3.00:00:00',
  maximumShortTimerDuration: `${longestTimerDays}.00:00:00`,
};

/** The longest timer, in milliseconds. */
export const longestTimerMs = longestTimerDays * dayMs;

/** The input of an orchestrator's function in the protocol of `durable-functions` 3: one JSON text. */
export function encodeHistory(instanceId: string, history: readonly HistoryEvent[]): string {
  const thisTurn = history.findLastIndex(({ type }) => type === 'turnStarted');
  const started = history.find((event) => event.type === 'executionStarted');
  return JSON.stringify({
    history: history.map((event, index) => ({
      IsPlayed: index < thisTurn,
      Timestamp: event.at,
      ...encodeEvent(event),
    })),
    input: started?.input ?? null,
    instanceId,
    isReplaying: thisTurn > 0,
    parentInstanceId: null,
    ...schemaVersion,
    ...timers,
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  });
}

function encodeEvent(event: HistoryEvent): Record<string, unknown> {
  const EventId = 'id' in event ? event.id : -1;
  switch (event.type) {
    case 'executionStarted': {
      const { name: Name, input, version: Version } = event;
      return {
        EventId,
        EventType: 0,
        Name,
        Input: JSON.stringify(input),
        ...(Version !== undefined && { Version }),
      };
    }
    case 'taskScheduled':
      return { EventId, EventType: 4, Name: event.name };
    case 'taskCompleted':
      return { EventId, EventType: 5, TaskScheduledId: event.taskId, Result: JSON.stringify(event.result) };
    case 'taskFailed': {
      const { reason: Reason, details: Details } = event.failure;
      return { EventId, EventType: 6, TaskScheduledId: event.taskId, Reason, Details };
    }
    case 'timerCreated':
      return { EventId, EventType: 10, FireAt: event.fireAt };
    case 'timerFired':
      return { EventId, EventType: 11, TimerId: event.timerId, FireAt: event.fireAt };
    case 'turnStarted':
      return { EventId, EventType: 12 };
    case 'turnCompleted':
      return { EventId, EventType: 13 };
    case 'eventRaised':
      return { EventId, EventType: 15, Name: event.name, Input: JSON.stringify(event.input) };
  }
}
