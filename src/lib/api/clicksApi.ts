import type { Counts } from '../counts/counts';
import type { NamesView, ProductNames } from '../counts/productNames';
import { describeFailure, TributaryError } from '../errors';
import { logEvent } from '../log';
import {
  type ApiAnswer,
  type ApiRequest,
  answerProblem,
  matchesTag,
  prefersCsv,
  RequestProblem,
} from './answer';
import { readClickView } from './clickViews';
import { type CountTerms, clickTerms } from './countTerms';
import { formatCsv } from './csv';

/** How many characters of answer bodies are kept in memory, for the current version only. */
const keptCharacters = 32 * 1024 * 1024;

export interface ClicksApiOptions {
  readonly counts: Counts;
  readonly names: Pick<ProductNames, 'current' | 'last'>;
  /** The words of the answers; those of GET /api/clicks unless told. */
  readonly terms?: CountTerms;
  /** Milliseconds since 1970; the clock unless told. */
  readonly now?: () => number;
  /** Receives failures that are not part of the answer. */
  readonly logError?: (error: unknown) => void;
}

/**
 * Answers GET /api/clicks, or GET /api/counts/{stream}, and the paths below it, as docs/openapi.yaml describes. Each body is made once
 * per version of the table (and per time bucket, if the answer depends on the time) and then served from memory.
 */
export class ClicksApi {
  readonly #options: Required<ClicksApiOptions>;
  readonly #bodies = new Map<string, string>();
  #bodiesOf = '';
  #characters = 0;
  #namesFailed = false;

  constructor(options: ClicksApiOptions) {
    this.#options = {
      now: Date.now,
      terms: clickTerms,
      logError: (error) => logEvent('error', 'clicks-failed', describeFailure(error)),
      ...options,
    };
  }

  /** Never throws: a problem is an answer too. */
  async answer(request: ApiRequest): Promise<ApiAnswer> {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof RequestProblem) {
        const { status, message, parameter, accepts } = error;
        return answerProblem(status, message, { parameter, accepts });
      }
      this.#options.logError(error);
      if (error instanceof TributaryError && error.retriable)
        return answerProblem(503, 'The lake cannot be read just now; try again in a few seconds.');
      return answerProblem(
        500,
        `The ${this.#options.terms.rows} cannot be counted; the log of the app tells why.`,
      );
    }
  }

  async #answer({ path, query, headers }: ApiRequest): Promise<ApiAnswer> {
    const { counts, now, terms } = this.#options;
    const clickView = readClickView(path, query, terms);
    const reading = this.#names();
    // Start both reads now: if the lake does not answer, the request waits for one timeout and not for two.
    await counts.current();
    const names = await reading;
    const view = await counts.current();
    // There must be no await from here on, because the next refresh changes these counts.
    const nowMs = now();
    const csv = prefersCsv(headers.get('accept'));
    // The mark belongs to the tag: after storage went back in time, the same version number may hold other clicks. So does a
    // decision which products to count that other instances do not follow.
    const at = [view.tableId ?? 'none', view.version, view.mark?.slice(0, 8), view.alone, names.tag];
    const version = at.filter((part) => part !== undefined && part !== '').join('-');
    const bucket = clickView.bucketMs === undefined ? '' : `-${Math.floor(nowMs / clickView.bucketMs)}`;
    const tag = `"${version}${bucket}-${csv ? 'csv' : 'json'}"`;
    const shared = {
      ETag: tag,
      // Clients must ask again each time. Proxies must not keep the answer, because it needs a key.
      'Cache-Control': 'private, no-cache',
      Vary: 'Accept',
    };
    if (matchesTag(headers.get('if-none-match'), tag)) return { status: 304, headers: shared };
    const body = this.#body(version, `${tag} ${path}?${query}`, () => {
      const { json, titles, rows } = clickView.build({ view, names, nowMs });
      return csv ? formatCsv(titles, rows()) : JSON.stringify(json);
    });
    const type = csv ? 'text/csv; charset=utf-8; header=present' : 'application/json';
    return {
      status: 200,
      headers: { ...shared, 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' },
      body,
    };
  }

  /** Names only help readers, so a failure must not stop the counts. It is logged once until the names can be read again. */
  async #names(): Promise<NamesView> {
    const { names, logError } = this.#options;
    try {
      const view = await names.current();
      this.#namesFailed = false;
      return view;
    } catch (error) {
      if (!this.#namesFailed) logError(error);
      this.#namesFailed = true;
      return names.last;
    }
  }

  #body(version: string, key: string, make: () => string): string {
    const known = this.#bodiesOf === version ? this.#bodies.get(key) : undefined;
    if (known !== undefined) return known;
    const body = make();
    if (this.#bodiesOf !== version || this.#characters + body.length > keptCharacters) {
      this.#bodies.clear();
      this.#bodiesOf = version;
      this.#characters = 0;
    }
    this.#bodies.set(key, body);
    this.#characters += body.length + key.length;
    return body;
  }
}
