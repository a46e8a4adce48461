import { randomUUID } from 'node:crypto';
import { inParallel } from '../../src/lib/inParallel';
import {
  type ApiAnswer,
  type ApiRequest,
  decode,
  isTrue,
  readBody,
  readFilter,
  readTop,
  refused,
  statusOptions,
  wrong,
} from './apiRequest';
import { managementPath, managementUrls } from './clientPayload';
import { finish, type Instance, isFinished, newInstance, type RuntimeStatus } from './instance';
import type { Instances } from './instances';
import { whyTooLarge } from './limits';
import { statusPayload } from './statusPayload';
import type { TaskHub } from './taskHub';
import { unknownFunction } from './turns';

export interface ManagementApiOptions {
  hub: TaskHub;
  instances: Instances;
  /** Names of all orchestrators of the app. */
  orchestrators: () => string[];
  defaultVersion: string | undefined;
  /** Called after an instance was changed. */
  changed: (id: string) => void;
}

type Handler = (request: ApiRequest, parts: string[]) => Promise<ApiAnswer>;

const pageSize = 100;
const notJson = 'Invalid JSON content';

/** The HTTP API through which clients start, watch and manage orchestrations, with the status codes of Durable Functions. */
export class ManagementApi {
  readonly #options: ManagementApiOptions;
  readonly #routes: readonly [method: string, path: RegExp, Handler][];

