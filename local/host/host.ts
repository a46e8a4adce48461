import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import { within } from '../../src/lib/deadline';
import { once } from '../../src/lib/once';
import { isRefused, listenOnLoopback } from '../../src/lib/sameMachine';
import { isDisabled } from '../../src/lib/settingDefinitions';
import { managementPath } from '../durable/clientPayload';
import type { DurableKind } from '../durable/durableFunctions';
import { type DurableHost, DurableTask } from '../durable/durableTask';
import { notSupported } from '../durable/limits';
import { AdminApi } from './adminApi';
import { createEventHubTrigger } from './eventHubTrigger';
import { type Binding, FunctionsCore } from './functionsCore';
import { type HostJson, readHostJson } from './hostJson';
import { connectHostStorage } from './hostStorage';
import {
  callBuffered,
  callStreamed,
  findRoute,
  type HttpCall,
  type HttpRoute,
  readHttpRoute,
} from './httpTrigger';
import { type HostFunction, Invoker } from './invoke';
import { type LoadedApp, loadApp } from './loadApp';
import { createLog, describeError, type Log } from './log';
import { scaleGroupOf } from './scaleGroup';
import { readHostId, type Settings } from './settings';
import { createTimerTrigger } from './timerTrigger';
import type { Trigger, TriggerKind } from './trigger';

/** The kinds of triggers except HTTP, which the host itself serves, and Durable Functions. */
const triggerKinds: Readonly<Record<string, TriggerKind>> = {
  timerTrigger: createTimerTrigger,
  eventHubTrigger: createEventHubTrigger,
};

const durableKinds: readonly DurableKind[] = ['orchestrationTrigger', 'activityTrigger'];

/** How long releasing leases and partitions may take. Leases and claims that are not released expire by themselves. */
const closeLimitMs = 4_000;

export interface HostOptions {
  /** The folder of the compiled app, with package.json and host.json. */
  appDir: string;
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  port: number;
  /** The app's settings; by default the environment of this process. */
  settings?: Settings;
  /** This host's name among the hosts of the app. If a host restarts under its old name, it gets its leases back at once. */
  instance?: string;
  /** Only the functions of this scale group run here, as on Flex Consumption; by default all. See scaleGroup.ts. */
  group?: string;
  /** How long running invocations may go on after `close` was called. */
  drainLimitMs?: number;
}

export interface Host {
  url: string;
  port: number;
  /** Begins no more work, waits for running functions, and releases partitions and leases. */
  close(): Promise<void>;
}

