import { beforeAll, describe, expect, it } from 'vitest';
import { ClicksApi } from '../../../src/lib/api/clicksApi';
import { Counts } from '../../../src/lib/counts/counts';
import { ProductNames } from '../../../src/lib/counts/productNames';
import { dayMs, hourMs, minuteMs } from '../../../src/lib/duration';
import { seededRandom } from '../../../src/lib/sources/seededRandom';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { type Click, ClicksTable } from '../counts/clicksTable';
import { askDocumented } from './askDocumented';

/*
 * Answers about times up to 31 days ago, against the clicks themselves.
 */

const nowMs = Date.parse('2026-03-29T13:20:30Z');
const store = new MemoryStore('memory', () => nowMs);
const clicks: Required<Click>[] = [];

beforeAll(async () => {
  const random = seededRandom(11);
  for (let n = 0; n < 6000; n++) {
    const productid = Math.floor(random() * 6);
    // A few clicks come from a clock that is ahead; those that are more than an hour ahead are in no window.
    const ago = n < 40 ? -random() * 20 * hourMs : random() ** 3 * 36 * dayMs;
    clicks.push({ productid, category: productid % 3, at: Math.floor(nowMs - ago) });
  }
  const table = await new ClicksTable(store).create();
  const half = clicks.length / 2;
  await table.append(clicks.slice(0, half));
  await new Counts({ at: table.at, counted: countedClicks, now: () => nowMs }).save();
  await table.append(clicks.slice(half));
});

/** From the saved state of one half of the clicks and the file of the other half. */
const counts = new Counts({ at: { store, table: 'clicks' }, counted: countedClicks, now: () => nowMs });
const api = new ClicksApi({ counts, names: new ProductNames(store), now: () => nowMs });

async function get(path: string, query: string, accept = 'application/json') {
  const documented = /^\d+$/.test(path) ? '/clicks/{productid}' : `/clicks${path && `/${path}`}`;
  return JSON.parse((await askDocumented(api, documented, { path, query, headers: { accept } })).body);
}

const iso = (ms: number) => new Date(ms).toISOString();
/** Clicks per product in a time, of those that are not too far ahead. */
function countOf(fromMs: number, toMs: number, isWanted = (_: Click) => true) {
  const inTime = ({ at }: Required<Click>) =>
    at >= fromMs && at < toMs && at < Math.floor(nowMs / minuteMs) * minuteMs + hourMs + minuteMs;
  return clicks.filter((click) => inTime(click) && isWanted(click)).length;
}
const byProduct = (fromMs: number, toMs: number) =>
  new Map([0, 1, 2, 3, 4, 5].map((id) => [id, countOf(fromMs, toMs, ({ productid }) => productid === id)]));

