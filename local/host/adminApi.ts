import type { ServerResponse } from 'node:http';
import type { Trigger } from './trigger';

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
  async answer(method: string, path: string, response: ServerResponse): Promise<boolean> {
    if (method === 'GET' && path === '/admin/functions') {
      this.#sendFunctions(response);
      return true;
    }
    const [, name, state] = /^\/admin\/functions\/(.+?)(\/state)?$/.exec(path) ?? [];
    if (name === undefined) return false;
    if (method === 'PUT' && state !== undefined) await this.#disable(decodeURIComponent(name), response);
    else if (method === 'POST' && state === undefined) this.#trigger(decodeURIComponent(name), response);
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

  /** Stops a function's trigger until the host ends. Answers when the function is no longer running. */
  async #disable(name: string, response: ServerResponse): Promise<void> {
    const trigger = this.#options.triggers.get(name);
    if (!trigger) return sendJson(response, 404, { error: `There is no function ${name} to disable.` });
    this.#stopped.add(name);
    await trigger.drain();
    sendJson(response, 200, { name, state: 'disabled' });
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
