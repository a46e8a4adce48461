import { backoffMs } from '../../backoff';
import { isConfidential } from '../../confidentialUrl';
import { dayMs, minuteMs } from '../../duration';
import { TributaryError } from '../../errors';
import { jsonValue } from '../../jsonObject';
import { describeNoReply } from '../../noReply';

export interface CoincapOptions {
  /**
   * The address of the API: `https://rest.coincap.io`, with or without the version's path (`/v3`). http is accepted only on this
   * machine, because it would show the key to the network.
   */
  readonly url: URL;
  /** The key, which is sent as a bearer token. No message contains it. */
  readonly apiKey: string;
  /** How many assets to ask for, by rank: 1 to 2000. By default 100, like the API. */
  readonly limit?: number;
  /** The limit for the whole answer, in milliseconds. By default 10 s. */
  readonly limitMs?: number;
  /** Milliseconds since 1970; by default the clock. */
  readonly now?: () => number;
}

/** An asset as the API answered it, with the answer's `timestamp` (milliseconds since 1970) copied into it. */
export type CoincapAsset = Readonly<Record<string, unknown>> & { readonly timestamp: number };

/** A JSON value in a place where an asset should be, for example null. */
export type NoAsset = string | number | boolean | null | readonly unknown[];

/**
 * The result of one poll: assets, or the time until which the API wants no requests. A list element that is no object is passed on as the
 * API answered it.
 */
export type CoincapAnswer =
  | { readonly timestamp: number; readonly assets: readonly (CoincapAsset | NoAsset)[] }
  | { readonly waitUntilMs: number };

const backoff = { firstMs: 30_000, mostMs: 15 * minuteMs };
const longestRetryAfterMs = dayMs;

/** Polls `GET /v3/assets`. It keeps no assets, but remembers how long the API asked us to wait. */
export class CoincapClient {
  readonly #options: CoincapOptions;
  readonly #address: URL;
  readonly #now: () => number;
  #waitUntilMs = 0;
  #refusedInRow = 0;

  /** Throws `settings.invalid` if the address or the key cannot be used, or must not be used. */
  constructor(options: CoincapOptions) {
    this.#options = options;
    this.#address = assetsAddress(options.url, options.limit ?? 100);
    this.#now = options.now ?? Date.now;
    // fetch would refuse such a key with an error whose text contains it.
    if (!/^[\x21-\x7e]+$/.test(options.apiKey))
      throw new TributaryError(
        'settings.invalid',
        'The key of the CoinCap API is empty or has characters that are not allowed in an HTTP header.',
      );
  }

  /**
   * Sends one request, or none while the API wants us to wait. After a 429 it waits as long as Retry-After says. Without Retry-After it
   * waits half a minute, and twice as long each further time.
   *
   * | the API | throws |
   * |---|---|
   * | does not answer in time, or answers 5xx | `source.unavailable` |
   * | answers any other error, or that the version is shut down | `source.refused` |
   * | answers something other than a list of assets | `source.answer` |
   */
  async fetchAssets(): Promise<CoincapAnswer> {
    if (this.#now() < this.#waitUntilMs) return { waitUntilMs: this.#waitUntilMs };
    const response = await this.#request();
    if (response.status === 429) {
      this.#waitUntilMs = this.#now() + this.#waitAfter(response.headers.get('retry-after'));
      return { waitUntilMs: this.#waitUntilMs };
    }
    this.#refusedInRow = 0;
    const body = jsonValue(response.text);
    if (response.status !== 200) {
      const said = this.#quote(explain(body));
      throw new TributaryError(
        response.status >= 500 ? 'source.unavailable' : 'source.refused',
        `CoinCap answered HTTP ${response.status}${meaning(response.status)}${said && `: ${said}`}.`,
      );
    }
    return readAnswer(body, (text) => this.#quote(text));
  }

  async #request(): Promise<{ status: number; headers: Headers; text: string }> {
    const limitMs = this.#options.limitMs ?? 10_000;
    try {
      const response = await fetch(this.#address, {
        headers: { authorization: `Bearer ${this.#options.apiKey}`, accept: 'application/json' },
        // A redirect could send the key to another host, or over http.
        redirect: 'manual',
        signal: AbortSignal.timeout(limitMs),
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (cause) {
      const why = this.#quote(describeNoReply(cause, limitMs));
      throw new TributaryError('source.unavailable', `CoinCap at ${this.#address.origin} ${why}.`, { cause });
    }
  }

  /** The wait in milliseconds. Retry-After is a number of seconds or a date (RFC 9110, 10.2.3). */
  #waitAfter(retryAfter: string | null): number {
    const ownMs = backoffMs(++this.#refusedInRow, backoff);
    if (retryAfter === null) return ownMs;
    const asked = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - this.#now();
    return Number.isNaN(asked) ? ownMs : Math.min(Math.max(asked, 0), longestRetryAfterMs);
  }

  /** Quotes an answer, shortened and without the key, because an API may repeat a key that it refuses. */
  #quote(text: string): string {
    return text.replaceAll(this.#options.apiKey, '***').slice(0, 200).toWellFormed();
  }
}

function assetsAddress(url: URL, limit: number): URL {
  if (!isConfidential(url))
    throw new TributaryError(
      'settings.invalid',
      `The address of the CoinCap API, ${url.origin}, must be https; http is for this machine only.`,
    );
  if (!Number.isInteger(limit) || limit < 1 || limit > 2000)
    throw new TributaryError('settings.invalid', `CoinCap gives 1 to 2000 assets at once, not ${limit}.`);
  const base = url.pathname.replace(/\/+$/, '');
  return new URL(`${base === '' ? '/v3' : base}/assets?limit=${limit}`, url.origin);
}

function readAnswer(body: unknown, quote: (text: string) => string): CoincapAnswer {
  if (!isObject(body)) throw unexpected('something that is not a JSON object');
  const { data } = body;
  if (isObject(data) && typeof data.message === 'string')
    throw new TributaryError(
      'source.refused',
      `CoinCap answered a notice instead of assets: ${quote(data.message)}`,
    );
  if (!Array.isArray(data)) {
    const said = quote(explain(body));
    throw unexpected(`"data" that is not an array${said && `: ${said}`}`);
  }
  const timestamp = readTimestamp(body.timestamp);
  const assets = data.map((asset: unknown) =>
    isObject(asset) ? { ...asset, timestamp } : (asset as NoAsset),
  );
  return { timestamp, assets };
}

/** Reads milliseconds since 1970 from a number or a text of digits. */
function readTimestamp(value: unknown): number {
  const timestamp = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof timestamp === 'number' && Number.isSafeInteger(timestamp)) return timestamp;
  throw unexpected('a "timestamp" that is not a number of milliseconds');
}

const unexpected = (what: string): TributaryError =>
  new TributaryError('source.answer', `CoinCap answered ${what}; expected {timestamp, data: [assets]}.`);

function meaning(status: number): string {
  if (status === 401) return ' (the key is missing or wrong)';
  if (status === 403) return ' (the key may not do this)';
  if (status === 404) return ' (no such address)';
  return status >= 300 && status < 400 ? ' (a redirect, which is not followed)' : '';
}

/** The message in an error body; empty if there is none. */
function explain(body: unknown): string {
  if (!isObject(body)) return '';
  const said = [body.error, body.message].find((value) => typeof value === 'string');
  return typeof said === 'string' ? said : '';
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
