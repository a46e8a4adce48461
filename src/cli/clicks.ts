import { setTimeout as sleep } from 'node:timers/promises';
import { describeFlags, type Flags, readDuration, readFlags, readNumber, runCommand } from './commandLine';

/*
 * `npm run clicks`: the current clicks per product, as a table in the terminal.
 */

const flags = {
  url: { value: 'URL', meaning: 'where the function app is, http://127.0.0.1:7071 unless told' },
  key: { value: 'KEY', meaning: 'a function key; none is needed on this machine' },
  top: { value: 'N', meaning: 'how many products, 20 unless told' },
  watch: { meaning: 'ask again and again, until Ctrl-C' },
  every: { value: '1s', meaning: 'how often to ask with --watch, 1s unless told' },
} satisfies Flags;

interface Answer {
  readonly version: number;
  readonly asOf: string | null;
  readonly total: number;
  readonly products: readonly {
    readonly productid: number;
    readonly category: number | null;
    readonly clicks: number;
  }[];
}

runCommand(`npm run clicks -- [options]\n${describeFlags(flags)}`, async (args) => {
  const values = readFlags(flags, args);
  const url = new URL('/api/clicks', String(values.url ?? 'http://127.0.0.1:7071'));
  const top = readNumber('top', values.top, 20, 1_000_000);
  const everyMs = readDuration('every', values.every ?? '1s');
  const headers: Record<string, string> =
    values.key === undefined ? {} : { 'x-functions-key': String(values.key) };
  if (!values.watch) {
    console.log(describeAnswer(await ask(url, headers), top));
    return 0;
  }
  const ended = new AbortController();
  process.on('SIGINT', () => ended.abort());
  while (!ended.signal.aborted) {
    // An API that is away for a while must not end the watching.
    const text = await ask(url, headers).then((answer) => describeAnswer(answer, top), String);
    // A terminal shows each answer in the place of the last one; a file gets them one after the other.
    console.log(process.stdout.isTTY ? `\u001b[H\u001b[2J${text}` : text);
    await sleep(everyMs, undefined, { signal: ended.signal }).catch(() => {});
  }
  return 0;
});

async function ask(url: URL, headers: Record<string, string>): Promise<Answer> {
  let reply: Response;
  try {
    reply = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) });
  } catch (cause) {
    throw new Error(`${url} does not answer: is the app running?`, { cause });
  }
  if (!reply.ok)
    throw new Error(
      `${url} answered ${reply.status}${reply.status === 401 ? ': --key must be a function key' : ''}.`,
    );
  return (await reply.json()) as Answer;
}

function describeAnswer({ version, asOf, total, products }: Answer, top: number): string {
  const cells = products
    .slice(0, top)
    .map(({ productid, category, clicks }) => [
      String(productid),
      String(category ?? '-'),
      clicks.toLocaleString('en-US'),
    ]);
  const table = [['product', 'category', 'clicks'], ...cells];
  const lines = table.map((row) => row.map((cell) => cell.padStart(10)).join(''));
  return `${total.toLocaleString('en-US')} clicks, ${products.length} products, version ${version}${asOf ? ` of ${asOf}` : ''}\n${lines.join('\n')}`;
}