describe('a window', () => {
  const day = '2026-03-29T00:00Z';
  it.each([
    ['last=120m', nowMs - 120 * minuteMs, minuteMs],
    ['last=3h', nowMs - 3 * hourMs, hourMs],
    ['last=48h', nowMs - 48 * hourMs, hourMs],
    ['last=7d', nowMs - 7 * dayMs, hourMs],
    ['last=8d', nowMs - 8 * dayMs, hourMs],
    ['last=9d', nowMs - 9 * dayMs, dayMs],
    ['last=31d', nowMs - 31 * dayMs, dayMs],
    // Of these, a part is not counted in advance.
    ['last=150m', nowMs - 150 * minuteMs, minuteMs],
    ['last=200h', nowMs - 200 * hourMs, hourMs],
    ['last=5000m', nowMs - 5000 * minuteMs, minuteMs],
    ['last=33d', nowMs - 33 * dayMs, dayMs],
    ['last=99d', nowMs - 99 * dayMs, dayMs],
  ])('of %s has all clicks of its whole buckets', async (query, sinceMs, unitMs) => {
    const { from, to, products, total } = await get('', query);
    const [fromMs, toMs] = [sinceMs, nowMs].map((ms) => (Math.floor(ms / unitMs) + 1) * unitMs);
    expect([from, to]).toEqual([iso(fromMs ?? 0), iso(toMs ?? 0)]);
    const expected = byProduct(fromMs ?? 0, toMs ?? 0);
    expect(
      new Map(products.map((one: { productid: number; clicks: number }) => [one.productid, one.clicks])),
    ).toEqual(expected);
    expect(total).toBe(countOf(fromMs ?? 0, toMs ?? 0));
    expect((await get('4', query)).clicks).toBe(expected.get(4));
    const { categories } = await get('categories', query);
    expect(categories.find(({ category }: { category: number }) => category === 1).clicks).toBe(
      (expected.get(1) ?? 0) + (expected.get(4) ?? 0),
    );
  });

  it.each([
    [`since=${day}`, '2026-03-29T00:00', '2026-03-29T14:00'],
    ['since=2026-03-21T14:00Z', '2026-03-21T14:00', '2026-03-29T14:00'],
    ['since=2026-03-21T13:59Z', '2026-03-21T00:00', '2026-03-30T00:00'],
    ['since=2026-03-22T22:30Z&until=2026-03-25T01:10Z', '2026-03-22T22:00', '2026-03-25T02:00'],
    ['since=2026-03-02T12:00%2B01:00&until=2026-03-09T00:00Z', '2026-03-02T00:00', '2026-03-09T00:00'],
    ['since=2026-02-27T00:00Z', '2026-02-27T00:00', '2026-03-30T00:00'],
    ['since=2026-02-24T23:59Z', '2026-02-24T00:00', '2026-03-30T00:00'],
    ['since=2026-02-22T10:00Z&until=2026-02-24T10:00Z', '2026-02-22T00:00', '2026-02-25T00:00'],
  ])('of %s is from %s to %s', async (query, from, to) => {
    const answer = await get('', query);
    expect([answer.from, answer.to]).toEqual([`${from}:00.000Z`, `${to}:00.000Z`]);
    expect(answer.total).toBe(countOf(Date.parse(answer.from), Date.parse(answer.to)));
    expect(answer.total).toBeGreaterThan(0);
  });

  it.each(['last=49m30s', 'last=8d1h', 'last=0d'])('of %s is refused', async (query) => {
    expect(await get('', query)).toMatchObject({ status: 400, parameter: 'last' });
  });

  it('says whether a part of it was scanned', async () => {
    for (const query of ['last=120m', 'last=8d', 'since=2026-02-27T00:00Z'])
      expect(await get('', query)).toMatchObject({ source: 'counts' });
    for (const query of ['last=150m', 'last=200h', 'since=2026-02-24T00:00Z'])
      expect(await get('', query)).toMatchObject({ source: 'lake' });
  });
});

