import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClicksApi } from '../../../src/lib/api/clicksApi';
import { Counts } from '../../../src/lib/counts/counts';
import { LakeScans, type scanLimits } from '../../../src/lib/counts/lakeScans';
import { ProductNames } from '../../../src/lib/counts/productNames';
import { dayMs, hourMs, minuteMs } from '../../../src/lib/duration';
import { seededRandom } from '../../../src/lib/sources/seededRandom';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import type { ObjectStore } from '../../../src/lib/storage/objectStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { bucketsIn, changesIn, LakeNumbers, productsIn } from '../../browser/lakeNumbers';
import { ClicksTable } from '../counts/clicksTable';
import { askDocumented } from './askDocumented';

/*
 * What is finer or older than the counts that are kept is scanned from the table's files: against DuckDB over the files of the version
 * that the answer names.
 */

const nowMs = Date.parse('2026-03-29T13:20:30Z');

/** A store that does something before it reads data files. */
class WatchedStore extends MemoryStore {
  dataFiles: string[] = [];
  before: (() => Promise<void>) | undefined;

  override async getRange(...[path, start, length]: Parameters<MemoryStore['getRange']>) {
    if (path.endsWith('.parquet') && !path.includes('_delta_log')) {
      this.dataFiles.push(path);
      const before = this.before;
      this.before = undefined;
      await before?.();
    }
    return super.getRange(path, start, length);
  }
}

const store = new WatchedStore('memory', () => nowMs);
const table = new ClicksTable(store);
let lake: LakeNumbers;

/** One file for every four days of the last 44 days. */
beforeAll(async () => {
  await table.create();
  const random = seededRandom(5);
  for (let days = 44; days > 0; days -= 4) {
    const clicks = Array.from({ length: 400 }, () => {
      const at = Math.floor(nowMs - (days - 4 * random()) * dayMs);
      const productid = Math.ceil(30 * random() ** 2);
      return { productid, category: productid % 3, at };
    });
    await table.append(clicks.sort((a, b) => a.at - b.at));
  }
  await new Counts({ at: table.at, counted: countedClicks, now: () => nowMs }).save();
  const recent = Array.from({ length: 300 }, () => Math.floor(nowMs - random() * 5 * hourMs)).sort();
  await table.append(recent.map((at, n) => ({ productid: 1 + (n % 30), category: ((1 + n) % 30) % 3, at })));
  // A product whose category changes.
  await table.append([{ productid: 4, category: 2, at: nowMs - 1000 }]);
  lake = await LakeNumbers.open(store, 'clicks');
}, 60_000);
afterAll(() => lake.close());

interface Stand {
  readonly limits?: Partial<typeof scanLimits>;
  readonly maxKeys?: number;
  readonly of?: ObjectStore;
}

function open({ limits, maxKeys = 1000, of = store }: Stand = {}) {
  const at = { store: of, table: 'clicks' };
  const scans = new LakeScans(limits);
  const now = () => nowMs;
  const counts = new Counts({ at, counted: countedClicks, refreshMs: 0, maxKeys, now, scans });
  const errors: unknown[] = [];
  const logError = (error: unknown) => errors.push(error);
  const api = new ClicksApi({ counts, names: new ProductNames(of), now, logError });
  return async (path: string, query: string, headers: Record<string, string> = {}) => {
    const documented = /^\d+$/.test(path) ? '/clicks/{productid}' : `/clicks${path && `/${path}`}`;
    const answer = await askDocumented(api, documented, { path, query, headers });
    return { ...answer, json: () => JSON.parse(answer.body) };
  };
}

