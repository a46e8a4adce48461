import { once } from 'node:events';
import { type Agent, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';

/** Passes a request on to a server on this machine. `take` gets its answer, which by default is passed back as it is. */
export function passOn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: { readonly port: number; readonly agent?: Agent },
  take = (reply: IncomingMessage) => passBack(reply, outgoing),
): void {
  const { method, url: path, headers } = incoming;
  const upstream = request({ host: '127.0.0.1', ...target, method, path, headers }, take);
  // The server went away, or the client did.
  upstream.on('error', () => outgoing.destroy());
  incoming.pipe(upstream);
}

export function passBack(reply: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
  reply.pipe(outgoing);
}

/** Ends a server with all its connections. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
