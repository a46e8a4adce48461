import { join } from 'node:path';
import { startAzurite } from '../../../local/azurite';
import { type HostProcess, startHostProcess, writeApp } from '../host/hostProcess';
import type { Engine } from './engine';

const functions = join(__dirname, '../../../dist/test/local/durable/app/functions.js');

export interface LocalEngineOptions {
  connectionString: string;
  /** Further code of the app. */
  source?: string;
  durableTask?: Record<string, unknown>;
}

/** An app with the orchestrators of the tests, of which any number of hosts can run. */
export function writeDurableApp({ source = '', durableTask = {}, connectionString }: LocalEngineOptions) {
  const folder = writeApp({
    source: `require(${JSON.stringify(functions)});\nconst df = require('durable-functions');\n${source}`,
    hostJson: { extensions: { durableTask: { hubName: 'tests', ...durableTask } } },
  });
  return {
    ...folder,
    start: (settings: Record<string, string> = {}, instance?: string) =>
      startHostProcess({
        dir: folder.dir,
        settings: {
          AzureWebJobsStorage: connectionString,
          AzureFunctionsWebHost__hostid: 'tests',
          ...settings,
        },
        ...(instance !== undefined && { instance }),
      }),
  };
}

/** One host of such an app, with a storage of its own. */
export async function startDurableHost(source: string) {
  const azurite = await startAzurite();
  const { connectionString } = azurite;
  const app = writeDurableApp({ connectionString, source });
  const host = await app.start();
  return {
    connectionString,
    dir: app.dir,
    host,
    engine: engineOf(host),
    async close() {
      await host.stop();
      app.remove();
      await azurite.close();
    },
  };
}

/** Runs orchestrations on a host, through the HTTP API. */
export function engineOf(host: HostProcess): Engine {
  const api = `${host.url}/runtime/webhooks/durabletask`;
  const send = async (method: string, path: string, body?: unknown, accepted = [202]) => {
    const answer = await fetch(`${api}/${path}`, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await answer.text();
    if (!accepted.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return {
    start: async (name, input) => (await send('POST', `orchestrators/${name}`, input)).body.id,
    status: async (id) => {
      const { status, body } = await send('GET', `instances/${id}`, undefined, [200, 202, 404]);
      if (status === 404) return undefined;
      return { status: body.runtimeStatus, output: body.output, customStatus: body.customStatus };
    },
    raise: async (id, event, input) =>
      void (await send('POST', `instances/${id}/raiseEvent/${event}`, input)),
    // 410 says that it is over already, which the package's client takes for success.
    terminate: async (id, reason) =>
      void (await send('POST', `instances/${id}/terminate?reason=${reason}`, undefined, [202, 410])),
    suspend: async (id) => void (await send('POST', `instances/${id}/suspend?reason=test`)),
    resume: async (id) => void (await send('POST', `instances/${id}/resume?reason=test`)),
    purge: async (id) => (await send('DELETE', `instances/${id}`, undefined, [200, 404, 412])).status === 200,
    close: async () => void (await host.stop()),
  };
}
