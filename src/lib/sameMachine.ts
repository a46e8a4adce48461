import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:net';

/*
 * Protects servers that are only for this machine. They listen on loopback, which keeps other machines away, but not web pages: the browser
 * of this machine sends a page's requests to loopback too. Such requests are recognised by headers that a page cannot change:
 *
 * | The page                                            | Its requests have                                    |
 * |-----------------------------------------------------|------------------------------------------------------|
 * | calls http://127.0.0.1:PORT with a script or a form | an Origin that is another site's, or `null`          |
 * | shows it as a picture, a script or a frame          | no Origin, but `Sec-Fetch-Site: cross-site`          |
 * | has a name that its owner now points to 127.0.0.1   | the page's own name as Host ("DNS rebinding")        |
 *
 * Programs such as curl and SDKs send neither Origin nor Sec-Fetch-Site. A link that a person follows to a page here is allowed.
 */

/** The names of loopback, as `URL.hostname` and browsers spell them. */
const names = ['127.0.0.1', 'localhost', '[::1]'];

/** @param hostname without a port */
export const isThisMachine = (hostname: string): boolean => names.includes(hostname.toLowerCase());

/** Another server listens on the port. */
export class PortInUseError extends Error {
  readonly port: number;

  /** @param flag the flag that chooses another port, without dashes */
  constructor(port: number, flag?: string) {
    super(
      `Port ${port} on 127.0.0.1 is in use${flag === undefined ? '' : `: choose another with --${flag}`}.`,
    );
    this.port = port;
  }
}

/** Makes a function for `catch` that throws the error again; if a port is in use, with the flag that chooses another, without dashes. */
export const namingFlag =
  (flag: string) =>
  (error: unknown): never => {
    throw error instanceof PortInUseError ? new PortInUseError(error.port, flag) : error;
  };

/**
 * Lets a server listen on loopback. Resolves to its TCP port; 0 takes a free one.
 * @throws `PortInUseError`
 */
export async function listenOnLoopback(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  return untilListening(server);
}

/** As `listenOnLoopback`, for a server of a library, which was told to listen there already. */
export function untilListening(server: Server): Promise<number> {
  return new Promise((done, reject) => {
    const fail = (error: NodeJS.ErrnoException & { readonly port?: number }) =>
      reject(error.code === 'EADDRINUSE' ? new PortInUseError(error.port ?? 0) : error);
    server.once('error', fail);
    server.once('listening', () => {
      server.off('error', fail);
      const address = server.address();
      done(typeof address === 'object' && address ? address.port : 0);
    });
  });
}

/** If a web page of another site may have made a request, answers it with 403 and a sentence that says why. Returns whether it did. */
export function isRefused({ headers }: IncomingMessage, response: ServerResponse): boolean {
  const reason = whyRefused(headers);
  if (reason === undefined) return false;
  response.writeHead(403, { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' });
  response.end(`${reason}\n`);
  return true;
}

function whyRefused(headers: IncomingHttpHeaders): string | undefined {
  if (!isHostHere(headers.host))
    return 'The Host header must be 127.0.0.1, localhost or [::1], with any port: call this server by one of these names.';
  if (headers.origin !== undefined)
    return isOriginHere(headers.origin)
      ? undefined
      : 'A web page of another site may not call this server. The Origin header must be one of 127.0.0.1, localhost or [::1], or be left out.';
  if (headers['sec-fetch-site'] !== 'cross-site' || isFollowedLink(headers)) return undefined;
  return 'A web page of another site may not load anything from this server. Open the address by itself.';
}

/** @param host with or without a port */
export const isHostHere = (host = ''): boolean => isThisMachine(host.replace(/:\d{1,5}$/, ''));

/** Whether an Origin is on this machine. A page on any port of loopback was made by somebody on this machine. */
function isOriginHere(origin: string): boolean {
  const [, host] = /^https?:\/\/(.+)$/.exec(origin) ?? [];
  return isHostHere(host);
}

/**
 * Whether a request comes from a link that a person followed. A form has the same headers, but also an Origin; a frame has another
 * destination.
 */
const isFollowedLink = (headers: IncomingHttpHeaders): boolean =>
  headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
