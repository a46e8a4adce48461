/*
 * The part of a durable engine that an orchestrator may use. An orchestrator is a generator that yields tasks and is given their results.
 * For each new result it is begun anew, perhaps in another process, and is given all earlier results again. So it must do the same each
 * time: it may not read a clock, make random numbers, or do I/O. All that is done by activities.
 */

declare const resultOf: unique symbol;

/**
 * The version of the orchestrators, `defaultVersion` in host.json. An instance keeps its version from its start to its end. The version is
 * raised if an orchestrator calls other activities than before, or if an activity takes or returns something else.
 */
export const orchestrationsVersion = '2';

/** Work that an orchestrator has asked for: an activity, a timer, or several tasks. Only the engine knows its contents. */
export interface Task<Result = unknown> {
  /** This member never exists. It makes the type of the result a part of the task's type. */
  readonly [resultOf]?: Result;
}

/** The activities that an orchestrator calls, with the types of their inputs and results. Both must be small, and must be JSON. */
export type ActivityTypes<Activities> = {
  readonly [Name in keyof Activities]: { readonly input: unknown; readonly result: unknown };
};

export interface Orchestration<Activities extends ActivityTypes<Activities>> {
  /** Calls an activity. When the task is yielded, its result is the activity's result. It throws if the activity threw. */
  call<Name extends keyof Activities & string>(
    activity: Name,
    input: Activities[Name]['input'],
  ): Task<Activities[Name]['result']>;
  /** A task that ends when all of these have ended, or one has failed. */
  all<Result>(tasks: readonly Task<Result>[]): Task<Result[]>;
  /** A task that ends after this many milliseconds. */
  timer(ms: number): Task<void>;
  /** The time of the last result, in milliseconds since 1970. It is the same each time the orchestrator is begun anew. */
  now(): number;
  /** Sets the custom status, which tells people how far the work is. */
  status(status: unknown): void;
  /** When the orchestrator returns, begins it again with this input and an empty history. */
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

/** The result of an activity that could not do its work. It is a value, not an error, because other work goes on. */
export interface Failed {
  readonly outcome: 'failed';
  /** A code of docs/errors.md, or `unknown`. */
  readonly code: string;
  readonly message: string;
  /** True if another try may succeed. */
  readonly retriable: boolean;
}

/** Like `wait`, but if an activity threw, for example because its process ended, the result is a failure. */
export function* waitOrFail<Result>(task: Task<Result>): Generator<Task, Result | Failed, unknown> {
  try {
    return yield* wait(task);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { outcome: 'failed', code: 'unknown', message: message.slice(0, mostCharacters), retriable: true };
  }
}

/** The most characters of an error's message that are kept. The engine's messages contain the stack of the activity. */
const mostCharacters = 500;
