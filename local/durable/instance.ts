import { randomUUID } from 'node:crypto';
import type { HistoryEvent, Message } from './history';

export type RuntimeStatus = 'Pending' | 'Running' | 'Suspended' | 'Completed' | 'Failed' | 'Terminated';

/** An activity without a result yet. */
export interface Task {
  /** The execution that scheduled it. After continueAsNew there is another execution, and the result is dropped. */
  execution: string;
  id: number;
  name: string;
  input: unknown;
  /** The host that runs it. The token is new with each claim, so that only one result is accepted. */
  claim?: { host: string; token: string };
}

export interface Timer {
  id: number;
  fireAt: string;
}

/** An orchestration: all that the task hub stores about it. The object is never changed. */
export interface Instance {
  readonly id: string;
  readonly name: string;
  readonly version?: string;
  /** Changes with continueAsNew, and when an instance is started again under its id. */
  readonly execution: string;
  readonly status: RuntimeStatus;
  /** When it was created, by the task hub's clock, as ISO 8601. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly customStatus: unknown;
  readonly history: readonly HistoryEvent[];
  /** Messages that the orchestrator has not seen. */
  readonly inbox: readonly Message[];
  readonly tasks: readonly Task[];
  readonly timers: readonly Timer[];
  /** Data that the codec needs at the next turn. */
  readonly memory: unknown;
  /** The host that goes on with the orchestration at once; null if any host may. Other hosts do so after a while. */
  readonly host: string | null;
}

export interface Start {
  id: string;
  name: string;
  version: string | undefined;
  input: unknown;
}

export function newInstance({ id, name, version, input }: Start, now: string): Instance {
  const versioned = version === undefined ? {} : { version };
  return {
    id,
    name,
    ...versioned,
    execution: randomUUID(),
    status: 'Pending',
    createdAt: now,
    updatedAt: now,
    input,
    output: null,
    customStatus: null,
    history: [],
    inbox: [{ type: 'executionStarted', name, input, ...versioned }],
    tasks: [],
    timers: [],
    memory: null,
    host: null,
  };
}

export const isFinished = ({ status }: Pick<Instance, 'status'>): boolean =>
  status === 'Completed' || status === 'Failed' || status === 'Terminated';

/** Whether anything is left to do. As in Azure, activities that were scheduled also run after the orchestration has ended. */
export const isOpen = (instance: Instance): boolean => !isFinished(instance) || instance.tasks.length > 0;

/** Whether the orchestrator has messages to read and may go on. */
export const isAwake = ({ status, inbox }: Instance): boolean =>
  (status === 'Pending' || status === 'Running') && inbox.length > 0;

/** Ends an orchestration. Its tasks stay, because they run all the same. */
export function finish(
  instance: Instance,
  status: 'Completed' | 'Failed' | 'Terminated',
  output: unknown,
  now: string,
): Instance {
  return { ...instance, status, output, updatedAt: now, inbox: [], timers: [], memory: null, host: null };
}
