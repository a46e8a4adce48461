/*
 * The events of an orchestration, in this host's own words. A codec translates them into the form that a worker's package reads and writes.
 */

/** Why an activity failed. */
export interface Failure {
  reason: string;
  details: string;
}

/** A message that wakes an orchestrator, so that it gets its next turn. */
export type Message =
  | { type: 'executionStarted'; name: string; input: unknown; version?: string }
  | { type: 'taskCompleted'; taskId: number; result: unknown }
  | { type: 'taskFailed'; taskId: number; failure: Failure }
  | { type: 'timerFired'; timerId: number; fireAt: string }
  | { type: 'eventRaised'; name: string; input: unknown };

/** An entry of the history, with its time by the task hub's clock (ISO 8601). Payloads are JSON values. */
export type HistoryEvent = { at: string } & (
  | Message
  | { type: 'turnStarted' | 'turnCompleted' }
  | { type: 'taskScheduled'; id: number; name: string }
  | { type: 'timerCreated'; id: number; fireAt: string }
);

/** The decisions of an orchestrator in a turn. Ids are unique in an execution; the worker's package counts them in the same way. */
export interface Decisions {
  tasks: { id: number; name: string; input: unknown }[];
  timers: { id: number; fireAt: string }[];
  /** The ids of timers that are not needed any more. */
  cancelled: number[];
  /** The new custom status; undefined leaves it as it is. */
  customStatus: unknown;
  /** The outcome; undefined as long as the orchestration goes on. */
  outcome: Outcome | undefined;
  /** Data that the codec needs at the next turn, as a JSON value. */
  memory: unknown;
}

export type Outcome =
  | { type: 'completed'; output: unknown }
  | { type: 'failed'; error: string }
  | { type: 'continuedAsNew'; input: unknown; unread: Message[] };

/** Translates between a history and the form in which one of the worker's packages is told about it and answers. */
export interface Codec {
  /** The input of the orchestrator's function: the history with the messages of this turn. */
  encode(instanceId: string, history: readonly HistoryEvent[]): string;
  /** How many messages a turn may have. */
  messagesPerTurn(memory: unknown): number;
  /** Reads what the function returned or threw in the turn at the end of this history. */
  decide(turn: Turn, answer: Answer): Decisions;
}

export interface Turn {
  history: readonly HistoryEvent[];
  /** The messages of this turn. They are the end of the history. */
  messages: readonly Message[];
  /** The time of the turn (ISO 8601). */
  at: string;
  memory: unknown;
}

/** The value that a function returned, as JSON, or the error that it threw. */
export type Answer = { returned: string } | { threw: unknown };
