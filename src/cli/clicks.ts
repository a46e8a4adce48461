import { isProductId, productIdForm } from '../lib/api/countTerms';
import { appHere } from '../lib/functionApp';
import { inert } from '../lib/inert';
import { pauseFor } from '../lib/pauseFor';
import { durationFlag, keyFlag, numberFlag, switchFlag, textFlag, urlFlag } from './commandLine/arguments';
import { action, type Given, UsageError } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import {
  type CountWords,
  readCounts,
  readCsv,
  readTrend,
  type Span,
  spanBefore,
  type Trend,
  wordsOf,
} from './countsAnswers';
import { CountsClient, ParameterRefused } from './countsClient';
import { type Asked, describeCounts, linesAround } from './countsTable';

/*
 * `npm run clicks`: the current clicks per product, or the rows of another stream that is counted, as a table in the terminal.
 */

const defaultTop = 20;
const defaultEveryMs = 1000;
const mostRows = 1_000_000;
/**
 * The times to compare with the time right before them when `--last` is not given. The first of these is taken that has clicks before it.
 * If the clicks began within the compared time, its rate would be too low.
 */
const comparedSpans = ['15m', '5m', '1m'];
/** How often the trend is asked for. It counts whole minutes only, so it changes slowly. */
const trendEveryMs = 15_000;
/** The width, in characters, of a table that is not shown on a terminal. */
const plainColumns = 120;
/** Keys that no path of the API can ask for: a path of these names is one of the API's views, or a folder in an address. */
const keysWithoutPath = ['attributes', 'history', 'trending', '.', '..'];

const flags = {
  url: urlFlag('the address of the function app', appHere),
  key: keyFlag('a function key; none is needed on this machine'),
  top: numberFlag({
    meaning: `how many products; without it, ${defaultTop} or as many as the terminal shows, with --csv all`,
    fallback: undefined,
    least: 1,
    most: mostRows,
    whole: true,
  }),
  last: textFlag('15m', 'only the clicks of this time; without it, all since the beginning'),
  category: textFlag('N', 'only the products of this category'),
  product: textFlag('N', 'only this product'),
  stream: textFlag('NAME', 'the rows of this stream, by key and attribute, instead of the clicks'),
  csv: switchFlag('as CSV'),
  watch: switchFlag('ask again and again, until Ctrl-C'),
  every: durationFlag('1s', 'how often to ask with --watch, by default 1s'),
};

runCommand({
  call: 'npm run clicks',
  does: action({
    meaning: 'The current clicks per product.',
    flags,
    run: async ({ url, key, watch, csv, every, stream, ...filters }) => {
      refuseWrongUse({ csv, watch, every, stream, ...filters });
      const words = wordsOf(stream);
      const counts = new CountsCommand(new CountsClient(url, key), words, filters);
      try {
        if (!watch) await counts.ensureCategoryKnown();
        if (csv) process.stdout.write(await counts.csv());
        else if (watch) await showAgain(counts, every ?? defaultEveryMs);
        else for (const line of await counts.lines()) console.log(line);
        return 0;
      } catch (error) {
        throw asWrongUse(error, { stream, ...filters }, words);
      }
    },
  }),
});

/** @throws UsageError for options that make no sense together, or a product that cannot be asked for */
function refuseWrongUse({
  csv,
  watch,
  every,
  stream,
  product,
  category,
}: Omit<Given<typeof flags>, 'url' | 'key'>): void {
  if (csv && watch) throw new UsageError('--csv prints once: leave out --watch.');
  if (every !== undefined && !watch)
    throw new UsageError('--every is for --watch: add it, or leave out --every.');
  if (product !== undefined && category !== undefined)
    throw new UsageError('--product names one product: leave out --category.');
  if (stream === undefined && product !== undefined && !isProductId(product))
    throw new UsageError(`--product ${product}: expected ${productIdForm}.`);
  if (product !== undefined && keysWithoutPath.includes(product))
    throw new UsageError(
      `--product ${product}: the API does not tell a key of this name by itself. Leave out --product: it is in the table, and with --csv certainly.`,
    );
}

/** The error to show for a failed request. If the API refused the value of an option, the command was used wrongly. */
function asWrongUse(
  error: unknown,
  given: Readonly<Record<string, unknown>>,
  { attribute }: CountWords,
): unknown {
  if (!(error instanceof ParameterRefused)) return error;
  const name = error.parameter === attribute ? 'category' : error.parameter;
  if (given[name] === undefined) return error;
  return new UsageError(`--${name} ${given[name]}: expected ${error.accepts}.`, { cause: error });
}

type Filters = Omit<Asked, 'top'> & { readonly top: number | undefined };

