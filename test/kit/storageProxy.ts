import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { closeServer, passBack, passOn } from './passOn';

/** Requests since the proxy was made or reset. */
export interface RequestCounts {
  puts: number;
  gets: number;
  lists: number;
  others: number;
}

/** A proxy between storage clients and Azurite. */
export interface StorageProxy {
  /** The connection string of Azurite with this proxy's address. */
  readonly connectionString: string;
  readonly counts: Readonly<RequestCounts>;
  reset(): void;
  close(): Promise<void>;
}

/**
 * Starts a proxy that counts requests. It also implements the listing parameter `startFrom` of the real service, which Azurite
 * ignores: without it, delta-rs fails with "Invalid table version".
 */
export async function startStorageProxy(connectionString: string): Promise<StorageProxy> {
  const azuritePort = Number(/BlobEndpoint=http:\/\/[^:]+:(\d+)/.exec(connectionString)?.[1]);
  const agent = new Agent({ keepAlive: true });
  const counts: RequestCounts = { puts: 0, gets: 0, lists: 0, others: 0 };
  const reset = () => Object.assign(counts, { puts: 0, gets: 0, lists: 0, others: 0 });
  /** The `startFrom` of each unfinished listing, by the marker of its next page. The next request does not repeat it. */
  const goingOn = new Map<string, string>();
  const server = createServer((incoming, outgoing) => {
    const query = new URL(incoming.url ?? '/', 'http://localhost').searchParams;
    const isList = query.get('comp') === 'list';
    count(counts, incoming.method, isList);
    const startFrom = isList
      ? (query.get('startFrom') ?? goingOn.get(pageKey(query, query.get('marker'))))
      : undefined;
    passOn(incoming, outgoing, { agent, port: azuritePort }, (reply) => {
      if (startFrom !== undefined && reply.statusCode === 200) {
        void sendListFrom(startFrom, reply, outgoing).then((marker) => {
          if (marker !== '') goingOn.set(pageKey(query, marker), startFrom);
        });
      } else passBack(reply, outgoing);
    });
  });
  // Clients keep connections for a long time. If the proxy closed one, it would look like a failing store.
  server.keepAliveTimeout = 600_000;
  const port = await listenOnLoopback(server);
  return {
    connectionString: connectionString.replace(`:${azuritePort}/`, `:${port}/`),
    counts,
    reset,
    close: async () => {
      agent.destroy();
      await closeServer(server);
    },
  };
}

function count(counts: RequestCounts, method: string | undefined, isList: boolean): void {
  if (isList) counts.lists++;
  else if (method === 'PUT') counts.puts++;
  else if (method === 'GET') counts.gets++;
  else counts.others++;
}

const pageKey = (query: URLSearchParams, marker: string | null) =>
  JSON.stringify([query.get('prefix'), marker]);

/** Sends the listing without the blobs whose names sort before `startFrom`. Resolves to its next marker. */
async function sendListFrom(
  startFrom: string,
  reply: IncomingMessage,
  outgoing: ServerResponse,
): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of reply) chunks.push(chunk as Buffer);
  const before = Buffer.from(startFrom);
  const body = Buffer.concat(chunks)
    .toString()
    .replaceAll(/<Blob>.*?<\/Blob>/gs, (blob) => {
      const name = /<Name>(.*?)<\/Name>/s.exec(blob)?.[1] ?? '';
      return Buffer.compare(Buffer.from(unescapeXml(name)), before) < 0 ? '' : blob;
    });
  const headers = { ...reply.headers };
  delete headers['transfer-encoding'];
  outgoing.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) });
  outgoing.end(body);
  return unescapeXml(/<NextMarker>(.*?)<\/NextMarker>/s.exec(body)?.[1] ?? '');
}

const unescapeXml = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
