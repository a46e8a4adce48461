import { beforeAll, describe, expect, it } from 'vitest';
import { ClicksApi } from '../../../src/lib/api/clicksApi';
import { countTerms } from '../../../src/lib/api/countTerms';
import { Counts } from '../../../src/lib/counts/counts';
import { ProductNames } from '../../../src/lib/counts/productNames';
import { hourMs, minuteMs } from '../../../src/lib/duration';
import { seededRandom } from '../../../src/lib/sources/seededRandom';
import { MemoryStore } from '../../../src/lib/storage/memoryStore';
import { countedClicks } from '../../../src/lib/streams/clickstream';
import { type Click, ClicksTable } from '../counts/clicksTable';
import { askDocumented } from './askDocumented';

const nowMs = Math.floor(Date.now() / minuteMs) * minuteMs + minuteMs / 2;
const store = new MemoryStore();
const clicks: Required<Click>[] = [];

beforeAll(async () => {
  const random = seededRandom(7);
  for (let n = 0; n < 3000; n++) {
    const productid = Math.floor(random() * 6);
    clicks.push({
      productid,
      category: productid % 3,
      at: Math.floor(nowMs - random() ** 3 * 60 * hourMs),
    });
  }
  const table = await new ClicksTable(store).create();
  await table.append(clicks);
});

function open(terms?: typeof countTerms, maxKeys = 100) {
  const counts = new Counts({
    at: { store, table: 'clicks' },
    counted: countedClicks,
    refreshMs: 0,
    maxKeys,
    now: () => nowMs,
  });
  const names = new ProductNames(store);
  const api = new ClicksApi({ counts, names, now: () => nowMs, ...(terms && { terms }) });
  const documented = terms ? '/counts/{stream}/history' : '/clicks/history';
  return async (query: string) => {
    return JSON.parse((await askDocumented(api, documented, { path: 'history', query })).body);
  };
}

describe('the history of one product or category', () => {
  it.each([
    ['1m', 1, '2h', 120],
    ['1m', 1, '1h', 60],
    ['45m', 45, '45m', 1],
    ['7m', 7, '100m', 15],
    ['1h', 60, '2h', 2],
    ['1h', 60, '48h', 48],
    ['6h', 360, '1d', 4],
    ['1d', 1440, '2d', 2],
    // These are scanned, in part or as a whole.
    ['1m', 1, '50h', 3000],
    ['7m', 7, '2h', 18],
    ['150m', 150, '150m', 1],
    ['1h', 60, '193h', 193],
  ])('in buckets of %s has all clicks of the last %3$s', async (bucket, minutes, last, length) => {
    const get = open();
    const wanted: [string, (click: Click) => boolean][] = [
      ['productid=4', ({ productid }) => productid === 4],
      ['category=1', ({ category }) => category === 1],
    ];
    for (const [filter, isWanted] of wanted) {
      const answer = await get(`${filter}&bucket=${bucket}&last=${last}`);
      expect(answer.buckets).toHaveLength(length);
      const counted = answer.buckets.map(({ from }: { from: string }) => {
        const fromMs = Date.parse(from);
        return clicks.filter(
          (click) => isWanted(click) && click.at >= fromMs && click.at < fromMs + minutes * minuteMs,
        ).length;
      });
      expect(answer.buckets.map((one: { clicks: number }) => one.clicks)).toEqual(counted);
      expect(answer.total).toBe(counted.reduce((sum: number, one: number) => sum + one, 0));
      expect(answer.total).toBeGreaterThan(0);
    }
  });

  it('is asked for by key or attribute in the words of every stream', async () => {
    const [clicksOf, countsOf] = [open(), open(countTerms)];
    const { total } = await clicksOf('productid=4&last=2h');
    expect(await countsOf('key=4&last=2h')).toMatchObject({ total });
    const ofCategory = await clicksOf('category=1&last=2h');
    expect(await countsOf('attribute=1&last=2h')).toMatchObject({ total: ofCategory.total });
  });

  it('tells what it cannot know of products that are not counted on their own', async () => {
    const get = open(undefined, 3);
    const all = await get('last=2h');
    const parts = [0, 1, 2].map((category) => get(`category=${category}&last=2h`));
    const totals = (await Promise.all(parts)).map(({ total, other }) => ({ total, other: other.clicks }));
    const known = totals.reduce((sum, { total }) => sum + total, 0);
    for (const { other } of totals) expect(known + other).toBe(all.total);
    const kinds = await Promise.all([0, 1, 2, 3, 4, 5].map((id) => get(`productid=${id}&last=1h`)));
    expect(kinds.filter(({ status }) => status === 404)).toHaveLength(3);
  });

  it.each([
    ['productid=99', 404, 'productid'],
    ['productid=lamp', 400, 'productid'],
    ['category=red', 400, 'category'],
    ['productid=4&category=1', 400, 'category'],
    ['productid=4&bucket=1500m', 400, 'bucket'],
    ['last=3h&key=4', 400, 'key'],
  ])('answers %s with %i, naming %s', async (query, status, parameter) => {
    expect(await open()(query)).toMatchObject({ status, parameter });
  });
});