describe('two windows', () => {
  it.each([
    ['last=60m', '2026-03-29T12:20', '2026-03-29T13:20', hourMs],
    ['last=4d', '2026-03-25T13:00', '2026-03-29T13:00', 4 * dayMs],
    ['last=5d', '2026-03-24T00:00', '2026-03-29T00:00', 5 * dayMs],
    ['last=15d', '2026-03-14T00:00', '2026-03-29T00:00', 15 * dayMs],
    ['compare=yesterday&last=24h', '2026-03-28T13:00', '2026-03-29T13:00', dayMs],
    ['compare=lastWeek', '2026-03-29T12:00', '2026-03-29T13:00', 7 * dayMs],
    ['compare=lastWeek&last=24h', '2026-03-28T13:00', '2026-03-29T13:00', 7 * dayMs],
    ['compare=lastWeek&last=7d', '2026-03-22T00:00', '2026-03-29T00:00', 7 * dayMs],
    ['since=2026-03-29T12:30:10Z', '2026-03-29T12:30', '2026-03-29T13:20', 50 * minuteMs],
    [
      'since=2026-03-29T12:30Z&until=2026-03-29T12:40Z',
      '2026-03-29T12:30',
      '2026-03-29T12:40',
      10 * minuteMs,
    ],
    ['since=2026-03-28T12:30Z', '2026-03-28T12:00', '2026-03-29T13:00', 25 * hourMs],
    ['since=2026-03-20T12:30Z', '2026-03-20T00:00', '2026-03-29T00:00', 9 * dayMs],
    ['since=2026-03-13T12:30Z&until=2026-03-14T12:30Z', '2026-03-13T00:00', '2026-03-15T00:00', 2 * dayMs],
    ['compare=yesterday&since=2026-03-29T09:30Z', '2026-03-29T09:00', '2026-03-29T13:00', dayMs],
    [
      'compare=lastWeek&since=2026-03-29T09:30Z&until=2026-03-29T10:30Z',
      '2026-03-29T09:00',
      '2026-03-29T11:00',
      7 * dayMs,
    ],
    ['compare=lastWeek&since=2026-03-24T00:00Z', '2026-03-24T00:00', '2026-03-29T00:00', 7 * dayMs],
    // Of these, a part is not counted in advance.
    ['last=61m', '2026-03-29T12:19', '2026-03-29T13:20', 61 * minuteMs],
    ['last=97h', '2026-03-25T12:00', '2026-03-29T13:00', 97 * hourMs],
    ['last=16d', '2026-03-13T00:00', '2026-03-29T00:00', 16 * dayMs],
    ['compare=yesterday&last=15m', '2026-03-29T13:05', '2026-03-29T13:20', dayMs],
    ['compare=lastWeek&last=90m', '2026-03-29T11:50', '2026-03-29T13:20', 7 * dayMs],
    ['compare=lastWeek&last=25h', '2026-03-28T12:00', '2026-03-29T13:00', 7 * dayMs],
    ['since=2026-03-13T00:00Z', '2026-03-13T00:00', '2026-03-29T00:00', 16 * dayMs],
    ['since=2026-02-25T10:00Z&until=2026-02-26T10:00Z', '2026-02-25T00:00', '2026-02-27T00:00', 2 * dayMs],
    [
      'compare=lastWeek&since=2026-03-04T00:00Z&until=2026-03-06T00:00Z',
      '2026-03-04T00:00',
      '2026-03-06T00:00',
      7 * dayMs,
    ],
  ])('of %s are from %s to %s, and so much earlier', async (query, from, to, back) => {
    const answer = await get('trending', query.includes('compare') ? query : `${query}&compare=before`);
    const [fromMs, toMs] = [Date.parse(`${from}:00Z`), Date.parse(`${to}:00Z`)];
    expect([answer.from, answer.to]).toEqual([iso(fromMs), iso(toMs)]);
    expect([answer.beforeFrom, answer.beforeTo]).toEqual([iso(fromMs - back), iso(toMs - back)]);
    expect(answer.total).toBe(countOf(fromMs, toMs));
    expect(answer.totalBefore).toBe(countOf(fromMs - back, toMs - back));
    const before = byProduct(fromMs - back, toMs - back);
    for (const one of answer.products) expect(one.before).toBe(before.get(one.productid));
    if (query.includes('compare')) return;
    const { beforeFrom: _, beforeTo: __, ...plain } = answer;
    expect(await get('trending', query)).toEqual(plain);
  });

  it.each(['last=60m', 'compare=lastWeek&last=7d', 'last=20d'])(
    'of %s are told of some products, or of a category, with totals of their own',
    async (query) => {
      const all = (await get('trending', `${query}&top=100`)).products as Record<string, number>[];
      const wanted: [string, (one: Record<string, number>) => boolean][] = [
        ['category=1', ({ category }) => category === 1],
        ['products=4,2,99', ({ productid }) => productid === 4 || productid === 2],
        ['products=4,2&category=2', ({ productid }) => productid === 2],
      ];
      for (const [filter, isWanted] of wanted) {
        const answer = await get('trending', `${query}&top=100&${filter}`);
        const expected = all.filter(isWanted);
        expect(answer.products).toEqual(expected);
        const sum = (name: string) => expected.reduce((total, one) => total + (one[name] ?? 0), 0);
        expect([answer.total, answer.totalBefore]).toEqual([sum('clicks'), sum('before')]);
      }
    },
  );

  it.each([
    ['compare=yesterday&last=2d', 'last'],
    ['products=', 'products'],
    ['products=1,lamp', 'products'],
    [`products=${Array.from({ length: 101 }, (_, n) => n)}`, 'products'],
    ['category=red', 'category'],
    ['keys=1', 'keys'],
    ['compare=lastWeek&last=60s', 'last'],
    ['compare=lastWeek&last=8d', 'last'],
    ['compare=lastYear', 'compare'],
    ['since=2026-03-29T13:20:20Z', 'since'],
    ['compare=yesterday&since=2026-03-29T13:00Z', 'since'],
    ['compare=yesterday&since=2026-03-27T13:00Z', 'since'],
    ['since=2026-03-29T14:00Z', 'since'],
    ['since=2026-03-28T00:00Z&last=1h', 'last'],
    ['until=2026-03-28T00:00Z', 'until'],
  ])('of %s are refused, naming %s', async (query, parameter) => {
    expect(await get('trending', query)).toMatchObject({ status: 400, parameter });
  });
});

