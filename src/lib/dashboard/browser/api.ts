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

/** The products that are not counted on their own, as one. */
export interface Other {
  readonly clicks: number;
  readonly atMost: number;
}

export interface Totals {
  readonly version: number;
  readonly asOf: string | null;
  readonly total: number;
  readonly products: readonly Product[];
  readonly other?: Other;
}

export interface Categories {
  readonly total: number;
  readonly categories: readonly { readonly category: number | null; readonly clicks: number }[];
  readonly other?: Other;
}

export interface History {
  readonly total: number;
  readonly buckets: readonly { readonly from: string; readonly clicks: number }[];
}

export interface Trending {
  readonly products: readonly (Product & { readonly before: number; readonly change: number })[];
}

/** The API refused the key, or none was given. */
export class KeyNeeded extends Error {}

export interface Reply<T> {
  readonly data: T;
  /** False if the answer is the same as before. */
  readonly changed: boolean;
  /** The server's clock, in milliseconds since 1970. */
  readonly serverNow: number;
}

const patienceMs = 10_000;

/** Asks for one resource again and again, and sends the ETag of the last answer. */
export class Resource<T> {
  readonly #path: string;
  #known: { tag: string; data: T } | undefined;

  /** @param path relative to the page */
  constructor(path: string) {
    this.#path = path;
  }

  async get(key: string): Promise<Reply<T>> {
    const headers = new Headers({ Accept: 'application/json' });
    if (key !== '') headers.set('x-functions-key', key);
    if (this.#known) headers.set('If-None-Match', this.#known.tag);
    const signal = AbortSignal.timeout(patienceMs);
    const reply = await fetch(this.#path, { headers, cache: 'no-store', credentials: 'omit', signal });
    const serverNow = Date.parse(reply.headers.get('Date') ?? '') || Date.now();
    if (reply.status === 304 && this.#known) return { data: this.#known.data, changed: false, serverNow };
    if (reply.status === 401 || reply.status === 403) throw new KeyNeeded();
    if (!reply.ok) throw new Error(`The API answered ${reply.status}.`);
    const data = (await reply.json()) as T;
    this.#known = { tag: reply.headers.get('ETag') ?? '', data };
    return { data, changed: true, serverNow };
  }
}
