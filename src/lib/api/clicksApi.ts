import type { Counts } from '../counts/counts';
import type { NamesView, ProductNames } from '../counts/productNames';
import { TributaryError } from '../errors';
import {
  type ApiAnswer,
  type ApiRequest,
  answerProblem,
  matchesTag,
  prefersCsv,
  RequestProblem,
} from './answer';
import { readClickView } from './clickViews';
import { formatCsv } from './csv';

/** Characters of bodies that are kept for the version they belong to. */
const keptCharacters = 32 * 1024 * 1024;

export interface ClicksApiOptions {
  readonly counts: Counts;
  readonly names: ProductNames;
  /** Milliseconds since 1970; the clock unless told. */
  readonly now?: () => number;
  /** Told about failures that the caller is not told about. */
  readonly logError?: (error: unknown) => void;
}

/**
 * GET /api/clicks and what is below it, as docs/openapi.yaml describes. The body of an answer is made once for a version (and a
 * bucket of time, where time matters) and then served from memory.
 */
export class ClicksApi {
  readonly #options: Required<ClicksApiOptions>;
  readonly #bodies = new Map<string, string>();
  #bodiesOf = '';
  #characters = 0;
  #namesFailed = false;

  constructor(options: ClicksApiOptions) {
    this.#options = { now: Date.now, logError: console.error, ...options };
  }

  /** Never throws: problems are answers. */
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
      const isExplained = error instanceof TributaryError && error.code === 'counts.keys';
      return answerProblem(
        500,
        isExplained ? error.message : 'The clicks cannot be counted; the log of the app tells why.',
      );
    }
  }

  async #answer({ path, query, headers }: ApiRequest): Promise<ApiAnswer> {
    const clickView = readClickView(path, query);
    const { counts, now } = this.#options;
    const reading = this.#names();
    // Both at once: a lake that is silent takes long enough to fail once.
    await counts.current();
    const names = await reading;
    const view = await counts.current();
    // No await from here on: the counts move on with the next refresh.
    const nowMs = now();
    const csv = prefersCsv(headers.get('accept'));
    // The mark as well: storage that went back in time has other clicks under the same number.
    const at = [view.tableId ?? 'none', view.version, view.mark?.slice(0, 8), names.tag];
    const version = at.filter((part) => part !== undefined && part !== '').join('-');
    const bucket = clickView.bucketMs === undefined ? '' : `-${Math.floor(nowMs / clickView.bucketMs)}`;
    const tag = `"${version}${bucket}-${csv ? 'csv' : 'json'}"`;
    const shared = {
      ETag: tag,
      // Asked for again each time, and never kept by a proxy: a key was needed to see it.
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

  /** Names are for reading, and never stop the counts: a failure is told once, until they could be read again. */
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
