import type { CountsView } from '../counts/counts';
import { compareKeys, type Key, sortByCount } from '../counts/keys';
import type { NamesView } from '../counts/productNames';
import type { Tally } from '../counts/tally';
import { RequestProblem } from './answer';
import { otherClicks, otherName, whyUncounted } from './otherClicks';
import { Parameters, shown } from './parameters';
import { clicksIn, hourMs, isoTime, minuteMs, readTrendingWindow, readWindow } from './timeWindow';

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
  rows(): Iterable<Cells>;
}

type Cells = readonly (string | number | null)[];

/** A valid request, ready to be answered from the counts. */
export interface ClickView {
  /** If the answer depends on the time, the length in milliseconds of the time buckets that it uses; otherwise undefined. */
  readonly bucketMs: number | undefined;
  /** @throws RequestProblem for an unknown product */
  build(input: ViewInput): ViewResult;
}

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
      const other = otherClicks(tally, span?.folded);
      // With a category, the others are told beside the total: their categories are not known.
      if (span && category === undefined) total += other?.clicks ?? 0;
      const products = indexes.slice(0, top).map((index) => ({
        ...productAt(tally, names, index),
        clicks: counts[index] ?? 0,
      }));
      return {
        json: { ...versionOf(view), ...span?.times, total, products, ...(other ? { other } : {}) },
        titles: ['productid', 'name', 'category', 'clicks'],
        rows: () => [
          ...products.map((p): Cells => [p.productid, p.name ?? null, p.category, p.clicks]),
          ...(other && category === undefined ? [[null, otherName, null, other.clicks]] : []),
        ],
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
        throw new RequestProblem(404, whyUncounted(productid, tally), { parameter: 'productid' });
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
      const other = otherClicks(tally, span?.folded);
      let total = other?.clicks ?? 0;
      tally.attributes.forEach((category, index) => {
        const clicks = counts[index] ?? 0;
        total += clicks;
        if (clicks > 0) sums.set(category, (sums.get(category) ?? 0) + clicks);
      });
      const categories = [...sums]
        .map(([category, clicks]) => ({ category, clicks }))
        .sort((a, b) => b.clicks - a.clicks || compareCategories(a.category, b.category));
      return {
        json: { ...versionOf(view), ...span?.times, total, categories, ...(other ? { other } : {}) },
        titles: ['category', 'clicks'],
        rows: () => [
          ...categories.map(({ category, clicks }): Cells => [category, clicks]),
          ...(other ? [[otherName, other.clicks]] : []),
        ],
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
      const end = Math.floor(nowMs / bucketMs);
      const { counts: now, folded } = clicksIn(tally, bucketMs, end - length, end - 1);
      const earlier = clicksIn(tally, bucketMs, end - 2 * length, end - length - 1);
      const before = earlier.counts;
      const others = otherClicks(tally, folded);
      const other = others && { ...others, before: earlier.folded ?? 0 };
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
      const sum = (clicks: Float64Array, others = 0) => clicks.reduce((all, one) => all + one, others);
      const total = sum(now, folded);
      const totalBefore = sum(before, earlier.folded);
      const times = { from: isoTime((end - length) * bucketMs), to: isoTime(end * bucketMs) };
      return {
        json: { ...versionOf(view), ...times, total, totalBefore, products, ...(other ? { other } : {}) },
        titles: ['productid', 'name', 'category', 'clicks', 'before', 'change'],
        rows: () => [
          ...products.map(
            (p): Cells => [p.productid, p.name ?? null, p.category, p.clicks, p.before, p.change],
          ),
          ...(other
            ? [[null, otherName, null, other.clicks, other.before, other.clicks - other.before]]
            : []),
        ],
      };
    },
  };
}

/** Ascending; no category comes last. */
function compareCategories(a: Key | null, b: Key | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareKeys(a, b);
}

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
