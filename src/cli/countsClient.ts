import { keyHeader } from '../lib/functionApp';
import { parseJsonObject } from '../lib/jsonObject';
import { waitFor } from '../lib/longWait';
import { describeNoAnswer, describeRefusal } from './noAnswer';

/** An answer of the API, which may be a refusal. */
export interface Reply {
  readonly status: number;
  readonly text: string;
  /** Its media type. */
  readonly type: string;
  /** The address that was asked, without parameters. */
  readonly place: string;
}

export interface Question {
  /** The path below `/api/`. */
  readonly path: string;
  /** Parameters. Those without a value are left out. */
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly accept?: 'text/csv';
}

/** Asks the API of an app for counts. An answer that has not changed since the last time is not sent again. */
export class CountsClient {
  readonly #app: URL;
  readonly #headers: Readonly<Record<string, string>>;
  /** The last answers that have an entity tag, by their questions. */
  readonly #known = new Map<string, { readonly tag: string; readonly reply: Reply }>();

  /** @param key the function key, if one is needed */
  constructor(app: URL, key: string | undefined) {
    this.#app = app;
    this.#headers = keyHeader(key);
  }

  /** @throws Error saying what is wrong if nobody answers */
  async ask({ path, query, accept }: Question): Promise<Reply> {
    const url = new URL(`/api/${path}`, this.#app);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, value);
    const place = url.origin + url.pathname;
    const question = `${accept} ${url}`;
    const known = this.#known.get(question);
    const headers = {
      ...this.#headers,
      ...(accept ? { accept } : {}),
      ...(known ? { 'if-none-match': known.tag } : {}),
    };
    try {
      const answer = await waitFor(place, fetch(url, { headers, signal: AbortSignal.timeout(30_000) }));
      if (answer.status === 304 && known) return known.reply;
      const type = answer.headers.get('content-type') ?? '';
      const reply = { status: answer.status, text: await answer.text(), type, place };
      const tag = answer.headers.get('etag');
      if (answer.ok && tag) this.#known.set(question, { tag, reply });
      return reply;
    } catch (cause) {
      throw new Error(await describeNoAnswer(url), { cause });
    }
  }
}

/** The object that an answer holds; undefined if it holds something else. */
export function objectIn({ text }: Reply): Record<string, unknown> | undefined {
  try {
    return parseJsonObject(text, 'the answer');
  } catch {
    return undefined;
  }
}

/** The API does not take the value of a parameter. */
export class ParameterRefused extends Error {
  constructor(
    message: string,
    /** The parameter's name. */
    readonly parameter: string,
    /** The values that the API accepts instead. */
    readonly accepts: string,
  ) {
    super(message);
  }
}

/** @throws Error saying why the API did not answer as asked, as far as it says so; ParameterRefused for a value that it does not take */
export function ensureAnswered(reply: Reply): Reply {
  const { status, place } = reply;
  if (status === 200) return reply;
  const { detail, parameter, accepts } = objectIn(reply) ?? {};
  const message = describeRefusal({ place, status, detail }, 'a function key');
  const isParameter = typeof parameter === 'string' && typeof accepts === 'string';
  if ((status === 400 || status === 404) && isParameter)
    throw new ParameterRefused(message, parameter, accepts);
  throw new Error(message);
}
