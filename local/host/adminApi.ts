import type { IncomingMessage, ServerResponse } from 'node:http';
import { jsonValue } from '../../src/lib/jsonObject';
import { readBody } from './httpTrigger';
import type { Trigger } from './trigger';

/** The body of a request for a state is much smaller than this. */
const maxBodyBytes = 1024;

/** The states of a function that the real host knows. */
const functionStates = ['enabled', 'disabled'] as const;
type FunctionState = (typeof functionStates)[number];

/** For each type of trigger, the member of the status with the state of its triggers. */
const statusKeys: Readonly<Record<string, string>> = {
  timerTrigger: 'timers',
  eventHubTrigger: 'eventHubs',
};

export interface AdminApiOptions {
  triggers: ReadonlyMap<string, Trigger>;
  /** The names of all functions with the type of their trigger. */
  functions(): [name: string, type: string | undefined][];
  /** Whether this process runs the function. It does not if the function is disabled, or belongs to another scale group. */
  runsHere(name: string): boolean;
  /** Whether a setting disables the function. */
  isDisabled(name: string): boolean;
  /** Further parts of the status: `host` comes before the functions, `running` after them. */
  about(): { host: Record<string, unknown>; running: string[] };
}

/** The host's own endpoints under /admin: its status, and endpoints to run or stop functions by hand. */
export class AdminApi {
  readonly #options: AdminApiOptions;
  /** The functions that were stopped by hand. */
  readonly #stopped = new Set<string>();

  constructor(options: AdminApiOptions) {
    this.#options = options;
  }

  sendStatus(response: ServerResponse): void {
    const { triggers, functions, runsHere, about } = this.#options;
    const { host, running } = about();
    const states = (kind: string) =>
      functions().flatMap(([name, type]) => {
        const trigger = type === kind ? triggers.get(name) : undefined;
        return trigger ? [[name, trigger.status?.() ?? {}]] : [];
      });
    sendJson(response, 200, {
      ...host,
      functions: functions().map(([name, type]) => ({
        name,
        type,
        ...(!runsHere(name) && { isDisabled: true }),
      })),
      running,
      ...Object.fromEntries(
        Object.entries(statusKeys).map(([kind, key]) => [key, Object.fromEntries(states(kind))]),
      ),
    });
  }

  /** Answers a request for one function or for all. Returns false if the request is for something else. */
  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { method } = request;
    if (method === 'GET' && path === '/admin/functions') {
      this.#sendFunctions(response);
      return true;
    }
    const [, name, state] = /^\/admin\/functions\/(.+?)(\/state)?$/.exec(path) ?? [];
    if (name === undefined) return false;
    if (method === 'PUT' && state !== undefined) {
      const wanted = readState(await readBody(request, maxBodyBytes));
      await this.#setState(decodeURIComponent(name), wanted, response);
    } else if (method === 'POST' && state === undefined) this.#trigger(decodeURIComponent(name), response);
    else return false;
    return true;
  }

  /** Sends the list of functions. The real host tells more about each; this one tells its name and whether it is disabled. */
  #sendFunctions(response: ServerResponse): void {
    const { functions, isDisabled } = this.#options;
    const listed = functions().map(([name]) => ({
      name,
      isDisabled: isDisabled(name) || this.#stopped.has(name),
    }));
    sendJson(response, 200, listed);
  }

  /** Runs a function by hand. As in the real host, the answer does not wait for the function. */
  #trigger(name: string, response: ServerResponse): void {
    const trigger = this.#options.triggers.get(name);
    if (!trigger) sendJson(response, 404, { error: `There is no function ${name} to trigger by hand.` });
    else if (!trigger.runNow) sendJson(response, 400, { error: `${name} cannot be triggered by hand.` });
    else {
      void trigger.runNow();
      response.writeHead(202).end();
    }
  }

  /**
   * Brings a function into a state.
   *
   * | the state | |
   * |---|---|
   * | disabled | stops the function's trigger until the host ends, and answers when the function is no longer running |
   * | enabled | changes nothing, and is refused if the function was stopped: a stopped trigger cannot start again in this host |
   */
  async #setState(name: string, state: FunctionState | undefined, response: ServerResponse): Promise<void> {
    const trigger = this.#options.triggers.get(name);
    if (!trigger) return sendJson(response, 404, { error: `There is no function ${name} that runs here.` });
    if (state === undefined) {
      const accepted = functionStates.map((each) => JSON.stringify({ state: each })).join(' or ');
      return sendJson(response, 400, { error: `The body must be ${accepted}.` });
    }
    if (state === 'disabled') {
      this.#stopped.add(name);
      await trigger.drain();
    } else if (this.#stopped.has(name))
      return sendJson(response, 409, { error: `Only a new start of the host enables ${name} again.` });
    sendJson(response, 200, { name, state });
  }
}

/** The state that a body asks for; undefined if it is none that the host knows. */
function readState(body: Buffer | undefined): FunctionState | undefined {
  const { state } = (jsonValue(String(body)) ?? {}) as { readonly state?: unknown };
  return functionStates.find((each) => each === state);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
