import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hourMs } from '../../src/lib/duration';
import { OpenedDashboard, patience, seriousViolations, untilShown } from './openedDashboard';
import { changeInWords, written, writtenChange } from './writtenNumbers';

interface Trending {
  total: number;
  totalBefore: number;
  products: { productid: number; category: number; clicks: number; before: number }[];
}

describe('a reader who compares', () => {
  const dashboard = new OpenedDashboard();
  const open: OpenedDashboard['open'] = (...given) => dashboard.open(...given);

  beforeAll(async () => {
    await dashboard.start();
    // In the last full hour, in the one before it, and in the same one yesterday and last week.
    const clicksOn = (productid: number, count: number, hoursAgo: number) =>
      Array.from({ length: count }, () => ({ productid, at: Date.now() - hoursAgo * hourMs }));
    await dashboard.table.append([
      ...[...clicksOn(3, 4, 1), ...clicksOn(7, 9, 1), ...clicksOn(3, 6, 2), ...clicksOn(11, 1, 2)],
      ...[...clicksOn(3, 8, 25), ...clicksOn(7, 3, 25), ...clicksOn(11, 2000, 25)],
      ...[...clicksOn(3, 5, 7 * 24 + 1), ...clicksOn(11, 70, 9 * 24)],
    ]);
  }, 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(() => dashboard.stop(), 60_000);

  /** The last cell of each row, by product. */
  const changesShown = async (page: Page) =>
    Object.fromEntries(
      (await page.evaluate(`Array.from(document.querySelectorAll('#products tr'), (row) =>
        [row.dataset.key, row.lastElementChild.innerText.replace(/\\s+/g, ' ').trim()])`)) as [
        string,
        string,
      ][],
    );

  it.each([
    ['the time before', 'before', '1h', '60m'],
    ['the same time yesterday', 'yesterday', '1h', '1h'],
    ['the same time yesterday', 'yesterday', '15m', '1h'],
    ['the time before', 'before', '24h', '24h'],
    ['the time before', 'before', '48h', '48h'],
    ['the time before', 'before', '7d', '7d'],
    ['the same time last week', 'lastWeek', '15m', '1h'],
    ['the same time last week', 'lastWeek', '24h', '24h'],
    ['the same time last week', 'lastWeek', '48h', '2d'],
    ['the same time last week', 'lastWeek', '7d', '7d'],
    ['the same time last week', 'lastWeek', 'all', '1h'],
    ['the time before', 'before', 'all', '5m'],
  ])(
    'with %s (%s, period %s) sees the changes of the API, in clicks and percent',
    async (label, compare, period, last) => {
      const page = await open({}, period === 'all' ? '' : `#period=${period}`);
      await untilShown(page);
      expect(await page.locator('#products-change').isVisible()).toBe(false);
      await page.getByLabel(label).check();
      await page.waitForSelector('#compared:not([hidden])', patience);
      // The times move with the clock, on the page some seconds later.
      await vi.waitFor(
        async () => {
          const told = await dashboard.api<Trending>(
            `clicks/trending?last=${last}&compare=${compare}&top=1000`,
          );
          const { total, totalBefore, products } = told;
          const change = changeInWords({ clicks: total, before: totalBefore });
          const words = await page.locator('#compared').textContent();
          expect(words).toContain(`${change}: ${written(total)} clicks from `);
          expect(words).toContain(`, ${written(totalBefore)} from `);
          const expected = ['7', '3', '11'].map((key) => {
            const of = products.find(({ productid }) => String(productid) === key);
            return [key, writtenChange(of ?? { clicks: 0, before: 0 })];
          });
          expect(await changesShown(page)).toEqual(Object.fromEntries(expected));
        },
        { ...patience, interval: 500 },
      );
      expect(new URL(page.url()).hash).toContain(`compare=${compare}`);
      expect(dashboard.problems).toEqual([]);
    },
  );

  it('shares the comparison, has it per category, takes it away, and ends it', async () => {
    const page = await open({ acceptDownloads: true }, '#period=1h&compare=yesterday&category=4');
    await page.waitForSelector('#compared:not([hidden])', patience);
    expect(await page.getByLabel('the same time yesterday').isChecked()).toBe(true);
    const told = await dashboard.api<Trending>('clicks/trending?last=1h&compare=yesterday&top=1000');
    const lamp = told.products.find(({ category }) => category === 4) ?? { clicks: 0, before: 0 };
    expect(lamp.before).toBe(8);
    expect(await page.locator('#compared').textContent()).toContain(
      `The last full hour against the same time yesterday. ${changeInWords(lamp)}: ${lamp.clicks} clicks from `,
    );
    // However many products there are, the page asks for those that it shows.
    const tops = dashboard.requests
      .filter(({ pathname }) => pathname.endsWith('/trending'))
      .map(({ searchParams }) => Number(searchParams.get('top')));
    expect(tops.length).toBeGreaterThan(0);
    expect(Math.max(...tops)).toBeLessThanOrEqual(50);
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('#changes-csv').click()]);
    expect(file.suggestedFilename()).toBe('changes-period-1h-compare-yesterday-category-4.csv');
    await page.getByLabel('nothing').check();
    await untilShown(page);
    for (const gone of ['#compared', '#products-change', '#changes-csv'])
      expect(await page.locator(gone).isVisible()).toBe(false);
    expect(new URL(page.url()).hash).toBe('#period=1h&category=4');
  });

  it.each([
    ['48h', ['yesterday'], ['the same time yesterday, because the two times would overlap.']],
    [
      '7d',
      ['yesterday'],
      ['Clicks of the last 7 days cannot be compared with the same time yesterday, because'],
    ],
    [
      '31d',
      ['before', 'yesterday', 'lastWeek'],
      [
        'cannot be compared with the time before, because clicks by time are counted in advance for 31 days only; nor',
        'with the same time yesterday or the same time last week, because the two times would overlap.',
      ],
    ],
  ] as const)('in a period of %s is not offered %j, and told why', async (period, missing, reasons) => {
    // What the API does not answer is left out of a link, too.
    const page = await open({}, `#period=${period}&compare=${missing[0]}`);
    await untilShown(page);
    expect(new URL(page.url()).hash).toBe(`#period=${period}`);
    expect(await page.getByLabel('nothing').isChecked()).toBe(true);
    for (const compare of ['before', 'yesterday', 'lastWeek'])
      expect(await page.locator(`#compare-${compare}`).isDisabled()).toBe(
        (missing as readonly string[]).includes(compare),
      );
    for (const reason of reasons) expect(await page.locator('#not-compared').innerText()).toContain(reason);
    await page.getByLabel('1 h', { exact: true }).check();
    await page.waitForSelector('#not-compared', { ...patience, state: 'hidden' });
    await page.getByLabel('the same time yesterday').check();
    await page.waitForSelector('#compared:not([hidden])', patience);
    await page.locator(`#period-${period}`).check();
    await page.waitForSelector('#compared', { ...patience, state: 'hidden' });
    expect(new URL(page.url()).hash).toBe(`#period=${period}`);
    expect(dashboard.problems).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('can use it, in %s', async (colorScheme) => {
    const page = await open({ colorScheme, bypassCSP: true }, '#period=48h&compare=before');
    await page.waitForSelector('#compared:not([hidden])', patience);
    await page.waitForSelector('#not-compared:not([hidden])', patience);
    expect(await seriousViolations(page)).toEqual([]);
  });
});
