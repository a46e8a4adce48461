import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { listenOnLoopback } from '../../../src/lib/sameMachine';

export interface SilentProxy {
  /** The connection string, through the proxy. */
  readonly connectionString: string;
  /** The number of matching requests so far, answered or not. */
  readonly matched: number;
  close(): Promise<void>;
}

export interface SilentProxyOptions {
  readonly azurite: { readonly blobPort: number; readonly connectionString: string };
  /** Selects requests by `METHOD path?query` and by the lease action in their headers. */
  readonly match: (line: string, leaseAction: string | undefined) => boolean;
  /** How many of the matching requests never get an answer, nor reach the storage. */
  readonly silent: number;
}

/** Starts a proxy before the storage emulator that never answers the first of some requests. */
export async function startSilentProxy({ azurite, match, silent }: SilentProxyOptions): Promise<SilentProxy> {
  let matched = 0;
  const server = createServer({ requestTimeout: 0 }, (incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    const action = headers['x-ms-lease-action'];
    if (match(`${method} ${path}`, typeof action === 'string' ? action : undefined)) {
      matched += 1;
      if (matched <= silent) return;
    }
    const upstream = request(
      { host: '127.0.0.1', port: azurite.blobPort, method, path, headers },
      (reply) => {
        outgoing.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
        reply.pipe(outgoing);
      },
    );
    // The storage went away, or the client did.
    upstream.on('error', () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  const port = await listenOnLoopback(server);
  return {
    connectionString: azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${port}/`),
    get matched() {
      return matched;
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