describe('a history of which no counts are kept', () => {
  it.each([
    ['bucket=1m&last=3h', minuteMs],
    ['bucket=1m&last=10d', minuteMs],
    ['bucket=15m&last=31d', 15 * minuteMs],
    ['bucket=90m&last=9d', 90 * minuteMs],
    ['bucket=1h&last=31d', hourMs],
    ['bucket=1h&since=2026-02-16T05:00Z&until=2026-02-17T05:00Z', hourMs],
    ['bucket=1d&last=43d', dayMs],
  ])('%s has in each bucket what DuckDB finds', async (query, bucketMs) => {
    const get = open();
    const filters = [
      ['&productid=4', undefined, 4],
      ['&category=1', 1, undefined],
      ['', undefined, undefined],
    ] as const;
    for (const [filter, category, product] of filters) {
      const answer = (await get('history', query + filter)).json();
      const expected = new Array(answer.buckets.length).fill(0);
      for (const [at, clicks] of await lake.rows(answer, bucketsIn(answer, bucketMs, category, product)))
        expected[Number(at)] = Number(clicks);
      expect(answer.buckets.map((one: { clicks: number }) => one.clicks)).toEqual(expected);
      expect(answer.total).toBe(expected.reduce((sum, one) => sum + one, 0));
      expect(answer.total).toBeGreaterThan(0);
      // Of all rows together, minutes of 31 days are kept.
      const isKept = filter === '' && Date.parse(answer.from) >= nowMs - 31 * dayMs;
      expect(answer.source).toBe(isKept ? 'counts' : 'lake');
    }
  });

  it('tells the rows of products that are not counted on their own beside those of a category', async () => {
    const own = new MemoryStore('own', () => nowMs);
    const clicks = await new ClicksTable(own).create();
    const ago = Array.from({ length: 600 }, (_, n) => ({
      productid: n % 20,
      category: (n % 20) % 3,
      at: nowMs - n * hourMs,
    }));
    await clicks.append(ago);
    const get = open({ of: own, maxKeys: 5 });
    for (const query of ['bucket=1m&last=1d', 'bucket=1h&last=31d']) {
      const all = (await get('history', query)).json();
      const parts = await Promise.all([0, 1, 2].map((of) => get('history', `${query}&category=${of}`)));
      const totals = parts.map((part) => part.json());
      const known = totals.reduce((sum, { total }) => sum + total, 0);
      for (const { other, source } of totals)
        expect([known + other.clicks, source]).toEqual([all.total, 'lake']);
    }
  });
});

describe('windows of which no counts are kept', () => {
  it.each(['last=150m', 'last=5000m', 'last=200h', 'last=43d', 'since=2026-02-16T05:00Z'])(
    'have with %s for each product and category what DuckDB finds',
    async (query) => {
      const get = open();
      const all = (await get('', query)).json();
      const sql = `SELECT productid, clicks FROM ${productsIn(all)} ORDER BY clicks DESC, productid`;
      const expected = await lake.rows(all, sql);
      expect(all.products.map((one: Record<string, number>) => [one.productid, one.clicks])).toEqual(
        expected,
      );
      expect(all.source).toBe('lake');
      const one = (await get('4', query)).json();
      expect(one).toMatchObject({ source: 'lake', category: 2 });
      const [clicks] = await lake.row(one, `SELECT clicks FROM ${productsIn(one)} WHERE productid = 4`);
      expect(one.clicks).toBe(clicks);
      const { categories, ...about } = (await get('categories', query)).json();
      const byCategory = `SELECT category, sum(clicks) AS clicks FROM ${productsIn(about)} GROUP BY category`;
      expect(categories.map((each: Record<string, number>) => [each.category, each.clicks]).sort()).toEqual(
        (await lake.rows(about, byCategory)).sort(),
      );
    },
  );

  it.each(['last=61m', 'last=20d', 'last=15m&compare=yesterday', 'last=100m&compare=lastWeek'])(
    'are compared with %s as DuckDB does it',
    async (query) => {
      const compared = query.includes('compare') ? query : `${query}&compare=before`;
      const answer = (await open()('trending', `${compared}&top=100`)).json();
      const { beforeFrom, beforeTo } = answer;
      const from = changesIn(answer, { from: beforeFrom, to: beforeTo });
      const sql = `SELECT productid, clicks, before FROM ${from} ORDER BY clicks - before DESC, productid`;
      expect(
        answer.products.map((one: Record<string, number>) => [one.productid, one.clicks, one.before]),
      ).toEqual(await lake.rows(answer, sql));
      expect(answer.source).toBe('lake');
    },
  );
});

