import { setTimeout as sleep } from 'node:timers/promises';
import { inertInLine } from '../lib/inert';
import { parseJsonObject } from '../lib/jsonObject';
import { waitFor } from '../lib/longWait';
import { count, quantity } from '../lib/quantity';
import { durationFlag, keyFlag, numberFlag, switchFlag, urlFlag } from './commandLine/arguments';
import { action } from './commandLine/command';
import { runCommand } from './commandLine/runCommand';
import { describeNoAnswer } from './noAnswer';

/*
 * `npm run clicks`: the current clicks per product, as a table in the terminal.
 */

const flags = {
  url: urlFlag('the address of the function app', 'http://127.0.0.1:7071'),
  key: keyFlag('a function key; none is needed on this machine'),
  top: numberFlag({ meaning: 'how many products', fallback: 20, least: 1, most: 1_000_000, whole: true }),
  watch: switchFlag('ask again and again, until Ctrl-C'),
  every: durationFlag('1s', 'how often to ask with --watch, by default 1s'),
};

interface Answer {
  readonly version: number;
  readonly asOf: string | null;
  readonly total: number;
  readonly products: readonly {
    readonly productid: number;
    /** If products.csv names it. */
    readonly name?: string;
    readonly category: number | null;
    readonly clicks: number;
  }[];
  /** The products that are not counted on their own. */
  readonly other?: { readonly clicks: number; readonly atMost: number };
}

interface Shown {
  /** The answer's ETag. */
  readonly tag: string | null;
  readonly text: string;
}

runCommand({
  call: 'npm run clicks',
  does: action({
    meaning: 'The current clicks per product.',
    flags,
    run: async ({ url: place, key, top, watch, every = 1000 }) => {
      const url = new URL('/api/clicks', place);
      url.searchParams.set('top', String(watch ? Math.min(top, rowsOnScreen()) : top));
      const headers: Record<string, string> = key === undefined ? {} : { 'x-functions-key': key };
      if (watch) await showAgain(url, headers, every);
      else console.log((await ask(url, headers)).text);
      return 0;
    },
  }),
});

/**
 * How many products a terminal shows at once, below the heading and above the row of all others. One that does not know its size says
 * that it has no rows.
 */
const rowsOnScreen = (): number =>
  process.stdout.isTTY ? Math.max(1, (process.stdout.rows || 24) - 5) : Number.POSITIVE_INFINITY;

/** Asks again and again until Ctrl-C. */
async function showAgain(url: URL, headers: Record<string, string>, everyMs: number): Promise<void> {
  const ended = new AbortController();
  process.on('SIGINT', () => ended.abort());
  let last: Shown | undefined;
  while (!ended.signal.aborted) {
    let text: string;
    try {
      last = await ask(url, headers, last);
      text = last.text;
    } catch (error) {
      // Keep watching: the API may only be away for a while.
      text = error instanceof Error ? error.message : String(error);
    }
    // On a terminal, each answer replaces the last one. In a file, they follow one another.
    if (process.stdout.isTTY) process.stdout.write('\u001b[H\u001b[2J');
    console.log(text);
    await sleep(everyMs, undefined, { signal: ended.signal }).catch(() => {});
  }
}

/** Returns `last` itself if the clicks have not changed since. */
async function ask(url: URL, headers: Record<string, string>, last?: Shown): Promise<Shown> {
  const place = url.origin + url.pathname;
  let reply: Response;
  try {
    const signal = AbortSignal.timeout(30_000);
    const all = last?.tag ? { ...headers, 'if-none-match': last.tag } : headers;
    reply = await waitFor(place, fetch(url, { headers: all, signal }));
  } catch (cause) {
    throw new Error(await describeNoAnswer(url), { cause });
  }
  if (reply.status === 304 && last) return last;
  if (!reply.ok) throw new Error(`${place} answered ${reply.status}${await describeRefusal(reply)}.`);
  const answer = await readAnswer(reply, place);
  return {
    tag: reply.headers.get('etag'),
    text: describeAnswer(answer, Number(url.searchParams.get('top'))),
  };
}

/** Why the API did not answer as asked, as far as it says so. */
async function describeRefusal(reply: Response): Promise<string> {
  if (reply.status === 401) return ': --key must be a function key';
  const detail = (await readObject(reply))?.detail;
  return typeof detail === 'string' ? `: ${inertInLine(detail.replace(/\.$/, ''))}` : '';
}

/** @throws if something else than the API answers at this address */
async function readAnswer(reply: Response, place: string): Promise<Answer> {
  const answer = await readObject(reply);
  if (typeof answer?.total === 'number' && Array.isArray(answer.products)) return answer as unknown as Answer;
  throw new Error(`${place} is not the API of Tributary: --url tells where the app is.`);
}

const readObject = async (reply: Response): Promise<Record<string, unknown> | undefined> =>
  reply
    .text()
    .then((text) => parseJsonObject(text, 'the answer'))
    .catch(() => undefined);

const inColumn = (cell: string): string => cell.padStart(10);

function describeAnswer({ version, asOf, total, products, other }: Answer, top: number): string {
  if (version < 0) return 'No clicks yet: nothing was ingested.';
  const lines = [['product', 'category', 'clicks'].map(inColumn).join('')];
  for (const { productid, category, clicks, name } of products) {
    const cells = [String(productid), String(category ?? '-'), count(clicks)];
    lines.push(cells.map(inColumn).join('') + (name === undefined ? '' : `  ${inertInLine(name)}`));
  }
  if (other) lines.push(['other', '-', count(other.clicks)].map(inColumn).join(''));
  if (other)
    lines.push(
      `The products in "other" are not counted on their own; each has at most ${count(other.atMost)}.`,
    );
  // The API returns `top` products at most. If it returned fewer, these are all there are.
  const shown = products.length < top ? quantity(products.length, 'product') : `top ${top} products`;
  return `${quantity(total, 'click')}, ${shown}, version ${version}${asOf ? ` of ${asOf}` : ''}\n${lines.join('\n')}`;
}
