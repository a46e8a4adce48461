import type { Buckets } from '../counts/buckets';
import type { CountsView } from '../counts/counts';
import { compareKeys, type Key, sortByCount } from '../counts/keys';
import type { NamesView } from '../counts/productNames';
import { keptSpans, type Tally } from '../counts/tally';
import { RequestProblem } from './answer';
import { Parameters, shown } from './parameters';

/** The data that an answer is built from. */
export interface ViewInput {
  readonly view: CountsView;
  readonly names: NamesView;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** An answer in both forms: a list or an object for JSON, and rows for CSV. */
export interface ViewResult {
  readonly json: Readonly<Record<string, unknown>>;
  readonly titles: readonly string[];
  rows(): Iterable<readonly (string | number | null)[]>;
}

/** A valid request, ready to be answered from the counts. */
export interface ClickView {
  /** If the answer depends on the time, the length in milliseconds of the time buckets that it uses; otherwise undefined. */
  readonly bucketMs: number | undefined;
  /** @throws RequestProblem for an unknown product */
  build(input: ViewInput): ViewResult;
}

const minuteMs = keptSpans.minutes.bucketMs;
const hourMs = keptSpans.hours.bucketMs;
const mostRows = 1_000_000;
const int32 = 2 ** 31;

/** Reads a request to GET /api/clicks/{path}. Throws a RequestProblem that names the wrong parameter and what it accepts. */
export function readClickView(path: string, query: URLSearchParams): ClickView {
  if (path === '') return readProducts(query);
  if (path === 'categories') return readCategories(query);
  if (path === 'history') return readHistory(query);
  if (path === 'trending') return readTrending(query);
  if (/^-?\d{1,10}$/.test(path)) return readProduct(Number(path), query);
  throw new RequestProblem(400, `productid is ${shown(path)}: expected a whole number.`, {
    parameter: 'productid',
    accepts: 'a whole number; or categories, history, trending',
  });
}

function readProducts(query: URLSearchParams): ClickView {
  const parameters = new Parameters(query, ['last', 'top', 'category']);
  const top = parameters.integer('top', 1, mostRows) ?? mostRows;
  const category = parameters.integer('category', -int32, int32 - 1);
  const window = readWindow(parameters);
  return {
    bucketMs: window?.bucketMs,
    build({ view, names, nowMs }) {
      const { tally } = view;
      const span = window?.at(tally, nowMs);
      const counts = span ? span.counts : tally.counts;
      const isWanted = (index: number) =>
        (category === undefined || tally.attributes[index] === category) &&
        (!span || (counts[index] ?? 0) > 0);
      let total = tally.total;
      let indexes = tally.ranked();
      if (span || category !== undefined) {
        const wanted = indexes.filter(isWanted);
        indexes = span ? sortByCount(wanted, counts, tally.keys) : wanted;
        total = indexes.reduce((sum, index) => sum + (counts[index] ?? 0), 0);
      }
      const products = indexes.slice(0, top).map((index) => ({
        ...productAt(tally, names, index),
        clicks: counts[index] ?? 0,
      }));
      return {
        json: { ...versionOf(view), ...span?.times, total, products },
        titles: ['productid', 'name', 'category', 'clicks'],
        rows: () => products.map((p) => [p.productid, p.name ?? null, p.category, p.clicks]),
      };
    },
  };
}

function readProduct(productid: number, query: URLSearchParams): ClickView {
  const window = readWindow(new Parameters(query, ['last']));
  return {
    bucketMs: window?.bucketMs,
    build({ view, names, nowMs }) {
      const { tally } = view;
      const index = tally.indexOf(productid);
      if (index === undefined)
        throw new RequestProblem(404, `No click on product ${productid} has been counted.`, {
          parameter: 'productid',
        });
      const span = window?.at(tally, nowMs);
      const product = productAt(tally, names, index);
      const clicks = (span ? span.counts : tally.counts)[index] ?? 0;
      return {
        json: { ...versionOf(view), ...span?.times, ...product, clicks },
        titles: ['productid', 'name', 'category', 'clicks'],
        rows: () => [[product.productid, product.name ?? null, product.category, clicks]],
      };
    },
  };
}

function readCategories(query: URLSearchParams): ClickView {
  const window = readWindow(new Parameters(query, ['last']));
  return {
    bucketMs: window?.bucketMs,
    build({ view, nowMs }) {
      const { tally } = view;
      const span = window?.at(tally, nowMs);
      const counts = span ? span.counts : tally.counts;
      const sums = new Map<Key | null, number>();
      let total = 0;
      tally.attributes.forEach((category, index) => {
        const clicks = counts[index] ?? 0;
        total += clicks;
        if (clicks > 0) sums.set(category, (sums.get(category) ?? 0) + clicks);
      });
      const categories = [...sums]
        .map(([category, clicks]) => ({ category, clicks }))
        .sort((a, b) => b.clicks - a.clicks || compareKeys(a.category ?? 0, b.category ?? 0));
      return {
        json: { ...versionOf(view), ...span?.times, total, categories },
        titles: ['category', 'clicks'],
        rows: () => categories.map(({ category, clicks }) => [category, clicks]),
      };
    },
  };
}

function readHistory(query: URLSearchParams): ClickView {
  const parameters = new Parameters(query, ['bucket', 'last']);
  const bucket = parameters.span('bucket', '1m', '1m to 1d in whole minutes', (ms) => ms <= 24 * hourMs);
  const last = parameters.span(
    'last',
    '1h',
    `${bucket.text} (one bucket) to 7d`,
    (ms) => ms >= bucket.ms && ms <= 7 * 24 * hourMs,
  );
  return {
    bucketMs: bucket.ms,
    build({ view, nowMs }) {
      const { totals } = view.tally;
      const current = Math.floor(nowMs / bucket.ms);
      const first = current - Math.ceil(last.ms / bucket.ms) + 1;
      const minutes = bucket.ms / minuteMs;
      const buckets: { from: string; clicks: number }[] = [];
      let total = 0;
      for (let at = first; at <= current; at++) {
        let clicks = 0;
        for (let minute = at * minutes; minute < (at + 1) * minutes; minute++)
          clicks += totals.count(minute, 0);
        buckets.push({ from: isoTime(at * bucket.ms), clicks });
        total += clicks;
      }
      const times = { from: isoTime(first * bucket.ms), to: isoTime((current + 1) * bucket.ms) };
      return {
        json: { ...versionOf(view), bucket: bucket.text, ...times, total, buckets },
        titles: ['from', 'clicks'],
        rows: () => buckets.map(({ from, clicks }) => [from, clicks]),
      };
    },
  };
}

/** Compares whole buckets only: the current bucket is not over yet, so it would look like a fall in clicks. */
function readTrending(query: URLSearchParams): ClickView {
  const parameters = new Parameters(query, ['last', 'top']);
  const top = parameters.integer('top', 1, mostRows) ?? 20;
  const { bucketMs, length } = readTrendingWindow(parameters);
  return {
    bucketMs,
    build({ view, names, nowMs }) {
      const { tally } = view;
      const buckets = bucketMs === minuteMs ? tally.minutes : tally.hours;
      const end = buckets.bucketOf(nowMs);
      const now = buckets.sum(end - length, end - 1, tally.keys.length);
      const before = buckets.sum(end - 2 * length, end - length - 1, tally.keys.length);
      const changes = now.map((clicks, index) => clicks - (before[index] ?? 0));
      const indexes = [...changes.keys()].filter((index) => (now[index] ?? 0) + (before[index] ?? 0) > 0);
      const products = sortByCount(indexes, changes, tally.keys)
        .slice(0, top)
        .map((index) => ({
          ...productAt(tally, names, index),
          clicks: now[index] ?? 0,
          before: before[index] ?? 0,
          change: changes[index] ?? 0,
        }));
      const total = now.reduce((sum, clicks) => sum + clicks, 0);
      const totalBefore = before.reduce((sum, clicks) => sum + clicks, 0);
      const times = { from: isoTime((end - length) * bucketMs), to: isoTime(end * bucketMs) };
      return {
        json: { ...versionOf(view), ...times, total, totalBefore, products },
        titles: ['productid', 'name', 'category', 'clicks', 'before', 'change'],
        rows: () =>
          products.map((p) => [p.productid, p.name ?? null, p.category, p.clicks, p.before, p.change]),
      };
    },
  };
}

/** The bucket size, and how many buckets each of the two windows has. */
function readTrendingWindow(parameters: Parameters): { bucketMs: number; length: number } {
  const isMinutes = (ms: number) => ms <= 60 * minuteMs;
  const last = parameters.span(
    'last',
    '15m',
    '1m to 60m in whole minutes, or 2h to 24h in whole hours',
    (ms) => isMinutes(ms) || (ms % hourMs === 0 && ms <= 24 * hourMs),
  );
  const bucketMs = isMinutes(last.ms) ? minuteMs : hourMs;
  return { bucketMs, length: last.ms / bucketMs };
}

interface Window {
  readonly bucketMs: number;
  at(tally: Tally, nowMs: number): { counts: Float64Array; times: { from: string; to: string } };
}

/** The window of the parameter `last`: the current bucket, which is not over yet, and the buckets before it. */
function readWindow(parameters: Parameters): Window | undefined {
  const isMinutes = (ms: number) => ms <= 120 * minuteMs;
  const last = parameters.optionalSpan(
    'last',
    '1m to 120m in whole minutes, or 3h to 48h in whole hours',
    (ms) => isMinutes(ms) || (ms % hourMs === 0 && ms <= 48 * hourMs),
  );
  if (!last) return undefined;
  const bucketMs = isMinutes(last.ms) ? minuteMs : hourMs;
  return {
    bucketMs,
    at(tally, nowMs) {
      const buckets: Buckets = bucketMs === minuteMs ? tally.minutes : tally.hours;
      const current = buckets.bucketOf(nowMs);
      const first = current - last.ms / bucketMs + 1;
      const times = { from: isoTime(first * bucketMs), to: isoTime((current + 1) * bucketMs) };
      return { counts: buckets.sum(first, current, tally.keys.length), times };
    },
  };
}

const isoTime = (ms: number) => new Date(ms).toISOString();

const versionOf = ({ version, committedAt }: CountsView) => ({
  version,
  asOf: committedAt === undefined ? null : isoTime(committedAt),
});

interface Product {
  productid: Key;
  name?: string;
  category: Key | null;
}

function productAt(tally: Tally, { names }: NamesView, index: number): Product {
  const productid = tally.keys[index] ?? 0;
  const name = typeof productid === 'number' ? names.get(productid) : undefined;
  const category = tally.attributes[index] ?? null;
  return name === undefined ? { productid, category } : { productid, name, category };
}
