import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Value as Cell } from '../../src/lib/delta/schema';
import { TableAppender } from '../../src/lib/delta/tableAppender';
import { minuteMs } from '../../src/lib/duration';
import { deadLettersTable, letterFields } from '../../src/lib/lake/deadLetters';
import { inTime, LakeNumbers, type Time } from './lakeNumbers';
import { OpenedDashboard, patience, untilShown } from './openedDashboard';
import { shownNumbers } from './shownNumbers';
import { written, writtenChange } from './writtenNumbers';

const keptProducts = 6;

interface Answer extends Required<Time> {
  readonly version: number;
  readonly beforeFrom: string;
  readonly beforeTo: string;
  readonly products: readonly { readonly productid: number }[];
}

describe('with more products than are counted on their own', () => {
  const dashboard = new OpenedDashboard();
  let lake: LakeNumbers;
  /** A condition for the products that are not counted on their own. */
  let isOther: string;

  beforeAll(async () => {
    await dashboard.start({ COUNTED_PRODUCTS: String(keptProducts) });
    const now = Date.now();
    const clicks = Array.from({ length: 900 }, (_, n) => ({
      productid: 1 + ((n * n) % 37),
      at: now - Math.floor(n ** 1.6) * 1000,
    }));
    await dashboard.table.append(clicks);
    lake = await LakeNumbers.open(dashboard.table.at.store, 'clicks');
    const { products } = await dashboard.api<Answer>('clicks?top=1000');
    expect(products).toHaveLength(keptProducts);
    isOther = `productid NOT IN (${products.map(({ productid }) => productid)})`;
  }, 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(async () => {
    await lake.close();
    await dashboard.stop();
  }, 60_000);

  const othersIn = async (answer: Pick<Answer, 'version'>, time: Time): Promise<number> =>
    Number((await lake.row(answer, `SELECT count(*) FROM clicks WHERE ${inTime(time)} AND ${isOther}`))[0]);

  const rowOf = (rows: readonly string[][]) => rows.find(([key]) => key === 'other');

  it.each([
    ['', ''],
    ['#period=1h', '?last=60m'],
    ['#period=24h', '?last=24h'],
    ['#period=7d', '?last=7d'],
  ])('the page %s has the clicks on all others as one, as DuckDB does', async (fragment, query) => {
    const page = await dashboard.open({ acceptDownloads: true }, fragment);
    await untilShown(page);
    await vi.waitFor(async () => {
      const { products, categories } = await shownNumbers(page);
      const answer = await dashboard.api<Answer>(`clicks${query}`);
      const others = await othersIn(answer, query === '' ? {} : answer);
      expect(rowOf(products)).toEqual(['other', '', written(others)]);
      const [all] = await lake.row(
        answer,
        `SELECT count(*) FROM clicks WHERE ${inTime(query === '' ? {} : answer)}`,
      );
      const share = `${((100 * others) / Number(all)).toFixed(1)} %`;
      expect(rowOf(categories)).toEqual(['other', written(others), share]);
      expect(others).toBeGreaterThan(0);
    }, patience);
  });

  it('none of the others has more clicks than the page says', async () => {
    const page = await dashboard.open();
    await untilShown(page);
    const title = (await page.locator('#products [data-key=other] th').getAttribute('title')) ?? '';
    const [, most = ''] = /None of them has more than ([\d,]+) clicks/.exec(title) ?? [];
    const answer = await dashboard.api<Answer>('clicks');
    const perProduct = `SELECT count(*) AS clicks FROM clicks WHERE ${isOther} GROUP BY productid`;
    const [largest, sum] = await lake.row(answer, `SELECT max(clicks), sum(clicks) FROM (${perProduct})`);
    expect(Number(most.replaceAll(',', ''))).toBeGreaterThanOrEqual(Number(largest));
    expect(Number(most.replaceAll(',', ''))).toBeLessThanOrEqual(Number(sum));
  });

  it('the change of all others is that of DuckDB', async () => {
    const page = await dashboard.open({ acceptDownloads: true }, '#period=1h&compare=before');
    await untilShown(page);
    await vi.waitFor(async () => {
      const { products } = await shownNumbers(page);
      const answer = await dashboard.api<Answer>('clicks/trending?last=60m&compare=before');
      const clicks = await othersIn(answer, answer);
      const before = await othersIn(answer, { from: answer.beforeFrom, to: answer.beforeTo });
      expect(rowOf(products)?.[3]).toBe(writtenChange({ clicks, before }));
      expect(before).toBeGreaterThan(0);
    }, patience);
  });

  it('the events that could not be read, and the age of the newest commit, are those of the lake', async () => {
    const { store } = dashboard.table.at;
    const at = { store, table: deadLettersTable };
    const ages = [90, 59, 30, 12, 1].map((minutes) => (Date.now() - minutes * minuteMs) * 1000);
    const rows = ages.map((receivedAt, n): Cell[] => {
      return ['clickstream', 0, 0, n, 0, receivedAt, 'bad-json', 'detail', null, null, receivedAt];
    });
    const columns = letterFields.map((_, column) => rows.map((row) => row[column] ?? null));
    await new TableAppender({ at, fields: letterFields }).appendRows(columns, rows.length);
    const letters = await LakeNumbers.open(store, deadLettersTable);
    const page = await dashboard.open();
    await vi.waitFor(async () => {
      const sql = `SELECT count(*) FROM ${deadLettersTable} WHERE stream = 'clickstream' AND received_at >= to_timestamp(${Date.now() / 1000} - 3600)::TIMESTAMP`;
      const [recent] = await letters.row({ version: 1 }, sql);
      const words = await clicksLine(page);
      expect(words).toContain(`${recent} events of the last hour could not be read`);
      const [, age = '', unit = ''] = /The newest were committed (\d+) (s|min) ago/.exec(words) ?? [];
      const { asOf } = await dashboard.api<{ asOf: string }>('clicks');
      const seconds = (Date.now() - Date.parse(asOf)) / 1000;
      expect(Math.abs(Number(age) * (unit === 's' ? 1 : 60) - seconds)).toBeLessThan(unit === 's' ? 5 : 60);
    }, patience);
    await letters.close();
  });

  const clicksLine = (page: Page) => page.locator('#lateness tr[data-key="Clicks"]').innerText();
});
