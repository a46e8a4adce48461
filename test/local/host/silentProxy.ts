import { createServer } from 'node:http';
import { listenOnLoopback } from '../../../src/lib/sameMachine';
import { closeServer, passOn } from '../../kit/passOn';

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
    passOn(incoming, outgoing, { port: azurite.blobPort });
  });
  const port = await listenOnLoopback(server);
  return {
    connectionString: azurite.connectionString.replace(`:${azurite.blobPort}/`, `:${port}/`),
    get matched() {
      return matched;
    },
    close: () => closeServer(server),
  };
}
