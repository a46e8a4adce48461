import type { Answer, ApiAnswers } from './apiAnswers';
import { bucketsIn, changesIn, type LakeNumbers, productsIn, type Time, type Value } from './lakeNumbers';
import type { Numbers } from './shownNumbers';
import { changeInWords, written, writtenChange } from './writtenNumbers';

/*
 * The numbers that the page should show after some choices, from the lake.
 */

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 };
type Length = `${number}${keyof typeof units}`;
const unitOf = (length: Length): number => units[length.slice(-1) as keyof typeof units];
const msOf = (length: Length): number => Number.parseInt(length, 10) * unitOf(length);

interface Period {
  readonly label: string;
  readonly last?: Length;
  readonly bucket: Length;
  readonly chart: Length;
  readonly rising: Length;
  /** Length of the times of each comparison that the period has. */
  readonly compared: Readonly<Partial<Record<'before' | 'yesterday' | 'lastWeek', Length>>>;
}

export type Compare = keyof Period['compared'];

const days = (length: Length) => ({ yesterday: length, lastWeek: length });

/** What stands behind the choice of a period. */
export const periods = {
  all: {
    label: 'since the beginning',
    bucket: '1m',
    chart: '1h',
    rising: '5m',
    compared: { before: '5m', ...days('1h') },
  },
  '15m': {
    label: '15 min',
    last: '15m',
    bucket: '1m',
    chart: '15m',
    rising: '15m',
    compared: { before: '15m', ...days('1h') },
  },
  '1h': {
    label: '1 h',
    last: '60m',
    bucket: '1m',
    chart: '1h',
    rising: '60m',
    compared: { before: '60m', ...days('1h') },
  },
  '24h': {
    label: '24 h',
    last: '24h',
    bucket: '1h',
    chart: '24h',
    rising: '24h',
    compared: { before: '24h', ...days('24h') },
  },
  '48h': {
    label: '48 h',
    last: '48h',
    bucket: '1h',
    chart: '48h',
    rising: '48h',
    compared: { before: '48h', lastWeek: '2d' },
  },
  '7d': {
    label: '7 d',
    last: '7d',
    bucket: '1h',
    chart: '7d',
    rising: '7d',
    compared: { before: '7d', lastWeek: '7d' },
  },
  '31d': { label: '31 d', last: '31d', bucket: '1d', chart: '31d', rising: '15d', compared: {} },
} as const satisfies Record<string, Period>;

export interface Chosen {
  readonly period: keyof typeof periods;
  readonly compare?: Compare;
  /** Length of a bar of the chart, if it is not that of the period. */
  readonly bucket?: Length;
  readonly category?: number;
  readonly products?: readonly number[];
  /** Digits that a product's number has. */
  readonly search?: string;
  readonly mark?: string;
}

/** The time of an answer. @throws if it is not as long as what was asked for, or does not end now */
function timeOf({ from, to }: Answer, length: Length, stepMs = unitOf(length)): Required<Time> {
  if (from === undefined || to === undefined) throw new Error('The answer has no time.');
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  // The page asks again every few seconds.
  const isNow = Math.abs(toMs - Date.now()) <= stepMs + 30_000;
  if (toMs - fromMs !== msOf(length) || !isNow) throw new Error(`Not the last ${length}: ${from} to ${to}.`);
  return { from, to };
}

const distances = { yesterday: units.d, lastWeek: 7 * units.d };

/** The other time of a comparison. @throws if the answer names another one */
function timeBefore(now: Required<Time>, answer: Answer, compare: Compare | undefined): Required<Time> {
  const [fromMs, toMs] = [Date.parse(now.from), Date.parse(now.to)];
  const backMs = compare === undefined || compare === 'before' ? toMs - fromMs : distances[compare];
  const before = { from: new Date(fromMs - backMs).toISOString(), to: new Date(toMs - backMs).toISOString() };
  const named = compare === undefined ? before : { from: answer.beforeFrom, to: answer.beforeTo };
  if (before.from !== named.from || before.to !== named.to)
    throw new Error(`Not the time ${compare}: ${named.from} to ${named.to}.`);
  return before;
}

