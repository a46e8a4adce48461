/*
 * What happens to an orchestration, in words of this host's own. The form in which a worker's package reads and writes it is the matter
 * of a codec.
 */

/** Why an activity failed. */
export interface Failure {
  reason: string;
  details: string;
}

/** Something that wakes an orchestrator: it gets its next turn. */
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

/** What an orchestrator decided in a turn. Ids are unique in an execution; the worker's package counts them in the same way. */
export interface Decisions {
  tasks: { id: number; name: string; input: unknown }[];
  timers: { id: number; fireAt: string }[];
  /** Ids of timers that need not fire any more. */
  cancelled: number[];
  /** Undefined leaves the custom status as it is. */
  customStatus: unknown;
  /** Undefined as long as the orchestration goes on. */
  outcome: Outcome | undefined;
  /** What the codec has to know at the next turn: a JSON value. */
  memory: unknown;
}

export type Outcome =
  | { type: 'completed'; output: unknown }
  | { type: 'failed'; error: string }
  | { type: 'continuedAsNew'; input: unknown; unread: Message[] };

/** How one of the worker's packages is told of a history, and how it answers. */
export interface Codec {
  /** The input of the orchestrator's function: the history with the messages of this turn. */
  encode(instanceId: string, history: readonly HistoryEvent[]): string;
  /** How many messages a turn may hold. */
  messagesPerTurn(memory: unknown): number;
  /** Reads what the function returned or threw, in the turn that ends the history. */
  decide(turn: Turn, answer: Answer): Decisions;
}

export interface Turn {
  history: readonly HistoryEvent[];
  /** The messages of this turn, which the history ends with. */
  messages: readonly Message[];
  /** The time of the turn (ISO 8601). */
  at: string;
  memory: unknown;
}

/** What a function returned, as JSON, or what it threw. */
export type Answer = { returned: string } | { threw: unknown };
