import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What can go wrong with one request. "Before" and "after" say whether the server has carried it out:
 *
 * - `delay`: it takes up to half a second longer.
 * - `dropBefore`, `dropAfter`: the connection ends without an answer.
 * - `silentBefore`, `silentAfter`: the connection stays, and no answer ever comes.
 * - `error500`, `error503`: the answer is an error, and nothing was carried out.
 * - `error500After`: the answer is an error although it was carried out.
 */
const weights = {
  delay: 28,
  dropBefore: 20,
  dropAfter: 20,
  silentBefore: 0.5,
  silentAfter: 0.5,
  error500: 10,
  error503: 11,
  error500After: 10,
} as const;

export type FaultKind = keyof typeof weights;

export interface FaultProxyOptions {
  /** Where the HTTP server is, on 127.0.0.1. */
  readonly targetPort: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

export interface FaultProxy {
  readonly port: number;
  /** Which part of the requests fails; 0 until it is set. */
  rate: number;
  readonly requests: number;
  /** How often what was injected. */
  readonly injected: Readonly<Record<FaultKind, number>>;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1 that spoils a part of the requests on their way. */
export async function startFaultProxy({ targetPort, random }: FaultProxyOptions): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true });
  const injected = Object.fromEntries(Object.keys(weights).map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >;
  const state = { rate: 0, requests: 0 };
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (incoming, outgoing) => {
    state.requests++;
    const kind = random() < state.rate ? draw(random) : undefined;
    if (kind) injected[kind]++;
    serve({ incoming, outgoing, kind, agent, targetPort, delayMs: 20 + random() * 480 }).catch(() =>
      // The server went away, or the client did: to the client both is a connection that ends.
      outgoing.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    injected,
    get requests() {
      return state.requests;
    },
    get rate() {
      return state.rate;
    },
    set rate(rate: number) {
      state.rate = rate;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

function draw(random: () => number): FaultKind {
  const kinds = Object.entries(weights) as [FaultKind, number][];
  let left = random() * kinds.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of kinds) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'delay';
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly kind: FaultKind | undefined;
  readonly agent: Agent;
  readonly targetPort: number;
  readonly delayMs: number;
}

async function serve(exchange: Exchange): Promise<void> {
  const { incoming, outgoing, kind, delayMs } = exchange;
  const body = await readAll(incoming);
  if (kind === 'delay') await sleep(delayMs);
  if (kind === 'dropBefore') return void outgoing.destroy();
  if (kind === 'silentBefore') return;
  if (kind === 'error500') return answerError(outgoing, 500, 'InternalError');
  if (kind === 'error503') return answerError(outgoing, 503, 'ServerBusy');
  const answer = await forward(exchange, body);
  if (kind === 'dropAfter') return void outgoing.destroy();
  if (kind === 'silentAfter') return;
  if (kind === 'error500After') return answerError(outgoing, 500, 'OperationTimedOut');
  outgoing.writeHead(answer.status, answer.rawHeaders).end(answer.body);
}

async function forward(
  { incoming, agent, targetPort }: Exchange,
  body: Buffer,
): Promise<{ status: number; rawHeaders: string[]; body: Buffer }> {
  const { method = 'GET', url = '/', headers } = incoming;
  const upstream = request({ host: '127.0.0.1', port: targetPort, agent, method, path: url, headers });
  upstream.end(body);
  const [reply] = (await once(upstream, 'response')) as [IncomingMessage];
  const { statusCode = 502, rawHeaders } = reply;
  return { status: statusCode, rawHeaders, body: await readAll(reply) };
}

/** As the storage service says it. */
function answerError(outgoing: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>Injected.</Message></Error>`;
  outgoing.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code }).end(body);
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