/** What a choice asks the lake, at the versions that the page's answers name. */
interface Asked {
  readonly answers: ApiAnswers;
  readonly lake: LakeNumbers;
  readonly chosen: Chosen;
}

export async function expectedNumbers(asked: Asked): Promise<Numbers> {
  const { products, ...sums } = await expectedProducts(asked);
  const { changeOf, ...trending } = await expectedChanges(
    asked,
    products.map(([product]) => Number(product)).filter((product) => !Number.isNaN(product)),
  );
  return {
    ...sums,
    products: products.map((row) => [...row, ...changeOf(row[0] ?? '')]),
    ...trending,
    ...(await expectedChart(asked)),
    ...(await expectedSums(asked)),
  };
}

const nameOf = (category: Value | undefined) => (category === null ? 'none' : String(category));

/** Rising products, the change of the total, and what is written as the change of each of some products; nothing without a comparison. */
async function expectedChanges(asked: Asked, products: readonly number[]) {
  const { answers, lake, chosen } = asked;
  const { period, compare, category } = chosen;
  const { rising, compared }: Period = periods[period];
  const last = (compare && compared[compare]) ?? rising;
  const answer = answers.newest('clicks/trending', { last, compare, category, top: 8 });
  const now = timeOf(answer, last);
  const from = changesIn(now, timeBefore(now, answer, compare), category);
  const trending = await lake.rows(
    answer,
    `SELECT productid, before, clicks, clicks - before AS change FROM ${from} WHERE change > 0 ORDER BY change DESC, productid LIMIT 8`,
  );
  const rows = trending.map(([product, before, clicks]) => [
    String(product),
    ...[before, clicks].map(written),
    writtenChange({ clicks: Number(clicks), before: Number(before) }),
  ]);
  if (!compare) return { trending: rows, compared: [], changeOf: () => [] };
  const [clicks, before] = await lake.row(
    answer,
    `SELECT coalesce(sum(clicks), 0), coalesce(sum(before), 0) FROM ${from}`,
  );
  const total = { clicks: Number(clicks), before: Number(before) };
  const changes = await changesOfProducts(asked, last, products);
  return {
    trending: rows,
    compared: [changeInWords(total), written(total.clicks), written(total.before)],
    changeOf: (product: string) => [changes.get(product) ?? '±0'],
  };
}

/** How the change of each product is written that has clicks in one of the times. */
async function changesOfProducts(
  { answers, lake, chosen: { compare } }: Asked,
  last: Length,
  products: readonly number[],
): Promise<ReadonlyMap<string, string>> {
  const named = products.toSorted((a, b) => a - b).join();
  const answer = answers.newest('clicks/trending', { last, compare, products: named, top: products.length });
  const now = timeOf(answer, last);
  const rows = await lake.rows(
    answer,
    `SELECT productid, clicks, before FROM ${changesIn(now, timeBefore(now, answer, compare))}`,
  );
  return new Map(
    rows.map(([product, clicks, before]) => [
      String(product),
      writtenChange({ clicks: Number(clicks), before: Number(before) }),
    ]),
  );
}