  constructor(options: ManagementApiOptions) {
    this.#options = options;
    const refuse =
      (feature: string): Handler =>
      async () =>
        refused(feature);
    this.#routes = [
      ['POST', /^orchestrators\/([^/]+)(?:\/([^/]+))?$/, (request, parts) => this.#start(request, parts)],
      ['GET', /^instances$/, (request) => this.#list(request)],
      ['DELETE', /^instances$/, (request) => this.#purgeAll(request)],
      ['GET', /^instances\/([^/]+)$/, (request, parts) => this.#status(request, parts)],
      ['DELETE', /^instances\/([^/]+)$/, (_, parts) => this.#purge(parts)],
      ['POST', /^instances\/([^/]+)\/raiseEvent\/([^/]+)$/i, (request, parts) => this.#raise(request, parts)],
      [
        'POST',
        /^instances\/([^/]+)\/(terminate|suspend|resume)$/i,
        (request, parts) => this.#steer(request, parts),
      ],
      ['POST', /^instances\/[^/]+\/rewind$/i, refuse('rewind')],
      ['POST', /^instances\/[^/]+\/restart$/i, refuse('restart')],
      ['GET', /^entities(\/|$)/, refuse('entities')],
      ['POST', /^entities(\/|$)/, refuse('entities')],
    ];
  }

  async answer(request: ApiRequest): Promise<ApiAnswer> {
    const path = request.url.pathname.slice(managementPath.length).replace(/^\/+|\/+$/g, '');
    const hub = request.url.searchParams.get('taskHub');
    if (hub !== null && hub.toLowerCase() !== this.#options.hub.name.toLowerCase())
      return wrong(`There is no task hub ${hub} here; this app's is ${this.#options.hub.name}.`);
    for (const [method, pattern, handler] of this.#routes) {
      const match = method === request.method ? pattern.exec(path) : null;
      if (match)
        return handler(
          request,
          match.slice(1).map((part) => part && decode(part)),
        );
    }
    return { status: 404 };
  }

  async #start(
    request: ApiRequest,
    [name = '', id = randomUUID().replaceAll('-', '')]: string[],
  ): Promise<ApiAnswer> {
    const { hub, instances, orchestrators, defaultVersion, changed } = this.#options;
    const query = request.url.searchParams;
    if (query.has('timeout'))
      return refused('waiting for the end of an orchestration in the request that starts it');
    const known = orchestrators();
    if (!known.includes(name)) return wrong(unknownFunction(name, 'orchestrator', known));
    if (!/^[^@/\\#?\p{Cc}][^/\\#?\p{Cc}]{0,99}$/u.test(id))
      return wrong(
        'The id of an instance has 1 to 100 characters, does not begin with @, and has none of / \\ # ? nor control characters.',
      );
    const input = readBody(request.body);
    if (input === undefined) return wrong(notJson);
    const tooLarge = whyTooLarge(input, 'The input of the orchestration');
    if (tooLarge !== undefined) return wrong(tooLarge);
    const version = query.get('version') ?? defaultVersion;
    const now = new Date(hub.now()).toISOString();
    const instance = newInstance({ id, name, version, input }, now);
    if (!(await instances.create(instance, isFinished)))
      return {
        status: 500,
        body: { Message: `An Orchestration instance with the id ${id} already exists and is not over.` },
      };
    changed(id);
    const urls = managementUrls(request.url.origin, hub.name, encodeURIComponent(id));
    const headers = { location: urls.statusQueryGetUri ?? '', 'retry-after': '10' };
    return { status: 202, headers, body: { ...urls, id } };
  }

  async #status({ url }: ApiRequest, [id = '']: string[]): Promise<ApiAnswer> {
    const stored = await this.#options.hub.read(id);
    if (!stored) return { status: 404 };
    const { instance } = stored;
    const body = statusPayload(instance, statusOptions(url));
    if (!isFinished(instance))
      return { status: 202, headers: { location: url.href, 'retry-after': '5' }, body };
    const fails = instance.status === 'Failed' && isTrue(url, 'returnInternalServerErrorOnFailure');
    return { status: fails ? 500 : 200, body };
  }

  async #list({ url, headers }: ApiRequest): Promise<ApiAnswer> {
    const top = readTop(url) ?? pageSize;
    const after = decode(String(headers['x-ms-continuation-token'] ?? ''));
    const isWanted = readFilter(url);
    const found: Instance[] = [];
    const ids = (await this.#options.hub.list()).map(({ id }) => id).sort();
    const rest = ids.filter((id) => id > after);
    while (rest.length > 0 && found.length < top) {
      const stored = await inParallel(rest.splice(0, top - found.length), 8, (id) =>
        this.#options.hub.read(id),
      );
      found.push(...stored.flatMap((one) => (one && isWanted(one.instance) ? [one.instance] : [])));
    }
    const last = rest.length > 0 ? found.at(-1)?.id : undefined;
    return {
      status: 200,
      ...(last !== undefined && { headers: { 'x-ms-continuation-token': encodeURIComponent(last) } }),
      body: found.map((instance) => statusPayload(instance, { ...statusOptions(url), showHistory: false })),
    };
  }

  async #purge([id = '']: string[]): Promise<ApiAnswer> {
    const stored = await this.#options.hub.read(id);
    if (!stored) return { status: 404 };
    const { status } = stored.instance;
    if (!isFinished(stored.instance))
      return {
        status: 412,
        body: `Only orchestrations in a terminal state can be purged, but ${id} has the status ${status}.`,
      };
    return { status: 200, body: { instancesDeleted: (await this.#options.hub.remove(stored)) ? 1 : 0 } };
  }

  async #purgeAll({ url }: ApiRequest): Promise<ApiAnswer> {
    const { hub } = this.#options;
    if (!url.searchParams.has('createdTimeFrom'))
      return wrong("Please provide value for 'createdTimeFrom' parameter.");
    const isWanted = readFilter(url);
    const removed = await inParallel(await hub.list(), 8, async ({ id }) => {
      const stored = await hub.read(id);
      return stored && isFinished(stored.instance) && isWanted(stored.instance) && (await hub.remove(stored));
    });
    const instancesDeleted = removed.filter(Boolean).length;
    return instancesDeleted === 0 ? { status: 404 } : { status: 200, body: { instancesDeleted } };
  }

  #raise({ body }: ApiRequest, [id = '', name = '']: string[]): Promise<ApiAnswer> {
    const input = readBody(body);
    const problem = input === undefined ? notJson : whyTooLarge(input, 'The event');
    if (problem !== undefined) return Promise.resolve(wrong(problem));
    return this.#change(id, (instance) => ({
      ...instance,
      inbox: [...instance.inbox, { type: 'eventRaised', name, input }],
    }));
  }

  #steer({ url }: ApiRequest, [id = '', how = '']: string[]): Promise<ApiAnswer> {
    const reason = url.searchParams.get('reason');
    const now = new Date(this.#options.hub.now()).toISOString();
    const begun = (instance: Instance): RuntimeStatus =>
      instance.history.length > 0 ? 'Running' : 'Pending';
    return this.#change(id, (instance) => {
      if (how.toLowerCase() === 'terminate') return finish(instance, 'Terminated', reason, now);
      if (how.toLowerCase() === 'suspend') return { ...instance, status: 'Suspended', updatedAt: now };
      return instance.status === 'Suspended'
        ? { ...instance, status: begun(instance), updatedAt: now }
        : instance;
    });
  }

  /** Changes an instance that is not finished. */
  async #change(id: string, change: (instance: Instance) => Instance): Promise<ApiAnswer> {
    let status = 404;
    await this.#options.instances.change(id, (instance) => {
      status = isFinished(instance) ? 410 : 202;
      return status === 410 ? undefined : change(instance);
    });
    if (status === 202) this.#options.changed(id);
    return { status };
  }
}
