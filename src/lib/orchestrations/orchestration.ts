/*
 * What an orchestrator may use. An orchestrator is a generator that yields tasks, and is given their results. Whatever the process
 * that runs it, it is begun anew for each result and fed all earlier results again, so it must do the same each time: it may not read
 * a clock, make random numbers, or do I/O. All that happens in activities.
 */

declare const resultOf: unique symbol;

/**
 * The version of the orchestrators, which an instance keeps from its start to its end: `defaultVersion` in host.json. It is raised when
 * an orchestrator asks for something else than before, or an activity takes or returns something else.
 */
export const orchestrationsVersion = '2';

/** Work that was asked for: an activity, a timer, or several of them. Only the engine knows what is inside. */
export interface Task<Result = unknown> {
  /** Never there: it makes the type of the result part of the task's type. */
  readonly [resultOf]?: Result;
}

/** The activities that an orchestrator calls, with what they take and return. Both must be small and JSON. */
export type ActivityTypes<Activities> = {
  readonly [Name in keyof Activities]: { readonly input: unknown; readonly result: unknown };
};

export interface Orchestration<Activities extends ActivityTypes<Activities>> {
  /** Calls an activity. Yielded, the task gives the activity's result, or throws if the activity did. */
  call<Name extends keyof Activities & string>(
    activity: Name,
    input: Activities[Name]['input'],
  ): Task<Activities[Name]['result']>;
  /** Ends when all have ended, or one has failed. */
  all<Result>(tasks: readonly Task<Result>[]): Task<Result[]>;
  /** Ends after so many milliseconds. */
  timer(ms: number): Task<void>;
  /** The time of the last result, in milliseconds since 1970: the same whenever the orchestrator is begun anew. */
  now(): number;
  /** Tells people how far the work is. */
  status(status: unknown): void;
  /** Begins the orchestrator again with another input and an empty history, once it returns. */
  continueAsNew(input: unknown): void;
}

export type Orchestrator<Activities extends ActivityTypes<Activities>, Input, Result> = (
  context: Orchestration<Activities>,
  input: Input,
) => Generator<Task, Result, unknown>;

/** The result of a task, with its type: `const result = yield* wait(task)`. */
export function* wait<Result>(task: Task<Result>): Generator<Task, Result, unknown> {
  return (yield task) as Result;
}

/** What an activity returns if it could not do its work: a value, because other work goes on. */
export interface Failed {
  readonly outcome: 'failed';
  /** A code of docs/errors.md, or `unknown`. */
  readonly code: string;
  readonly message: string;
  /** Whether another try may succeed. */
  readonly retriable: boolean;
}

/** Like `wait`, but an activity that threw, for example because its process ended, is a failure too. */
export function* waitOrFail<Result>(task: Task<Result>): Generator<Task, Result | Failed, unknown> {
  try {
    return yield* wait(task);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { outcome: 'failed', code: 'unknown', message: message.slice(0, mostCharacters), retriable: true };
  }
}

/** The engine's message repeats the stack of the activity. */
const mostCharacters = 500;