describe('a scan', () => {
  it('is of the version that the answer names, also if commits come meanwhile', async () => {
    const own = new WatchedStore('own', () => nowMs);
    const clicks = await new ClicksTable(own).create();
    const at = nowMs - 5 * hourMs;
    await clicks.append([{ productid: 1, category: 1, at }]);
    const get = open({ of: own });
    const before = (await get('history', 'bucket=1m&last=2h')).json();
    own.before = async () => {
      await clicks.append([{ productid: 1, category: 2, at }]);
      await clicks.append([{ productid: 2, category: 1, at }]);
      // This answer is about the newer version.
      expect((await get('', '')).json()).toMatchObject({ version: before.version + 2, total: 3 });
    };
    const ofCategory = 'bucket=1m&last=6h&category=1';
    expect((await get('history', ofCategory)).json()).toMatchObject({ version: before.version, total: 1 });
    expect((await get('history', ofCategory)).json()).toMatchObject({
      version: before.version + 2,
      total: 1,
    });
    own.before = () => clicks.append([{ productid: 3, category: 1, at }]);
    expect((await get('', 'last=400m')).json()).toMatchObject({
      version: before.version + 2,
      total: 3,
      products: [
        { productid: 1, category: 2, clicks: 2 },
        { productid: 2, category: 1, clicks: 1 },
      ],
    });
  });

  it('reads only the files that have rows of the time, and none again while nothing has changed', async () => {
    const get = open();
    await get('', '');
    store.dataFiles = [];
    const query = 'bucket=1m&since=2026-03-10T00:00Z&until=2026-03-10T06:00Z&productid=1';
    const first = await get('history', query);
    expect(first.json().source).toBe('lake');
    expect(new Set(store.dataFiles).size).toBe(1);
    store.dataFiles = [];
    expect(await get('history', query)).toMatchObject({ body: first.body });
    const { ETag = '' } = first.headers;
    expect(await get('history', query, { 'if-none-match': ETag })).toMatchObject({ status: 304 });
    expect(store.dataFiles).toEqual([]);
  });

  it('is done once for all who ask for the same meanwhile, and one after the other for others', async () => {
    const get = open();
    await get('', '');
    const query = 'bucket=1m&since=2026-03-10T00:00Z&until=2026-03-10T06:00Z&productid=';
    store.dataFiles = [];
    await get('history', `${query}1`);
    const reads = store.dataFiles.length;
    store.dataFiles = [];
    let under = 0;
    store.before = async () => {
      under = store.dataFiles.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
      under = store.dataFiles.length - under;
    };
    const answers = await Promise.all([2, 2, 2, 3].map((id) => get('history', `${query}${id}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(under).toBe(0);
    expect(store.dataFiles).toHaveLength(2 * reads);
  });

  it('of more rows than one answer reads is refused, with what to ask for instead', async () => {
    const get = open({ limits: { mostRows: 1000 } });
    const refusals: [string, string, string, string][] = [
      ['history', 'bucket=1m&last=20d&productid=1', 'last', 'the last 8 days in whole hours'],
      ['history', 'bucket=1m&since=2026-03-09T00:00Z&category=1', 'since', 'the last 31 days in whole days'],
      ['', 'last=43d', 'last', '9d to 31d in whole days'],
      ['', 'since=2026-02-16T00:00Z', 'since', 'the last 31 days'],
      ['trending', 'last=20d', 'last', '5d to 15d in whole days'],
    ];
    for (const [path, query, parameter, accepts] of refusals) {
      const { status, json } = await get(path, query);
      expect([query, status]).toEqual([query, 400]);
      expect(json()).toMatchObject({ parameter, accepts: expect.stringContaining(accepts) });
      expect(json().detail).toMatch(
        /in files of [\d,]+ rows: one answer reads files of 1,000 rows at the most/,
      );
    }
    expect(await get('history', 'bucket=1m&last=1d&productid=1')).toMatchObject({ status: 200 });
  });

  it('that takes too long is given up, and the next one waits until it has ended', async () => {
    const get = open({ limits: { withinMs: 200 } });
    await get('', '');
    store.before = () => new Promise((resolve) => setTimeout(resolve, 350));
    const slow = await get('history', 'bucket=1m&last=20d&productid=1');
    expect(slow).toMatchObject({ status: 503 });
    expect(slow.json().detail).toContain('could not be read in 0.2 s');
    expect(await get('history', 'bucket=1m&last=20d&productid=1')).toMatchObject({ status: 200 });
  });

  it('is refused with 503 while so many others wait', async () => {
    const get = open({ limits: { mostAtOnce: 2 } });
    await get('', '');
    const query = 'bucket=1m&since=2026-03-10T00:00Z&until=2026-03-10T06:00Z&productid=';
    const answers = await Promise.all([1, 2, 3].map((id) => get('history', `${query}${id}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 503]);
    expect(answers.at(-1)?.json().detail).toContain('wait for 2 other answers of this kind');
  });

  it('fails with 503 if storage went back in time, and then follows', async () => {
    const own = new WatchedStore('own', () => nowMs);
    const clicks = await new ClicksTable(own).create();
    const at = nowMs - 5 * hourMs;
    for (const productid of [1, 2]) await clicks.append([{ productid, at }]);
    const get = open({ of: own });
    await get('', '');
    const list = own.get.bind(own);
    let isBack = false;
    own.get = async (path) => {
      // The scan asks for the checkpoint first.
      if (path.endsWith('_last_checkpoint') && !isBack) {
        isBack = true;
        await clicks.goBackTo(1);
        await clicks.append([{ productid: 3, at }]);
      }
      return list(path);
    };
    expect(await get('history', 'bucket=1m&last=6h')).toMatchObject({ status: 200 });
    expect(await get('history', 'bucket=1m&last=6h&productid=1')).toMatchObject({ status: 503 });
    expect((await get('history', 'bucket=1m&last=6h&productid=3')).json()).toMatchObject({ total: 1 });
  });
});
