/*
 * The page's requests to the API. The types are those of docs/openapi.yaml; answers are not validated, because they come from the
 * same app as this page.
 */

export interface Product {
  readonly productid: number;
  readonly name?: string;
  readonly category: number | null;
  readonly clicks: number;
}

/** All products that are not counted on their own, taken together. */
export interface Other {
  readonly clicks: number;
  readonly atMost: number;
}

/** What every answer says about the table that it counts, and about its window if it has one. */
export interface Counted {
  readonly version: number;
  readonly asOf: string | null;
  readonly from?: string;
  readonly to?: string;
}

export interface Totals extends Counted {
  readonly total: number;
  readonly products: readonly Product[];
  readonly other?: Other;
}

export type ProductClicks = Product & Counted;

export interface Categories {
  readonly total: number;
  readonly categories: readonly { readonly category: number | null; readonly clicks: number }[];
  readonly other?: Other;
}

export interface Bucket {
  readonly from: string;
  readonly clicks: number;
}

export interface History {
  /** `lake` if some of its rows were counted in the table's files. */
  readonly source: 'counts' | 'lake';
  readonly total: number;
  readonly buckets: readonly Bucket[];
}

/** Clicks in a time, compared with those in an earlier time. */
export interface Trending extends Counted {
  readonly total: number;
  readonly totalBefore: number;
  /** The earlier time, if it was asked for. */
  readonly beforeFrom?: string;
  readonly beforeTo?: string;
  readonly products: readonly (Product & { readonly before: number; readonly change: number })[];
  readonly other?: Other & { readonly before: number };
}

/** The newest values of an asset. */
export interface Asset {
  readonly id: string;
  readonly asset_rank: number | null;
  readonly symbol: string | null;
  readonly asset_name: string | null;
  readonly priceUsd: number | null;
  readonly changePercent24Hr: number | null;
  readonly runtime_timestamp: string;
}

export interface Assets extends Counted {
  /** False if there are more of them. */
  readonly complete: boolean;
  readonly assets: readonly Asset[];
}

export interface AssetHistory {
  readonly from: string;
  readonly to: string;
  readonly buckets: readonly { readonly from: string; readonly priceUsd: number | null }[];
}

/** The app's report about a stream, as far as the page shows it. */
export interface StreamHealth {
  readonly stream: string;
  readonly status: 'ok' | 'degraded' | 'failing';
  readonly lastCommit: string | null;
  readonly waiting: number | null;
  readonly lettersLastHour: number | null;
  readonly partitions: readonly { readonly stuckSince?: string }[];
  readonly failures: readonly { readonly code: string; readonly since: string }[];
}

export interface Health {
  readonly error?: string;
  readonly streams: readonly StreamHealth[];
  readonly warehouse: {
    readonly kind: string;
    readonly status: 'ok' | 'degraded';
    readonly error?: string;
    readonly tables: readonly {
      readonly table: string;
      readonly secondsBehind: number | null;
      readonly needsRebuild: boolean;
    }[];
  };
}

/** The API refused the key, or none was given. */
export class KeyNeeded extends Error {}

/** The API answered with a problem. The error's message is the problem's detail. */
export class ApiProblem extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** Whether the API says that counting in the table's files would take too much, or took too long. */
export const isTooMuch = ({ status }: ApiProblem): boolean => status === 400 || status === 503;

export interface Reply<T> {
  readonly data: T;
  /** False if the answer is the same as the last one. */
  readonly changed: boolean;
  /** The server's clock, in milliseconds since 1970. */
  readonly serverNow: number;
}

const patienceMs = 10_000;
/** How long to wait for answers that the app reads from the table's files. The app gives up after 20 s. */
export const longPatienceMs = 30_000;

/** @param path relative to the page */
async function ask(
  path: string,
  key: string,
  wanted: Record<string, string>,
  limitMs = patienceMs,
): Promise<Response> {
  const headers = new Headers(wanted);
  if (key !== '') headers.set('x-functions-key', key);
  const signal = AbortSignal.timeout(limitMs);
  const reply = await fetch(path, { headers, cache: 'no-store', credentials: 'omit', signal });
  if (reply.status === 401 || reply.status === 403) throw new KeyNeeded();
  if (!reply.ok && reply.status !== 304) throw new ApiProblem(reply.status, await detailOf(reply));
  return reply;
}

async function detailOf(reply: Response): Promise<string> {
  try {
    const { detail } = (await reply.json()) as { detail?: unknown };
    return typeof detail === 'string' ? detail : '';
  } catch {
    return '';
  }
}

/** Asks for the app's health. This needs no key. If something fails, the answer has an error status. */
export async function askHealth(): Promise<Health> {
  const signal = AbortSignal.timeout(patienceMs);
  const reply = await fetch('health', { cache: 'no-store', credentials: 'omit', signal });
  return (await reply.json()) as Health;
}

/** Asks for an answer as CSV. */
export const askCsv = async (path: string, key: string): Promise<string> =>
  (await ask(path, key, { Accept: 'text/csv' })).text();

/** Asks for one resource again and again, and sends the ETag of the last answer. */
export class Resource<T> {
  readonly #path: string;
  readonly #limitMs: number;
  #known: { tag: string; data: T } | undefined;

  /**
   * @param path relative to the page
   * @param limitMs how long an answer may take
   */
  constructor(path: string, limitMs = patienceMs) {
    this.#path = path;
    this.#limitMs = limitMs;
  }

  async get(key: string): Promise<Reply<T>> {
    const known = this.#known;
    const accept = { Accept: 'application/json' };
    const wanted = known ? { ...accept, 'If-None-Match': known.tag } : accept;
    const reply = await ask(this.#path, key, wanted, this.#limitMs);
    const serverNow = Date.parse(reply.headers.get('Date') ?? '') || Date.now();
    if (reply.status === 304 && known) return { data: known.data, changed: false, serverNow };
    const data = (await reply.json()) as T;
    this.#known = { tag: reply.headers.get('ETag') ?? '', data };
    return { data, changed: true, serverNow };
  }
}
