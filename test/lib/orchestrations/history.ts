import type { ActivityFunctions } from '../../../src/lib/app/runHere';
import type {
  ActivityTypes,
  Orchestration,
  Orchestrator,
  Task,
} from '../../../src/lib/orchestrations/orchestration';

/*
 * Records what an orchestrator asked for and was given, and replays it, as an engine does in another process.
 */

/** What a task is, in words that can be stored. */
export type Asked =
  | { readonly call: string; readonly input: unknown }
  | { readonly all: readonly Asked[] }
  | { readonly timer: number };

export interface HistoryEvent {
  readonly asked: Asked;
  /** The result, or the message of the error. */
  readonly gave?: unknown;
  readonly threw?: string;
  /** The orchestrator's time from then on. */
  readonly at: number;
}

/** One execution, from a start or a continueAsNew to its end. */
export interface History {
  readonly input: unknown;
  readonly startedAt: number;
  readonly events: readonly HistoryEvent[];
  /** What it returned, or the input with which it began again. */
  readonly end: { readonly returned: unknown } | { readonly again: unknown };
}

/** A task of these tests is what it asks for. */
type Told = Task & Asked;

interface Execution {
  readonly end: History['end'] | undefined;
  /** What it asks for now, unless it has ended. */
  readonly asked: Asked | undefined;
}

/** Everything that a history holds is JSON, so that is what an orchestrator is given. */
const stored = <T>(value: T): T => (value === undefined ? value : JSON.parse(JSON.stringify(value)));

export interface Recorded {
  readonly histories: readonly History[];
  readonly statuses: readonly unknown[];
  readonly result: unknown;
}

/** Runs an orchestrator as an engine does: for each result it is begun anew and given all earlier ones. */
export async function record<Activities extends ActivityTypes<Activities>, Input, Result>(
  orchestrator: Orchestrator<Activities, Input, Result>,
  input: Input,
  { activities, now = () => 0 }: { activities: ActivityFunctions<Activities>; now?: () => number },
): Promise<Recorded & { readonly result: Result }> {
  const histories: History[] = [];
  const statuses: unknown[] = [];
  let given: unknown = stored(input);
  for (;;) {
    const [startedAt, events]: [number, HistoryEvent[]] = [now(), []];
    let execution = replay(orchestrator, { input: given, startedAt, events }, statuses);
    while (execution.asked) {
      const { asked } = execution;
      const [found] = await Promise.allSettled([perform(activities, asked)]);
      const outcome =
        found.status === 'fulfilled' ? { gave: stored(found.value) } : { threw: String(found.reason) };
      events.push({ asked: stored(asked), ...outcome, at: now() });
      execution = replay(orchestrator, { input: given, startedAt, events }, statuses);
    }
    const end = execution.end ?? { returned: undefined };
    histories.push({ input: given, startedAt, events, end });
    if ('returned' in end) return { histories, statuses, result: end.returned as Result };
    given = end.again;
  }
}

async function perform<Activities extends ActivityTypes<Activities>>(
  activities: ActivityFunctions<Activities>,
  asked: Asked,
): Promise<unknown> {
  if ('timer' in asked) return undefined;
  if ('all' in asked) return Promise.all(asked.all.map((one) => perform(activities, one)));
  return activities[asked.call as keyof Activities](stored(asked.input));
}

/**
 * Begins an orchestrator anew and gives it what is in a history. Throws if it asks for something else than it did then.
 * @param statuses receives the custom status that is set after the last event
 */
export function replay<Activities extends ActivityTypes<Activities>, Input, Result>(
  orchestrator: Orchestrator<Activities, Input, Result>,
  { input, startedAt, events }: Pick<History, 'input' | 'startedAt' | 'events'>,
  statuses: unknown[] = [],
): Execution {
  let at = startedAt;
  let status: unknown;
  let again: { readonly again: unknown } | undefined;
  const context: Orchestration<Activities> = {
    call: (activity, given) => ({ call: activity, input: given }) as Told,
    all: (tasks) => ({ all: tasks as Told[] }) as unknown as Task<never>,
    timer: (ms) => ({ timer: ms }) as unknown as Task<void>,
    now: () => at,
    status: (value) => {
      status = stored(value);
    },
    continueAsNew: (value) => {
      again = { again: stored(value) };
    },
  };
  const generator = orchestrator(context, stored(input) as Input);
  let step = generator.next();
  for (const [index, event] of events.entries()) {
    status = undefined;
    const asked = step.done ? 'nothing, for it has ended' : JSON.stringify(step.value);
    if (step.done || asked !== JSON.stringify(event.asked))
      throw new Error(
        `Event ${index}: it asked for ${JSON.stringify(event.asked)}, and now asks for ${asked}.`,
      );
    at = event.at;
    step =
      event.threw === undefined
        ? generator.next(stored(event.gave))
        : generator.throw(new Error(event.threw));
  }
  if (status !== undefined) statuses.push(status);
  if (!step.done) return { asked: stored(step.value as Told), end: undefined };
  return { asked: undefined, end: again ?? { returned: stored(step.value) } };
}
