import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { dayMs } from '../../src/lib/duration';
import { integerBetween, seededRandom } from '../../src/lib/sources/seededRandom';
import { type Answer, ApiAnswers } from './apiAnswers';
import { type Chosen, type Compare, expectedNumbers, periods } from './expectedNumbers';
import { LakeNumbers } from './lakeNumbers';
import { OpenedDashboard, patience, untilShown } from './openedDashboard';
import { shownNumbers } from './shownNumbers';
import { written } from './writtenNumbers';

const dayMinutes = 24 * 60;
const random = seededRandom(7);

/** Clicks of 33 days, most of them of the last hours. Product 60 has no category. */
function someClicks(count: number) {
  const now = Date.now();
  return Array.from({ length: count }, () => {
    const productid = Math.ceil(60 * random() ** 2);
    const at = Math.floor(now - 33 * dayMs * random() ** 5);
    const category = productid === 60 ? null : (productid % 10) + 1;
    return { productid, at, category };
  }).sort((a, b) => a.at - b.at);
}

describe('each number of clicks on the page is that of DuckDB over the lake', () => {
  const dashboard = new OpenedDashboard();
  let lake: LakeNumbers;
  let answers: ApiAnswers;
  let clicking: Promise<void>;
  let isOver = false;

  /** Commits go on, so that what the page shows at a time is of different versions. */
  async function keepClicking(): Promise<void> {
    while (!isOver) {
      await dashboard.table.click(...Array.from({ length: 3 }, () => integerBetween(random, 1, 59)));
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }

  beforeAll(async () => {
    await dashboard.start();
    for (const count of [2000, 1500]) await dashboard.table.append(someClicks(count));
    // A product whose category changes.
    await dashboard.table.append([{ productid: 59, category: 2 }]);
    lake = await LakeNumbers.open(dashboard.table.at.store, 'clicks');
    clicking = keepClicking();
  }, 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(async () => {
    isOver = true;
    await clicking;
    await lake.close();
    await dashboard.stop();
  }, 60_000);

  async function open(fragment = ''): Promise<Page> {
    const page = await dashboard.open({ acceptDownloads: true }, fragment, async (prepared) => {
      answers = new ApiAnswers();
      answers.listen(prepared);
    });
    await untilShown(page);
    return page;
  }

  async function check(page: Page, chosen: Chosen): Promise<void> {
    await untilShown(page);
    await vi.waitFor(async () => {
      const { shown, answers: known } = await answers.during(() => shownNumbers(page));
      expect(shown).toEqual(await expectedNumbers({ answers: known, lake, chosen }));
    }, patience);
  }

  it.each(Object.keys(periods) as Chosen['period'][])(
    'in the period %s, and each of its comparisons',
    async (period) => {
      const page = await open(period === 'all' ? '#period=1h' : '');
      await page.getByLabel(periods[period].label, { exact: true }).check();
      await check(page, { period });
      for (const compare of Object.keys(periods[period].compared) as Compare[]) {
        await page.locator(`#compare-${compare}`).check();
        await page.waitForSelector('#compared:not([hidden])', patience);
        await check(page, { period, compare });
      }
      await page.getByRole('button', { name: 'Category 4', exact: true }).click();
      const compare = Object.keys(periods[period].compared).at(-1) as Compare | undefined;
      await check(page, { period, category: 4, ...(compare && { compare }) });
      await page.locator('#compare-none').check();
      const keys = (await page.evaluate(
        `Array.from(document.querySelectorAll('#products tr'), (row) => row.dataset.key)`,
      )) as string[];
      for (const count of [1, 2]) {
        await page.locator(`#products [data-key="${keys[count - 1]}"] button`).click();
        await check(page, { period, category: 4, products: keys.slice(0, count).map(Number) });
      }
      expect(dashboard.problems).toEqual([]);
    },
    120_000,
  );

  it.each([
    ['24h', '10m'],
    ['48h', '15m'],
    ['7d', '30m'],
    ['31d', '6h'],
  ] as const)('in the period %s with bars of %s', async (period, bucket) => {
    const page = await open(`#period=${period}`);
    await page.getByLabel('Finer chart').check();
    await check(page, { period, bucket });
    await page.getByRole('button', { name: 'Category 4', exact: true }).click();
    await check(page, { period, bucket, category: 4 });
    expect(await page.locator('#history-words').textContent()).toContain('Counted in the files of the table');
    await page.evaluate(`location.hash = '#period=${period}&chart=fine&product=7&product=3'`);
    await check(page, { period, bucket, products: [7, 3] });
    await page.getByLabel('Finer chart').uncheck();
    await check(page, { period, products: [7, 3] });
    await page.getByLabel('1 h', { exact: true }).check();
    expect(await page.getByLabel('Finer chart').isDisabled()).toBe(true);
    expect(dashboard.problems).toEqual([]);
  });

  it('after a search', async () => {
    const page = await open('#period=24h');
    for (const search of ['1', '60']) {
      await page.getByLabel('Find products').fill(search);
      await page.waitForSelector(`#products-title:text-is("Products found")`, patience);
      await check(page, { period: '24h', search });
    }
    await page.locator('#compare-lastWeek').check();
    await check(page, { period: '24h', search: '60', compare: 'lastWeek' });
  });

  it.each([10, 300, 5 * dayMinutes, 29 * dayMinutes, 32 * dayMinutes])(
    'since a mark of %i minutes ago',
    async (minutes) => {
      const mark = new Date(Math.floor(Date.now() / 60_000 - minutes) * 60_000).toISOString();
      const page = await open();
      await page.evaluate(`location.hash = '#mark=${mark.slice(0, 16)}Z'`);
      await page.waitForSelector('#since-mark:not([hidden])', patience);
      await check(page, { period: 'all', mark });
      await page.getByRole('button', { name: 'Category 4', exact: true }).click();
      await page.waitForSelector('#since-mark:has-text("in category 4")', patience);
      await check(page, { period: 'all', mark, category: 4 });
    },
  );

  it('and its rate is that of the commits which it saw', async () => {
    const page = await open();
    await vi.waitFor(async () => {
      const { shown, answers: known } = await answers.during(() => page.locator('#rate').textContent());
      const seen = known.all('clicks', { top: 10 });
      expect(seen.length).toBeGreaterThan(2);
      const [first, last] = [seen[0], seen.at(-1)] as [Answer, Answer];
      const [total] = await lake.row(last, 'SELECT count(*) FROM clicks');
      const [earlier] = await lake.row(first, 'SELECT count(*) FROM clicks');
      const seconds = (Date.parse(last.asOf) - Date.parse(first.asOf)) / 1000;
      expect(shown).toBe(written(((Number(total) - Number(earlier)) / seconds).toFixed(1)));
    }, patience);
  });
});
