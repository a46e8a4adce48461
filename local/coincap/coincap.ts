import { createServer, type IncomingMessage } from 'node:http';
import { isRefused, listenOnLoopback } from '../../src/lib/sameMachine';
import { type Answer, errorAnswer, type Fault, faultAnswer, parseFault, sunsetAnswer } from './faults';
import { type AssetV3, openMarket } from './market';

export interface CoincapOptions {
  /** The TCP port; 0 takes a free one. */
  readonly port: number;
  /** The key that requests must carry. Without it, every request is served. */
  readonly key?: string;
  /** The seed of the prices. By default 1. */
  readonly seed?: number;
  /** Milliseconds since 1970; by default the clock. */
  readonly now?: () => number;
}

export interface Coincap {
  readonly port: number;
  readonly url: string;
  /** The number of requests for assets so far, including those that were answered with a fault. */
  readonly requests: number;
  /** Makes the next requests for assets fail, after the faults that are queued already. */
  fail(fault: Fault): void;
  close(): Promise<void>;
}

const asV3 = (assets: readonly AssetV3[], timestamp: number) => ({ timestamp, data: assets });

/** The assets in the form of version 2, which had no tokens. */
const asV2 = (assets: readonly AssetV3[], timestamp: number) => ({
  data: assets.map(({ tokens: _, ...asset }) => asset),
  timestamp,
});

/** Makes the answers of the simulated API. If an answer is `undefined`, the caller is kept waiting. */
class CoincapApi {
  requests = 0;
  readonly #key: string | undefined;
  readonly #now: () => number;
  readonly #lookUp: ReturnType<typeof openMarket>;
  readonly #faults: Fault[] = [];

  constructor({ key, seed = 1, now = Date.now }: CoincapOptions) {
    this.#key = key;
    this.#now = now;
    this.#lookUp = openMarket(seed, now());
  }

  fail(fault: Fault): void {
    this.#faults.push(fault);
  }

  answer(request: IncomingMessage): Answer | undefined {
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    if (!url) return errorAnswer(400, this.#now());
    const { pathname, searchParams } = url;
    const route = `${request.method} ${pathname}`;
    if (route === 'GET /v3/assets')
      return this.#answerAssets(searchParams, { isAllowed: this.#hasKey(request), form: asV3 });
    if (route === 'GET /2023/v2/assets')
      return this.#answerAssets(searchParams, { isAllowed: true, form: asV2 });
    if (route === 'GET /v2/assets') return sunsetAnswer(this.#now());
    if (route === 'POST /admin/fail') {
      const fault = parseFault(searchParams);
      if (typeof fault === 'string') return errorAnswer(400, this.#now(), fault);
      this.fail(fault);
      return { status: 200, body: JSON.stringify(fault) };
    }
    return errorAnswer(404, this.#now(), `${pathname.slice(1)} not found`);
  }

  #hasKey({ headers }: IncomingMessage): boolean {
    return this.#key === undefined || headers.authorization === `Bearer ${this.#key}`;
  }

  #answerAssets(
    query: URLSearchParams,
    { isAllowed, form }: { readonly isAllowed: boolean; readonly form: typeof asV2 | typeof asV3 },
  ): Answer | undefined {
    this.requests++;
    const now = this.#now();
    const fault = this.#nextFault();
    if (fault) return faultAnswer(fault, now);
    if (!isAllowed) return errorAnswer(401, now);
    const limit = readCount(query.get('limit'), 100);
    const offset = readCount(query.get('offset'), 0);
    if (limit === undefined || limit < 1 || limit > 2000)
      return errorAnswer(400, now, 'limit must be a number from 1 to 2000');
    if (offset === undefined) return errorAnswer(400, now, 'offset must be a number from 0');
    const assets = this.#lookUp(now).slice(offset, offset + limit);
    return { status: 200, body: JSON.stringify(form(assets, now)) };
  }

  #nextFault(): Fault | undefined {
    const fault = this.#faults.shift();
    const times = (fault?.times ?? 1) - 1;
    if (fault && times > 0) this.#faults.unshift({ ...fault, times });
    return fault;
  }
}

/**
 * Simulates the CoinCap API on this machine:
 *
 * - `GET /v3/assets?limit&offset` needs a bearer key.
 * - `/v2/assets` only answers that it was shut down.
 * - `/2023/v2/assets` is version 2 as it was before, without a key, for programs that were written for it.
 * - `POST /admin/fail?with=429&times=2&retryAfter=5` makes the next requests fail.
 *
 * Requests of web pages of other sites are refused.
 * @throws `PortInUseError`
 */
export async function startCoincap(options: CoincapOptions): Promise<Coincap> {
  const api = new CoincapApi(options);
  const server = createServer((request, response) => {
    request.resume();
    if (isRefused(request, response)) return;
    const found = api.answer(request);
    if (found)
      response
        .writeHead(found.status, { 'content-type': 'application/json', ...found.headers })
        .end(found.body);
  });
  const port = await listenOnLoopback(server, options.port);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get requests() {
      return api.requests;
    },
    fail: (fault) => api.fail(fault),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const readCount = (text: string | null, whenMissing: number): number | undefined => {
  if (text === null) return whenMissing;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
};
