import { TributaryError } from '../errors';
import {
  type ApiAnswer,
  type ApiRequest,
  answerProblem,
  matchesTag,
  prefersCsv,
  RequestProblem,
} from './answer';
import { type Cells, formatCsv } from './csv';

/** How many characters of answer bodies are kept in memory, for the current version only. */
const keptCharacters = 32 * 1024 * 1024;

/** An answer in both forms: a list or an object for JSON, and rows for CSV. */
export interface ViewResult {
  readonly json: Readonly<Record<string, unknown>>;
  readonly titles: readonly string[];
  rows(): Iterable<Cells>;
}

/** A valid request that can be answered. */
export interface Question<Input> {
  /** If the answer depends on the time, the length in milliseconds of the time buckets that it uses; otherwise undefined. */
  readonly bucketMs: number | undefined;
  /**
   * Makes the answer. A promise means that it takes long; the answer is then about the input as it was when it was asked for.
   * @throws RequestProblem for something that does not exist
   */
  build(input: Input, nowMs: number): ViewResult | Promise<ViewResult>;
}

/** The source from which an API answers. */
export interface AnswerSource<Input> {
  /** Reads a request. Throws a RequestProblem that names the wrong parameter and what it accepts. */
  read(path: string, query: URLSearchParams): Question<Input>;
  /** Reads what is needed, so that `input` need not wait. Throws what reading throws. */
  prepare(): Promise<void>;
  /** The data to answer from. It may change with the next await, so nothing must be awaited after it was made. */
  input(): Promise<Input>;
  /** The parts of an ETag that tell this data from all other data. Empty texts are left out. */
  tagOf(input: Input): readonly (string | number | undefined)[];
  /** The failure, as a sentence without its full stop. */
  readonly failure: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly logError: (error: unknown) => void;
}

/**
 * Answers requests from a fold of a table. Each body is made once per version of the table (and per time bucket, if the answer depends on
 * the time) and then served from memory.
 */
export class Answers<Input> {
  readonly #source: AnswerSource<Input>;
  readonly #bodies = new Map<string, string>();
  /** The version that the newest answer is about. */
  #bodiesOf = '';
  /** Answers that are being made. A second request for the same one waits for it instead of making it again. */
  readonly #underWay = new Map<string, Promise<string>>();
  #characters = 0;

  constructor(source: AnswerSource<Input>) {
    this.#source = source;
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
      this.#source.logError(error);
      if (error instanceof TributaryError && error.retriable)
        return answerProblem(503, 'The lake cannot be read just now; try again in a few seconds.');
      const why = error instanceof TributaryError && error.refusal;
      const { failure } = this.#source;
      return answerProblem(500, why ? `${failure}: ${why}` : `${failure}; the log of the app tells why.`);
    }
  }

  async #answer({ path, query, headers }: ApiRequest): Promise<ApiAnswer> {
    const source = this.#source;
    const question = source.read(path, query);
    await source.prepare();
    const input = await source.input();
    // There must be no await from here on, because the next refresh changes this input.
    const nowMs = source.now();
    const csv = prefersCsv(headers.get('accept'));
    const version = source
      .tagOf(input)
      .filter((part) => part !== undefined && part !== '')
      .join('-');
    const bucket = question.bucketMs === undefined ? '' : `-${Math.floor(nowMs / question.bucketMs)}`;
    const tag = `"${version}${bucket}-${csv ? 'csv' : 'json'}"`;
    const shared = {
      ETag: tag,
      // Clients must ask again each time. Proxies must not keep the answer, because it needs a key.
      'Cache-Control': 'private, no-cache',
      Vary: 'Accept',
    };
    if (matchesTag(headers.get('if-none-match'), tag)) return { status: 304, headers: shared };
    const write = ({ json, titles, rows }: ViewResult) =>
      csv ? formatCsv(titles, rows()) : JSON.stringify(json);
    const body = await this.#body(version, `${tag} ${path}?${query}`, () => {
      const built = question.build(input, nowMs);
      return built instanceof Promise ? built.then(write) : write(built);
    });
    const type = csv ? 'text/csv; charset=utf-8; header=present' : 'application/json';
    return {
      status: 200,
      headers: { ...shared, 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' },
      body,
    };
  }

  #body(version: string, key: string, make: () => string | Promise<string>): string | Promise<string> {
    if (this.#bodiesOf !== version) this.#begin(version);
    const known = this.#bodies.get(key) ?? this.#underWay.get(key);
    if (known !== undefined) return known;
    const body = make();
    if (typeof body === 'string') return this.#keep(version, key, body);
    const kept = body
      .then((text) => this.#keep(version, key, text))
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, kept);
    return kept;
  }

  #begin(version: string): void {
    this.#bodies.clear();
    this.#bodiesOf = version;
    this.#characters = 0;
  }

  /** Keeps a body in memory. An answer that took long may be about a version that is not the newest any more: then it is not kept. */
  #keep(version: string, key: string, body: string): string {
    if (this.#bodiesOf !== version) return body;
    if (this.#characters + body.length > keptCharacters) this.#begin(version);
    this.#bodies.set(key, body);
    this.#characters += body.length + key.length;
    return body;
  }
}
