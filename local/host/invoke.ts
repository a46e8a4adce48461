import { randomBytes, randomUUID } from 'node:crypto';
import { within } from '../../src/lib/deadline';
import type {
  CoreContext,
  FunctionCallback,
  FunctionMetadata,
  FunctionsCore,
  InvocationRequest,
  InvocationResponse,
  TypedData,
} from './functionsCore';
import { describeError } from './log';

/** One registered function. */
export interface HostFunction {
  metadata: FunctionMetadata;
  callback: FunctionCallback;
}

export interface Outcome {
  response: InvocationResponse;
  /** The function's result, after the hooks. */
  result: unknown;
}

export interface Invocation extends InvocationRequest {
  invocationId?: string;
  /** False if the caller logs a failure itself. */
  isLogged?: boolean;
}

/** By the type of an input binding, the input that the host gives to functions with such a binding. */
export type ExtraInputs = Readonly<Record<string, () => TypedData>>;

/** Runs functions and knows which are running. */
export class Invoker {
  readonly #running = new Map<string, string>();
  readonly #core: FunctionsCore;
  readonly #timeoutMs: number | undefined;

  readonly #extraInputs: ExtraInputs;

  constructor(core: FunctionsCore, timeoutMs: number | undefined, extraInputs: ExtraInputs) {
    this.#core = core;
    this.#timeoutMs = timeoutMs;
    this.#extraInputs = extraInputs;
  }

  /** Names of the functions that are running now, once per invocation. */
  get runningFunctions(): string[] {
    return [...this.#running.values()];
  }

  /**
   * Runs a function once with its hooks. A failure is thrown, and logged with its stack unless the caller logs it. A function that takes
   * longer than the function timeout fails too, but its code goes on running, because Node cannot stop it.
   */
  async invoke(fn: HostFunction, invocation: Invocation): Promise<Outcome> {
    const { name } = fn.metadata;
    const { invocationId = randomUUID(), isLogged = true, ...request } = invocation;
    request.inputData = [...request.inputData, ...this.#readExtraInputs(fn)];
    request.traceContext ??= {
      traceParent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`,
    };
    this.#running.set(invocationId, name);
    const started = performance.now();
    const work = this.#run(fn, invocationId, request).finally(() => {
      this.#running.delete(invocationId);
      const took = Math.round(performance.now() - started);
      this.#core.logInvocation(name, 'debug', 'system', `executed in ${took} ms`);
    });
    try {
      return await withTimeout(work, this.#timeoutMs, name);
    } catch (error) {
      if (isLogged) this.#core.logInvocation(name, 'error', 'system', `failed: ${describeError(error)}`);
      throw error;
    }
  }

  #readExtraInputs({ metadata }: HostFunction): InvocationRequest['inputData'] {
    return Object.entries(metadata.bindings).flatMap(([name, { type }]) => {
      const data = this.#extraInputs[type]?.();
      return data ? [{ name, data }] : [];
    });
  }

  async #run(fn: HostFunction, invocationId: string, request: InvocationRequest): Promise<Outcome> {
    const core = this.#core;
    const { name } = fn.metadata;
    if (!core.model) throw new Error('The app has set no programming model.');
    let invocationContext: unknown;
    const context: CoreContext = {
      invocationId,
      metadata: fn.metadata,
      request,
      state: undefined,
      log: (level, category, message) =>
        core.logInvocation(name, level, category, message, invocationContext),
    };
    const model = core.model.getInvocationModel(context);
    const args = await model.getArguments();
    invocationContext = args.context;

    const shared = { hookData: {}, appHookData: core.appHookData, invocationContext };
    const pre = { ...shared, functionCallback: fn.callback, inputs: args.inputs };
    context.state = 'preInvocationHooks';
    await core.runHooks('preInvocation', pre);

    const outcome: { result: unknown; error: unknown } = { result: null, error: null };
    const post = { ...shared, inputs: pre.inputs, ...outcome };
    context.state = 'invocation';
    try {
      post.result = await model.invokeFunction(invocationContext, pre.inputs, pre.functionCallback);
    } catch (error) {
      // Functions may throw undefined. The code below needs an error to throw.
      post.error = error ?? new Error(`${name} threw ${error}.`);
    }
    context.state = 'postInvocationHooks';
    await core.runHooks('postInvocation', post);
    // A hook may have removed the error.
    if (post.error) throw post.error;
    return { response: await model.getResponse(invocationContext, post.result), result: post.result };
  }
}

function withTimeout<T>(work: Promise<T>, timeoutMs: number | undefined, name: string): Promise<T> {
  if (timeoutMs === undefined) return work;
  return within(
    timeoutMs,
    () => work,
    () => {
      throw new Error(`The function timeout of ${timeoutMs / 1000} s was exceeded by ${name}.`);
    },
  );
}
