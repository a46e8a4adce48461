import Module from 'node:module';
import { format } from 'node:util';
import { describeError, type Log, type LogLevel } from './log';

// The programming model reaches its host through the module `@azure/functions-core`, which exists only inside a worker. The types
// below are those of the Functions RPC protocol, as far as this host uses them.

export interface TypedData {
  string?: string | null;
  json?: string | null;
  bytes?: Uint8Array | null;
  int?: number | null;
  double?: number | null;
  collectionBytes?: { bytes: Uint8Array[] };
  collectionString?: { string: string[] };
  collectionSint64?: { sint64: number[] };
  http?: RpcHttp | null;
}

export interface RpcHttp {
  url?: string;
  method?: string;
  statusCode?: string;
  headers?: Record<string, string>;
  cookies?: RpcCookie[];
  body?: TypedData | null;
  nullableHeaders?: Record<string, { value: string }>;
  nullableQuery?: Record<string, { value: string }>;
  nullableParams?: Record<string, { value: string }>;
}

/** A cookie. A nullable field is `{value}`, or an empty object if it is not set. */
export interface RpcCookie {
  name?: string;
  value?: string;
  domain?: { value?: string } | null;
  path?: { value?: string } | null;
  expires?: { value?: { seconds?: number } } | null;
  secure?: { value?: boolean } | null;
  httpOnly?: { value?: boolean } | null;
  sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  maxAge?: { value?: number } | null;
}

export interface RpcRetryOptions {
  maxRetryCount?: number;
  retryStrategy?: string;
  delayInterval?: { seconds?: number };
  minimumInterval?: { seconds?: number };
  maximumInterval?: { seconds?: number };
}

export type Binding = Readonly<Record<string, unknown>> & { type: string; direction: string };

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, Binding>;
  retryOptions?: RpcRetryOptions;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export interface InvocationRequest {
  inputData: { name: string; data: TypedData }[];
  triggerMetadata: Record<string, TypedData>;
  retryContext?: { retryCount: number; maxRetryCount: number; exception?: Record<string, string> };
  traceContext?: { traceParent: string };
}

export interface InvocationResponse {
  returnValue?: TypedData | null;
  outputData?: { name: string; data: TypedData }[];
}

export interface CoreContext {
  invocationId: string;
  metadata: FunctionMetadata;
  request: InvocationRequest;
  state: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: LogLevel, category: string, message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

export interface ProgrammingModel {
  name: string;
  version: string;
  getInvocationModel(context: CoreContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
type HookCallback = (context: unknown) => unknown;

/** The functions that the app registered, and the hooks that run around them. */
export class FunctionsCore {
  readonly functions = new Map<string, { metadata: FunctionMetadata; callback: FunctionCallback }>();
  readonly appHookData: Record<string, unknown> = {};
  model: ProgrammingModel | undefined;
  locked = false;
  readonly #hooks = new Map<HookName, HookCallback[]>(hookNames.map((name) => [name, []]));
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Makes `require('@azure/functions-core')` return this object. Call it before any code of the app loads, because the programming
   * model requires the module once and keeps it. There is one app per process.
   */
  install(): void {
    const core = this.#api();
    const original = Module.prototype.require;
    Module.prototype.require = function (this: NodeJS.Module, id: string) {
      return id === '@azure/functions-core' ? core : original.call(this, id);
    };
  }

  async runHooks(name: HookName, context: unknown): Promise<void> {
    for (const hook of this.#hooks.get(name) ?? []) await hook(context);
  }

  /** Writes a log line of an invocation, after the log hooks, which may change its level and text. */
  logInvocation(source: string, level: LogLevel, category: string, message: string, context?: unknown): void {
    const entry = {
      level,
      message,
      category,
      invocationContext: context,
      hookData: {},
      appHookData: this.appHookData,
    };
    for (const hook of this.#hooks.get('log') ?? []) {
      try {
        hook(entry);
      } catch (error) {
        this.#log('error', source, `A log hook failed: ${describeError(error)}`);
      }
    }
    this.#log(entry.level, source, entry.message);
  }

  #api() {
    return {
      version: '3.0.0',
      hostVersion: '4.0.0',
      registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) => {
        const { name } = metadata;
        if (this.locked) throw new Error(`The function "${name}" was registered after the app had started.`);
        if (this.functions.has(name)) throw new Error(`There are two functions named "${name}".`);
        this.functions.set(name, { metadata, callback });
        return new Disposable(() => this.functions.delete(name));
      },
      setProgrammingModel: (model: ProgrammingModel) => {
        this.model = model;
      },
      getProgrammingModel: () => this.model,
      registerHook: (name: string, callback: HookCallback) => {
        const hooks = this.#hooks.get(hookNames.find((known) => known === name) ?? 'log');
        if (!hooks || !hookNames.some((known) => known === name)) {
          throw new RangeError(`There is no hook "${name}"; hooks are ${hookNames.join(', ')}.`);
        }
        hooks.push(callback);
        return new Disposable(() => hooks.splice(hooks.indexOf(callback), 1));
      },
      log: (level: LogLevel, category: string, message: string) =>
        this.logInvocation('app', level, category, format(message)),
      Disposable,
    };
  }
}

class Disposable {
  readonly #callback: () => unknown;

  constructor(callback: () => unknown) {
    this.#callback = callback;
  }

  static from(...disposables: Disposable[]): Disposable {
    return new Disposable(() => disposables.forEach((one) => void one.dispose()));
  }

  dispose(): unknown {
    return this.#callback();
  }
}