class CountsCommand {
  readonly #client: CountsClient;
  readonly #words: CountWords;
  readonly #filters: Filters;
  #trend: { readonly at: number; readonly found: Trend | undefined } | undefined;

  constructor(client: CountsClient, words: CountWords, filters: Filters) {
    this.#client = client;
    this.#words = words;
    this.#filters = filters;
  }

  /** @throws Error if the category that is asked for was never counted. The API says the same of a product that was never counted */
  async ensureCategoryKnown(): Promise<void> {
    const { category } = this.#filters;
    if (category === undefined) return;
    const { path, attribute, noun } = this.#words;
    const query = { [attribute]: category, top: '1' };
    const { total } = readCounts(await this.#client.ask({ path, query }), this.#words);
    if (total === 0) throw new Error(`No ${noun} with ${attribute} ${category} has been counted.`);
  }

  /** The table, no larger than the terminal. */
  async lines(): Promise<string[]> {
    const { isTTY, columns, rows } = process.stdout;
    // A terminal that does not know its size says that it has no rows and columns.
    const fitting = isTTY ? Math.max(1, (rows || 24) - linesAround - 1) : Number.POSITIVE_INFINITY;
    const top = Math.min(this.#filters.top ?? defaultTop, fitting);
    const answer = readCounts(await this.#client.ask(this.#question(top)), this.#words);
    const trend = answer.version < 0 ? undefined : await this.#currentTrend();
    const asked = { ...this.#filters, top };
    return describeCounts(
      { words: this.#words, answer, trend, asked },
      { columns: (isTTY && columns) || plainColumns },
    );
  }

  async csv(): Promise<string> {
    const question = this.#question(this.#filters.top);
    const text = readCsv(await this.#client.ask({ ...question, accept: 'text/csv' }));
    return text.split('\r\n').map(inert).join('\r\n');
  }

  #question(top: number | undefined) {
    const { last, category, product } = this.#filters;
    const { path, attribute } = this.#words;
    if (product !== undefined) return { path: `${path}/${encodeURIComponent(product)}`, query: { last } };
    return { path, query: { last, top: top?.toString(), [attribute]: category } };
  }

  /** Compares the wanted time with the time before it. Undefined if the API refuses because that is too much for one answer. */
  async #currentTrend(): Promise<Trend | undefined> {
    if (this.#trend && performance.now() - this.#trend.at < trendEveryMs) return this.#trend.found;
    const { last } = this.#filters;
    let found: Trend | undefined;
    for (const span of last === undefined ? comparedSpans : [last]) {
      found = await this.#trendOf(span);
      if (!found || found.before > 0 || found.total === 0) break;
    }
    const noneIn = found && (await this.#noneBeforeTheFirst(found));
    if (found && noneIn) found = { ...found, noneIn };
    this.#trend = { at: performance.now(), found };
    return found;
  }

  /**
   * A time without any clicks, after which the first ones came; undefined unless the clicks began so late that an average would be too low.
   */
  async #noneBeforeTheFirst(trend: Trend): Promise<Span | undefined> {
    if (trend.before > 0) return undefined;
    if (trend.total === 0) return (await this.#hasAnySince(trend.to)) ? trend : undefined;
    // If the user asked for a certain time, its average is shown even if the clicks began within it.
    return this.#filters.last === undefined ? spanBefore(trend) : undefined;
  }

  /** @param time ISO time */
  async #hasAnySince(time: string): Promise<boolean> {
    const query = { since: time, top: '1' };
    return readCounts(await this.#client.ask({ path: this.#words.path, query }), this.#words).total > 0;
  }

  async #trendOf(span: string): Promise<Trend | undefined> {
    const query = { last: span, top: String(mostRows) };
    const reply = await this.#client.ask({ path: `${this.#words.path}/trending`, query });
    return reply.status === 400 || reply.status === 503 ? undefined : readTrend(reply, this.#words);
  }
}

/** Asks again and again until Ctrl-C. */
async function showAgain(counts: CountsCommand, everyMs: number): Promise<void> {
  const ended = new AbortController();
  process.on('SIGINT', () => ended.abort());
  while (!ended.signal.aborted) {
    let lines: readonly string[];
    try {
      lines = await counts.lines();
    } catch (error) {
      if (error instanceof ParameterRefused) throw error;
      // Keep watching: the API may only be away for a while.
      lines = [error instanceof Error ? error.message : String(error)];
    }
    // On a terminal, each answer replaces the last one. In a file, they follow one another.
    if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[2J');
    console.log(lines.join('\n'));
    await pauseFor(everyMs, ended.signal);
  }
}
