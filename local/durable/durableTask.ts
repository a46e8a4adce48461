import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from '../../src/lib/once';
import { readBody } from '../host/httpTrigger';
import { findBindingName, type Trigger, type TriggerHost, type TriggerOptions } from '../host/trigger';
import { clientPayload } from './clientPayload';
import type { DurableFunction, DurableKind } from './durableFunctions';
import { accepts, refuseOverrides } from './durableTaskOptions';
import { HostLease } from './hostLease';
import { Instances } from './instances';
import { jsonCodec } from './jsonCodec';
import { ManagementApi } from './managementApi';
import { TaskHub } from './taskHub';
import { Worker } from './worker';

/** The most bytes of a request to the API. Inputs have a smaller limit. */
const maxBodyBytes = 4 * 1024 * 1024;

export interface DurableHost extends TriggerHost {
  /** The address of this host. It is known only once the host listens. */
  url(): string;
  /** The names of all functions with a trigger of a type, including those that a setting disables here. */
  namesOf(triggerType: string): string[];
}

/**
 * Durable Functions for one host: its orchestrators and activities, which share one worker, and the client's API. All hosts of the app
 * share the task hub in the host's storage account, and each does the work of the functions that it has.
 */
export class DurableTask {
  readonly #host: DurableHost;
  readonly #functions: Readonly<Record<DurableKind, Map<string, DurableFunction>>> = {
    orchestrationTrigger: new Map(),
    activityTrigger: new Map(),
  };
  readonly #api: ManagementApi;
  readonly #worker: Worker;
  readonly #start = once(() => this.#worker.start());
  readonly #close = once(() => this.#worker.close());

  constructor(host: DurableHost) {
    this.#host = host;
    refuseOverrides(host.settings);
    const { storage, hostId, instance, log, invoker, hostJson } = host;
    const { hubName, defaultVersion, versionMatchStrategy, maxConcurrentActivityFunctions } =
      hostJson.durableTask;
    const hub = new TaskHub(hubName, storage);
    const instances = new Instances(hub);
    const orchestrators = () => host.namesOf('orchestrationTrigger');
    this.#worker = new Worker({
      instances,
      lease: new HostLease({ storage, hostId, instance, log }),
      registry: {
        orchestrators: this.#functions.orchestrationTrigger,
        activities: this.#functions.activityTrigger,
        names: (kind) => host.namesOf(kind === 'orchestrator' ? 'orchestrationTrigger' : 'activityTrigger'),
        acceptsVersion: (version) => accepts(versionMatchStrategy, defaultVersion, version),
      },
      codec: jsonCodec,
      invoker,
      log,
      maxActivities: maxConcurrentActivityFunctions,
      now: () => hub.now(),
    });
    const changed = () => this.#worker.nudge();
    this.#api = new ManagementApi({ hub, instances, orchestrators, defaultVersion, changed });
  }

  /** The trigger of an orchestrator or an activity. */
  trigger(kind: DurableKind, options: TriggerOptions): Trigger {
    const { name, fn } = options;
    this.#functions[kind].set(name, { fn, bindingName: findBindingName(options) });
    return {
      start: async () => this.#start(),
      drain: () => this.#drain(kind, name),
      close: () => this.#close(),
    };
  }

  /** The input of a function with a `durableClient` binding, as JSON. */
  clientPayload(): string {
    return clientPayload(this.#host.url(), this.#host.hostJson.durableTask.hubName);
  }

  async answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const body = await readBody(request, maxBodyBytes);
    if (body === undefined) {
      response.writeHead(413, { connection: 'close' }).end();
      return;
    }
    const { method = 'GET', headers } = request;
    const answer = await this.#api.answer({ method, url, headers, body: body.toString() });
    if (answer.body === undefined) response.writeHead(answer.status, answer.headers).end();
    else {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(JSON.stringify(answer.body));
    }
  }

  async #drain(kind: DurableKind, name: string): Promise<void> {
    const { orchestrationTrigger, activityTrigger } = this.#functions;
    this.#functions[kind].delete(name);
    if (orchestrationTrigger.size + activityTrigger.size === 0) await this.#worker.drain();
    else await this.#worker.idle(name);
  }
}
