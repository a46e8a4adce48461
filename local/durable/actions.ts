import { asObject, jsonValue } from '../../src/lib/jsonObject';
import { notSupported } from './limits';

/** One action that an orchestrator has asked for, in the words of this host. */
export type Action =
  | { type: 'task'; name: string; input: unknown; retry: RetryOptions | undefined }
  | { type: 'timer'; fireAt: string; isCancelled: boolean }
  | { type: 'event'; name: string }
  | { type: 'continueAsNew'; input: unknown };

/** The rules for repeating a failed activity. Times are in milliseconds. */
export interface RetryOptions {
  attempts: number;
  firstWait: number;
  factor: number;
  longestWait?: number;
}

const callActivity = 0;
const callActivityWithRetry = 1;
const continueAsNew = 4;
const createTimer = 5;
const waitForExternalEvent = 6;
const whenAny = 11;
const whenAll = 12;

/** The actions of the protocol that this host does not support. */
const refused: Readonly<Record<number, string>> = {
  2: 'sub-orchestrations',
  3: 'sub-orchestrations',
  7: 'entities',
  8: 'callHttp',
  9: 'entities',
  10: 'entities',
  13: 'entities',
  14: 'entities',
};

/**
 * Reads the actions of an orchestrator, in their order. Actions within Task.all and Task.any are listed one by one. Throws if one of them
 * is not supported here.
 */
export function readActions(list: unknown): Action[] {
  if (!Array.isArray(list)) throw new Error('The orchestrator returned no list of actions.');
  return list.flatMap((one) => {
    if (Array.isArray(one)) return readActions(one);
    const action = asObject(one, 'An action of the orchestrator');
    const { actionType } = action;
    if (actionType === whenAny || actionType === whenAll) return readActions(action.compoundActions);
    return [readAction(action)];
  });
}

function readAction(action: Record<string, unknown>): Action {
  const { actionType } = action;
  const name = String(action.functionName);
  switch (actionType) {
    case callActivity:
      return { type: 'task', name, input: readInput(action.input), retry: undefined };
    case callActivityWithRetry: {
      const retry = readRetryOptions(asObject(action.retryOptions, 'retryOptions'));
      return { type: 'task', name, input: readInput(action.input), retry };
    }
    case continueAsNew:
      return { type: 'continueAsNew', input: readInput(action.input) };
    case createTimer: {
      const time = new Date(String(action.fireAt));
      if (Number.isNaN(time.getTime())) throw new Error('A timer of the orchestrator has no valid date.');
      return { type: 'timer', fireAt: time.toISOString(), isCancelled: action.isCanceled === true };
    }
    case waitForExternalEvent:
      return { type: 'event', name: String(action.externalEventName) };
    default:
      throw notSupported(refused[Number(actionType)] ?? `actions of type ${Number(actionType)}`);
  }
}

/** An input. The package sends text as JSON within the JSON, and every other value as it is. */
function readInput(input: unknown): unknown {
  if (typeof input !== 'string') return input ?? null;
  const value = jsonValue(input);
  return value === undefined ? input : value;
}

function readRetryOptions(options: Record<string, unknown>): RetryOptions {
  const number = (value: unknown, fallback: number) => (typeof value === 'number' ? value : fallback);
  if (options.retryTimeoutInMilliseconds !== undefined) throw notSupported('retryTimeoutInMilliseconds');
  const { maxRetryIntervalInMilliseconds: longestWait } = options;
  return {
    attempts: number(options.maxNumberOfAttempts, 1),
    firstWait: number(options.firstRetryIntervalInMilliseconds, 1),
    factor: number(options.backoffCoefficient, 1),
    ...(typeof longestWait === 'number' && { longestWait }),
  };
}
