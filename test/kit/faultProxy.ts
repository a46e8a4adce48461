import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOnLoopback } from '../../src/lib/sameMachine';
import { closeServer } from './passOn';

/**
 * The faults of a request. "Before" and "after" say whether the server has carried out the request:
 *
 * - `delay`: it takes up to half a second longer.
 * - `dropBefore`, `dropAfter`: the connection ends without an answer.
 * - `silentBefore`, `silentAfter`: the connection stays, and no answer ever comes.
 * - `error500`, `error503`: the answer is an error, and nothing was carried out.
 * - `error500After`: the answer is an error although it was carried out.
 * - `late`: the connection stays silent, and the write reaches the server long after its client has given up.
 */
const weights = {
  delay: 22,
  dropBefore: 20,
  dropAfter: 20,
  silentBefore: 0.5,
  silentAfter: 0.5,
  error500: 10,
  error503: 11,
  error500After: 10,
  late: 6,
} as const;

/** Longer than our clients wait for an answer. */
const usualLateMs = 12_000;

export type FaultKind = keyof typeof weights;

export interface FaultProxyOptions {
  /** The port of the HTTP server on 127.0.0.1. */
  readonly targetPort: number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** The delay of late writes in milliseconds; by default 12 s. */
  readonly lateMs?: number;
  /** If given, only writes to these URLs may be late. */
  readonly lateUrl?: RegExp;
}

export interface FaultProxy {
  readonly port: number;
  /** The share of requests that fail; 0 until it is set. */
  rate: number;
  readonly requests: number;
  /** How often each fault was injected. */
  readonly injected: Readonly<Record<FaultKind, number>>;
  /** Holds writes to these URLs back until they are released, without a fault. */
  hold(url: RegExp): HeldWrites;
  /** Resolves when all late writes have arrived. */
  landed(): Promise<void>;
  /** Closes the proxy. Late writes that have not arrived yet are dropped. */
  close(): Promise<void>;
}

export interface HeldWrites {
  /** The number of writes held back so far. */
  readonly count: number;
  release(): void;
}

/** Starts a proxy on a free port of 127.0.0.1 that makes a share of the requests fail. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new SpoilingProxy(options);
  await proxy.listen();
  return proxy;
}

interface Held {
  readonly url: RegExp;
  count: number;
  readonly released: Promise<void>;
}

class SpoilingProxy implements FaultProxy {
  port = 0;
  rate = 0;
  requests = 0;
  readonly injected = Object.fromEntries(Object.keys(weights).map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >;
  readonly #options: FaultProxyOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #closing = new AbortController();
  /** Late writes that have not arrived yet. */
  readonly #late = new Set<Promise<unknown>>();
  #held: Held | undefined;
  readonly #server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (incoming, outgoing) =>
    this.#take(incoming, outgoing),
  );

  constructor(options: FaultProxyOptions) {
    this.#options = options;
  }

  async listen(): Promise<void> {
    await listenOnLoopback(this.#server);
    this.port = (this.#server.address() as AddressInfo).port;
  }

  hold(url: RegExp): HeldWrites {
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const held: Held = { url, count: 0, released };
    this.#held = held;
    return {
      get count() {
        return held.count;
      },
      release: () => {
        if (this.#held === held) this.#held = undefined;
        resolve();
      },
    };
  }

  async landed(): Promise<void> {
    while (this.#late.size > 0) await Promise.all(this.#late);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const closed = closeServer(this.#server);
    this.#agent.destroy();
    await closed;
  }

  #take(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { targetPort, random, lateMs = usualLateMs } = this.#options;
    this.requests++;
    const kind = random() < this.rate ? draw(random, this.#mayBeLate(incoming)) : undefined;
    if (kind) this.injected[kind]++;
    const delayMs = kind === 'late' ? lateMs : 20 + random() * 480;
    const released = this.#holdBack(incoming);
    const { signal } = this.#closing;
    const exchange = { incoming, outgoing, kind, agent: this.#agent, targetPort, delayMs, signal, released };
    const served = serve(exchange).catch(() =>
      // The server or the client has closed the connection. For the client, both look like a closed connection.
      outgoing.destroy(),
    );
    if (kind !== 'late') return;
    this.#late.add(served);
    void served.finally(() => this.#late.delete(served));
  }

  /** Whether a request may be late. Only writes may, because a late read would be the same as a silent one. */
  #mayBeLate(incoming: IncomingMessage): boolean {
    const { lateUrl = /^/ } = this.#options;
    return !isRead(incoming) && lateUrl.test(incoming.url ?? '');
  }

  /** The promise that a held write must wait for; undefined if it is not held. */
  #holdBack(incoming: IncomingMessage): Promise<void> | undefined {
    const held = this.#held;
    if (!held || isRead(incoming) || !held.url.test(incoming.url ?? '')) return undefined;
    held.count++;
    return held.released;
  }
}

const isRead = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD';

function draw(random: () => number, mayBeLate: boolean): FaultKind {
  const all = Object.entries(weights) as [FaultKind, number][];
  const kinds = mayBeLate ? all : all.filter(([kind]) => kind !== 'late');
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
  readonly signal: AbortSignal;
  readonly released: Promise<void> | undefined;
}

async function serve(exchange: Exchange): Promise<void> {
  const { incoming, outgoing, kind, delayMs, signal, released } = exchange;
  const body = await readAll(incoming);
  await released;
  if (kind === 'delay' || kind === 'late') await sleep(delayMs, undefined, { signal });
  if (kind === 'dropBefore') return void outgoing.destroy();
  if (kind === 'silentBefore') return;
  if (kind === 'error500') return answerError(outgoing, 500, 'InternalError');
  if (kind === 'error503') return answerError(outgoing, 503, 'ServerBusy');
  const answer = await forward(exchange, body);
  if (kind === 'dropAfter') return void outgoing.destroy();
  if (kind === 'silentAfter' || kind === 'late') return;
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

/** Answers an error in the form of the storage service. */
function answerError(outgoing: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>Injected.</Message></Error>`;
  outgoing.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code }).end(body);
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