describe('a history', () => {
  it.each([
    ['bucket=1h&last=8d', 192, hourMs],
    ['bucket=6h&last=7d', 28, 6 * hourMs],
    ['bucket=1d&last=31d', 31, dayMs],
    ['bucket=1d&last=8d', 8, dayMs],
    ['bucket=1h&since=2026-03-21T13:00Z', 193, hourMs],
    ['bucket=5h&since=2026-03-21T14:10Z&until=2026-03-22T04:00Z', 3, 5 * hourMs],
    ['bucket=1d&since=2026-02-26T00:00Z', 32, dayMs],
    ['bucket=1m&since=2026-03-29T11:20Z', 121, minuteMs],
    ['bucket=1m&since=2026-03-29T12:00:30Z&until=2026-03-29T12:02:30Z', 3, minuteMs],
    // Of these, a part is not counted in advance.
    ['bucket=1m&last=3h', 180, minuteMs],
    ['bucket=1m&last=2d', 2880, minuteMs],
    ['bucket=7m&last=2h', 18, 7 * minuteMs],
    ['bucket=150m&last=150m', 1, 150 * minuteMs],
    ['bucket=1h&last=33d', 33 * 24, hourMs],
    ['bucket=1d&last=40d', 40, dayMs],
    ['bucket=1m&since=2026-02-26T12:00Z&until=2026-02-26T13:00Z', 60, minuteMs],
    ['bucket=1h&since=2026-03-21T12:59Z', 194, hourMs],
  ])(
    'of %s has %i buckets, each with its clicks, of all, of a product and of a category',
    async (query, length, bucketMs) => {
      const filters: [string, (click: Click) => boolean][] = [
        ['', () => true],
        ['&productid=4', ({ productid }) => productid === 4],
        ['&category=1', ({ category }) => category === 1],
      ];
      for (const [filter, isWanted] of filters) {
        const { buckets, total, from, to } = await get('history', query + filter);
        const expected = buckets.map((one: { from: string }) =>
          countOf(Date.parse(one.from), Date.parse(one.from) + bucketMs, isWanted),
        );
        expect(buckets.map((one: { clicks: number }) => one.clicks)).toEqual(expected);
        expect([buckets.length, buckets[0].from]).toEqual([length, from]);
        expect(Date.parse(to) - Date.parse(from)).toBe(length * bucketMs);
        expect(total).toBe(expected.reduce((sum: number, one: number) => sum + one, 0));
      }
    },
  );

  it('of all clicks goes back 31 days by the minute', async () => {
    for (const query of ['bucket=1m&last=31d', 'bucket=45m&since=2026-02-26T14:00Z']) {
      const { from, to, total } = await get('history', query);
      expect(total).toBe(countOf(Date.parse(from), Date.parse(to)));
      expect(Date.parse(to) - Date.parse(from)).toBeGreaterThan(30.9 * dayMs);
    }
  });

  it.each([
    ['last=35d', 'last'],
    ['bucket=1h&last=9999d&productid=1', 'last'],
    ['since=2026-02-20T12:00Z', 'since'],
    ['bucket=1h&since=1999-03-21T12:59Z&productid=1', 'since'],
    ['since=2026-03-29T13:21Z', 'since'],
    ['since=2026-03-29T12:00Z&last=1h', 'last'],
    ['until=2026-03-29T12:00Z', 'until'],
  ])('of %s is refused, naming %s', async (query, parameter) => {
    expect(await get('history', query)).toMatchObject({ status: 400, parameter });
  });
});
