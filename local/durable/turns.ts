import type { Invoker } from '../host/invoke';
import { callOrchestrator, type DurableFunction } from './durableFunctions';
import type { Codec, Decisions } from './history';
import { finish, type Instance, isAwake } from './instance';
import { whyStatusTooLong, whyTooLarge } from './limits';
import { beginTurn, endTurn } from './scheduler';

/** An orchestrator that never waits for anything ends after this many turns, so that its state is stored now and then. */
const turnsAtOnce = 100;

export interface TurnOptions {
  codec: Codec;
  invoker: Invoker;
  now: () => number;
}

/** Calls an orchestrator turn by turn, until it has read all messages. */
export async function takeTurns(
  instance: Instance,
  orchestrator: DurableFunction,
  options: TurnOptions,
): Promise<Instance> {
  let next = instance;
  for (let turn = 0; turn < turnsAtOnce && isAwake(next); turn++)
    next = await takeTurn(next, orchestrator, options);
  return next;
}

async function takeTurn(
  instance: Instance,
  orchestrator: DurableFunction,
  { codec, invoker, now }: TurnOptions,
): Promise<Instance> {
  const at = new Date(now()).toISOString();
  const { begun, messages } = beginTurn(instance, codec.messagesPerTurn(instance.memory), at);
  const { id, history, memory, name } = begun;
  const answer = await callOrchestrator(orchestrator, codec.encode(id, history), invoker);
  const decisions = limited(codec.decide({ history, messages, at, memory }, answer));
  const { outcome } = decisions;
  if (outcome?.type === 'failed') outcome.error = `Orchestrator function '${name}' failed: ${outcome.error}`;
  return endTurn(begun, decisions, at);
}

/** The failure of an orchestration whose orchestrator this app does not have. */
export const failUnknown = (instance: Instance, known: readonly string[], now: string): Instance =>
  finish(instance, 'Failed', unknownFunction(instance.name, 'orchestrator', known), now);

export const unknownFunction = (name: string, kind: string, known: readonly string[]): string =>
  `The function '${name}' doesn't exist, is disabled, or is not an ${kind} function. The ${kind} functions are: ${known.join(', ') || 'none'}.`;

/** Makes an orchestration fail if it wants to store more than Azure would accept. */
function limited(decisions: Decisions): Decisions {
  const { outcome, tasks, customStatus } = decisions;
  const reason =
    whyStatusTooLong(customStatus) ??
    tasks.map(({ name, input }) => whyTooLarge(input, `The input of the activity ${name}`)).find(Boolean) ??
    (outcome?.type === 'completed'
      ? whyTooLarge(outcome.output, 'The output of the orchestrator')
      : undefined) ??
    (outcome?.type === 'continuedAsNew'
      ? whyTooLarge(outcome.input, 'The input of continueAsNew')
      : undefined);
  if (reason === undefined) return decisions;
  return {
    ...decisions,
    customStatus: undefined,
    tasks: [],
    timers: [],
    outcome: { type: 'failed', error: reason },
  };
}