/** The total, and the products with most clicks or those that a search finds. */
async function expectedProducts({ answers, lake, chosen: { period, category, search } }: Asked) {
  const { last }: Period = periods[period];
  const of = (answer: Answer) => productsIn(last ? timeOf(answer, last) : {}, category);
  const top = answers.newest('clicks', { last, category, top: 10 });
  const [total] = await lake.row(top, `SELECT coalesce(sum(clicks), 0) FROM ${of(top)}`);
  const answer = search === undefined ? top : answers.newest('clicks', { last, category });
  const isFound = search === undefined ? 'true' : `CAST(productid AS VARCHAR) LIKE '%${search}%'`;
  const first = search === undefined ? '' : `productid = ${search} DESC, `;
  const rows = await lake.rows(
    answer,
    `SELECT productid, category, clicks FROM ${of(answer)} WHERE ${isFound} ORDER BY ${first}clicks DESC, productid`,
  );
  const clicks = rows.reduce((sum, row) => sum + Number(row[2]), 0);
  return {
    total: written(total),
    found: search === undefined ? [] : [written(rows.length), written(clicks)],
    products: rows
      .slice(0, search === undefined ? 10 : 50)
      .map(([product, of, clicks]) => [String(product), nameOf(of), written(clicks)]),
  };
}

/** The values of the chart, and its numbers in words or in the legend. */
async function expectedChart({ answers, lake, chosen }: Asked) {
  const { period, category, products = [] } = chosen;
  const { chart, last, ...own }: Period = periods[period];
  const bucket = chosen.bucket ?? own.bucket;
  const bucketMs = msOf(bucket);
  const wanted = products.length > 0 ? products.map((productid) => ({ productid })) : [{ category }];
  const lines: number[][] = [];
  let from = '';
  for (const one of wanted) {
    const answer = answers.newest('clicks/history', { bucket, last: chart, ...one });
    const time = timeOf(answer, chart, bucketMs);
    from = time.from;
    const { category, productid } = { category: undefined, productid: undefined, ...one };
    const values = Array.from({ length: msOf(chart) / bucketMs }, () => 0);
    for (const [at, clicks] of await lake.rows(answer, bucketsIn(time, bucketMs, category, productid)))
      values[Number(at)] = Number(clicks);
    lines.push(values);
  }
  const sums = lines.map((values) => values.reduce((sum, value) => sum + value, 0));
  const words = [written(sums[0]), written(Math.max(...(lines[0] ?? [])))];
  if (products.length === 1 && last === undefined)
    words.unshift(await expectedOfProduct(answers, lake, products[0] ?? 0));
  return {
    chart: (lines[0] ?? []).map((_, index) =>
      [
        new Date(Date.parse(from) + index * bucketMs).toISOString(),
        ...lines.map((values) => values[index]),
      ].join(','),
    ),
    chartWords: products.length > 1 ? [] : words,
    lines:
      products.length > 1 ? products.map((product, index) => [String(product), written(sums[index])]) : [],
  };
}

async function expectedOfProduct(answers: ApiAnswers, lake: LakeNumbers, product: number): Promise<string> {
  const answer = answers.newest(`clicks/${product}`);
  const [clicks] = await lake.row(answer, `SELECT count(*) FROM clicks WHERE productid = ${product}`);
  return written(clicks);
}

/** Clicks by category, and since the mark. */
async function expectedSums({ answers, lake, chosen: { period, category, mark } }: Asked) {
  const { last }: Period = periods[period];
  const answer = answers.newest('clicks/categories', { last });
  const rows = await lake.rows(
    answer,
    `SELECT category, sum(clicks) AS clicks FROM ${productsIn(last ? timeOf(answer, last) : {})} GROUP BY category ORDER BY clicks DESC, category NULLS LAST`,
  );
  const total = rows.reduce((sum, row) => sum + Number(row[1]), 0);
  const share = (clicks: Value | undefined) => `${((100 * Number(clicks)) / total).toFixed(1)} %`;
  const categories = rows.map(([of, clicks]) => [nameOf(of), written(clicks), share(clicks)]);
  if (mark === undefined) return { categories, sinceMark: [] };
  const since = answers.newest('clicks', { since: mark, category, top: 1 });
  if (Date.parse(since.from ?? '') > Date.parse(mark)) throw new Error('It begins after the mark.');
  const [clicks] = await lake.row(since, `SELECT sum(clicks) FROM ${productsIn(since, category)}`);
  return { categories, sinceMark: [written(clicks)] };
}
