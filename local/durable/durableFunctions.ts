import type { TypedData } from '../host/functionsCore';
import type { HostFunction, Invoker } from '../host/invoke';
import type { Answer, Failure } from './history';
import { whyTooLarge } from './limits';

export type DurableKind = 'orchestrationTrigger' | 'activityTrigger';

/** An orchestrator or an activity that this host runs. */
export interface DurableFunction {
  fn: HostFunction;
  bindingName: string;
}

export type ActivityResult = { value: unknown } | { failure: Failure };

/** The most characters of an activity's error. It becomes part of the history, which is read at every turn. */
const longestMessage = 4_000;

/** Calls an orchestrator with its history. Returns what it answered or threw. */
export async function callOrchestrator(
  { fn, bindingName }: DurableFunction,
  input: string,
  invoker: Invoker,
): Promise<Answer> {
  try {
    const { response, result } = await invoker.invoke(fn, {
      inputData: [{ name: bindingName, data: { string: input } }],
      triggerMetadata: {},
      isLogged: false,
    });
    if (hasScheduledTwice(result)) return { threw: new Error(scheduledTwice) };
    return { returned: response.returnValue?.json ?? response.returnValue?.string ?? '' };
  } catch (threw) {
    return { threw };
  }
}

const scheduledTwice =
  'A task that was yielded before is yielded again within a new Task.all or Task.any. In Azure it runs twice then (azure-functions-durable-js #574). Yield it alone, or yield one Task.all or Task.any.';

/** Whether an action is in the list twice. Only the same object counts, not another one with the same contents. */
function hasScheduledTwice(state: unknown): boolean {
  const seen = new Set<unknown>();
  const visit = (actions: unknown): boolean => {
    if (Array.isArray(actions)) return actions.some(visit);
    if (typeof actions !== 'object' || actions === null) return false;
    if (seen.has(actions)) return true;
    seen.add(actions);
    return 'compoundActions' in actions && visit(actions.compoundActions);
  };
  return typeof state === 'object' && state !== null && 'actions' in state && visit(state.actions);
}

/**
 * Runs an activity. Never throws: a failure is a result, and so is the function timeout. (In Azure, the timeout restarts the host, and the
 * activity begins again.)
 */
export async function callActivity(
  { fn, bindingName }: DurableFunction,
  { instanceId, input }: { instanceId: string; input: unknown },
  invoker: Invoker,
): Promise<ActivityResult> {
  const { name } = fn.metadata;
  const json = JSON.stringify(input ?? null);
  try {
    const { response } = await invoker.invoke(fn, {
      inputData: [{ name: bindingName, data: { json } }],
      triggerMetadata: { instanceId: { string: instanceId }, data: { json } },
    });
    const value = readValue(response.returnValue);
    const tooLarge = whyTooLarge(value, `The result of the activity ${name}`);
    return tooLarge === undefined ? { value } : { failure: failureOf(name, new Error(tooLarge)) };
  } catch (error) {
    return { failure: failureOf(name, error) };
  }
}

export function failureOf(activity: string, error: unknown): Failure {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, longestMessage);
  const kind = error instanceof Error ? error.name : 'Error';
  return { reason: `Activity function '${activity}' failed: ${message}`, details: `${kind}: ${message}` };
}

function readValue(data: TypedData | null | undefined): unknown {
  if (!data) return null;
  if (data.bytes) throw new Error('An activity must return a JSON value, not bytes.');
  if (typeof data.json === 'string') return JSON.parse(data.json);
  return data.string ?? data.int ?? data.double ?? null;
}