/**
 * Loads a Functions app and runs it: HTTP, timers, Event Hubs. There can be only one per process, because the programming model
 * knows one host. Rejects if the port is in use (`PortInUseError`) or the app, host.json or a setting is wrong.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const settings = options.settings ?? process.env;
  const appDir = resolve(options.appDir);
  const hostJson = readHostJson(join(appDir, 'host.json'), settings);
  const host = new FunctionsHost(hostJson, settings, options);
  await host.start(appDir);
  return host;
}

class FunctionsHost implements Host {
  url = '';
  port = 0;
  readonly #log: Log;
  readonly #core: FunctionsCore;
  readonly #invoker: Invoker;
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #triggers = new Map<string, Trigger>();
  readonly #routes: HttpRoute[] = [];
  /** The functions that do not run here, because of a setting or of the scale group, each with the type of its trigger. */
  readonly #disabled = new Map<string, string>();
  #app: LoadedApp = { httpProxy: undefined };
  #appDir = '';
  readonly #services = once(() => this.#triggerHost());
  readonly #durable = once(() => new DurableTask(this.#services()));
  readonly #admin = new AdminApi({
    triggers: this.#triggers,
    functions: () => [...this.#core.functions.keys()].map((name) => [name, this.#typeOf(name)]),
    runsHere: (name) => !this.#disabled.has(name),
    isDisabled: (name) => isDisabled(name, this.#settings),
    about: () => ({
      host: {
        state: this.#state,
        instance: this.#options.instance ?? null,
        processUptime: Date.now() - this.#startedAt,
      },
      running: this.#invoker.runningFunctions,
    }),
  });
  #state: 'Initializing' | 'Running' | 'Stopping' = 'Initializing';
  readonly #startedAt = Date.now();
  readonly #hostJson: HostJson;
  readonly #settings: Settings;
  readonly #options: HostOptions;

  constructor(hostJson: HostJson, settings: Settings, options: HostOptions) {
    this.#hostJson = hostJson;
    this.#settings = settings;
    this.#options = options;
    this.#log = createLog(hostJson.logLevel);
    this.#core = new FunctionsCore(this.#log);
    this.#invoker = new Invoker(this.#core, hostJson.functionTimeoutMs, {
      durableClient: () => ({ string: this.#durable().clientPayload() }),
    });
  }

  async start(appDir: string): Promise<void> {
    this.#appDir = appDir;
    this.port = await listenOnLoopback(this.#server, this.#options.port);
    this.url = `http://127.0.0.1:${this.port}`;
    try {
      process.env.WEBSITE_HOSTNAME = `localhost:${this.port}`;
      process.chdir(appDir);
      this.#app = await loadApp(appDir, this.#core, this.#log);
      for (const fn of this.#core.functions.values()) this.#addFunction(fn);
      for (const trigger of this.#triggers.values()) await trigger.start();
    } catch (error) {
      this.#server.close();
      throw error;
    }
    this.#state = 'Running';
    this.#printFunctions();
  }

  async close(): Promise<void> {
    this.#state = 'Stopping';
    // From now on, close a connection as soon as it is idle.
    this.#server.keepAliveTimeout = 1;
    this.#server.close();
    const triggers = [...this.#triggers.values()];
    const drained = Promise.all([
      ...triggers.map((trigger) => trigger.drain()),
      new Promise((done) => this.#server.once('close', done)),
    ]);
    const limit = this.#options.drainLimitMs ?? 10_000;
    if (!(await isDoneWithin(limit, drained))) {
      const names = [...new Set(this.#invoker.runningFunctions)].join(', ');
      this.#log(
        'warning',
        'host',
        `stops although these still run after ${limit / 1000} s: ${names || 'requests'}.`,
      );
    }
    this.#server.closeAllConnections();
    const closed = Promise.all(triggers.map((trigger) => trigger.close()));
    if (!(await isDoneWithin(closeLimitMs, closed))) {
      this.#log(
        'warning',
        'host',
        `stops although leases and partitions are not released after ${closeLimitMs / 1000} s.`,
      );
    }
    await this.#core.runHooks('appTerminate', { hookData: {}, appHookData: this.#core.appHookData });
  }

  #addFunction(fn: HostFunction): void {
    const { name } = fn.metadata;
    const binding = findTrigger(fn);
    if (!binding) throw new Error(`The function ${name} has no trigger.`);
    const { group } = this.#options;
    const isElsewhere = group !== undefined && scaleGroupOf(name, binding.type) !== group;
    if (isElsewhere || isDisabled(name, this.#settings)) {
      this.#disabled.set(name, binding.type);
      return;
    }
    if (binding.type === 'httpTrigger') {
      this.#routes.push(readHttpRoute({ fn, name, binding }, this.#hostJson.routePrefix));
      return;
    }
    const durable = durableKinds.find((one) => one === binding.type);
    if (durable) {
      this.#triggers.set(name, this.#durable().trigger(durable, { fn, name, binding }));
      return;
    }
    if (binding.type === 'entityTrigger') throw new Error(`${name}: ${notSupported('entities').message}`);
    const kind = triggerKinds[binding.type];
    if (!kind) {
      const known = ['httpTrigger', ...Object.keys(triggerKinds), ...durableKinds].join(', ');
      throw new Error(
        `${name}: triggers of type ${binding.type} are not supported here; supported are ${known}.`,
      );
    }
    this.#triggers.set(name, kind(this.#services(), { fn, name, binding }));
  }

  #triggerHost(): DurableHost {
    const settings = this.#settings;
    const hostJson = this.#hostJson;
    const invoker = this.#invoker;
    const log = this.#log;
    return {
      settings,
      hostJson,
      invoker,
      log,
      hostId: readHostId(this.#appDir, settings),
      instance: this.#options.instance,
      storage: once(() => connectHostStorage(settings)),
      url: () => this.url,
      namesOf: (type) => [...this.#core.functions.keys()].filter((name) => this.#typeOf(name) === type),
    };
  }

  /** Whether a function of the app works with orchestrations, even if only as a client. */
  get #isDurable(): boolean {
    const types = new Set(
      [...this.#core.functions.values()].flatMap(({ metadata }) =>
        Object.values(metadata.bindings).map(({ type }) => type),
      ),
    );
    return ['durableClient', ...durableKinds].some((type) => types.has(type));
  }

  #printFunctions(): void {
    console.log('Functions:');
    for (const { fn, methods, template } of this.#routes) {
      console.log(`  ${fn.metadata.name}: [${methods.join(',')}] ${this.url}/${template}`);
    }
    for (const name of this.#triggers.keys()) {
      const fn = this.#core.functions.get(name);
      console.log(`  ${name}: ${fn && findTrigger(fn)?.type}`);
    }
    for (const [name, type] of this.#disabled) console.log(`  ${name}: ${type} (disabled)`);
    console.log(`host ready on ${this.url}`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isRefused(request, response)) return;
    try {
      const url = new URL(request.url ?? '/', `http://${request.headers.host ?? `127.0.0.1:${this.port}`}`);
      const method = request.method ?? 'GET';
      const path = url.pathname.replace(/\/+$/, '');
      if (method === 'GET' && path === '/admin/host/status') this.#admin.sendStatus(response);
      else if (path.startsWith(`${managementPath}/`) && this.#isDurable)
        await this.#durable().answer(request, response, url);
      else if (this.#state !== 'Running') response.writeHead(503, { 'retry-after': '1' }).end();
      else if (!(await this.#admin.answer(path, request, response)))
        await this.#call({ method, url, request, response });
    } catch (error) {
      this.#log('error', 'host', describeError(error));
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    }
  }

  /** Calls the function that has the route of the request. */
  async #call({
    method,
    ...call
  }: Pick<HttpCall, 'url' | 'request' | 'response'> & { method: string }): Promise<void> {
    const found = findRoute(this.#routes, method, call.url.pathname);
    if (!found) {
      call.response.writeHead(404).end();
      return;
    }
    const { httpProxy } = this.#app;
    const whole = { invoker: this.#invoker, ...found, ...call };
    await (httpProxy ? callStreamed(whole, httpProxy) : callBuffered(whole));
  }

  #typeOf(name: string): string | undefined {
    const fn = this.#core.functions.get(name);
    return fn && findTrigger(fn)?.type;
  }
}

/** Whether the work ends within the limit. Rejects if the work fails before. */
const isDoneWithin = (limitMs: number, work: Promise<unknown>): Promise<boolean> =>
  within(
    limitMs,
    () => work.then(() => true),
    () => false,
  );

function findTrigger(fn: HostFunction): Binding | undefined {
  return Object.values(fn.metadata.bindings).find((binding) => binding.type.endsWith('Trigger'));
}
