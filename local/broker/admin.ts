import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { isRefused, listenOnLoopback } from '../../src/lib/sameMachine';
import type { Broker } from './broker';

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

type Answer = { status: number; body: unknown };

/**
 * Serves the broker's state and commands over HTTP, on loopback, but not to web pages of other sites:
 *
 * - `GET /health`: `{"status":"healthy"}`, as the official emulator answers.
 * - `GET /stats`: the broker's stats.
 * - `POST /hubs/{name}/recreate`: deletes the hub and makes it again.
 * - `POST /hubs/{name}/truncate?partition=P&before=SEQUENCE`: expires events.
 *
 * @param port 0 takes any free port.
 * @throws `PortInUseError`
 */
export async function startAdmin(broker: Broker, port: number): Promise<AdminServer> {
  const server = createServer((request, response) => {
    if (isRefused(request, response)) return;
    const { status, body } = answer(broker, request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  });
  return {
    port: await listenOnLoopback(server, port),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(broker: Broker, request: IncomingMessage): Answer {
  const url = URL.parse(request.url ?? '/', 'http://broker');
  if (!url) return { status: 400, body: { error: 'The path is malformed.' } };
  const route = `${request.method} ${url.pathname}`;
  if (route === 'GET /health') return { status: 200, body: { status: 'healthy' } };
  if (route === 'GET /stats') return { status: 200, body: broker.stats() };
  const [, hub, action] = /^POST \/hubs\/([^/]+)\/(recreate|truncate)$/.exec(route) ?? [];
  if (hub === undefined) return { status: 404, body: { error: `there is no ${route}` } };
  if (action === 'recreate') {
    return broker.recreateHub(hub)
      ? { status: 200, body: broker.stats().hubs }
      : { status: 404, body: { error: `there is no hub ${hub}` } };
  }
  const partitionId = url.searchParams.get('partition') ?? '';
  const before = url.searchParams.get('before') ?? '';
  if (!/^\d{1,15}$/.test(before)) {
    return { status: 400, body: { error: `before must be a sequence number, found '${before}'` } };
  }
  return broker.truncate(hub, partitionId, Number(before))
    ? { status: 200, body: broker.stats().hubs }
    : { status: 404, body: { error: `there is no partition '${partitionId}' of a hub ${hub}` } };
}
