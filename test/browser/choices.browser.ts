import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  hostile,
  OpenedDashboard,
  patience,
  seriousViolations,
  untilShown,
  untilState,
  untilTotal,
} from './openedDashboard';

const number = (text: string | null | undefined) => Number((text ?? '').replaceAll(',', ''));

interface Products {
  total: number;
  products: { productid: number; clicks: number }[];
}

describe('on the dashboard a reader', () => {
  const dashboard = new OpenedDashboard();
  const open: OpenedDashboard['open'] = (...given) => dashboard.open(...given);

  beforeAll(() => dashboard.start(), 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(() => dashboard.stop(), 60_000);

  const fragmentOf = (page: Page) => new URL(page.url()).hash;
  const clicksShown = async (page: Page) =>
    (await page.locator('#products tr').allInnerTexts()).map((row) => number(row.split(/\s+/).at(-1)));
  /** Reads the file that a button saves. */
  async function download(page: Page, button: string): Promise<{ name: string; text: string }> {
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator(button).click()]);
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  }

  it('who comes with a key finds it nowhere but in the session and in the header of requests', async () => {
    const key = 'secret+Key/7==';
    const sent = new Set<string | undefined>();
    const page = await open({ acceptDownloads: true }, `#key=${key}&period=1h`, async (prepared) => {
      prepared.on('request', (request) => {
        if (request.url().includes('/api/clicks')) sent.add(request.headers()['x-functions-key']);
      });
    });
    await untilShown(page);
    expect(fragmentOf(page)).toBe('#period=1h');
    await page.locator('#categories button').first().click();
    await untilShown(page);
    const files = [];
    for (const button of ['#products-csv', '#history-csv', '#trending-csv', '#categories-csv'])
      files.push(await download(page, button));
    await page.emulateMedia({ media: 'print' });
    const printed = await page.locator('body').innerText();
    const found = [
      ...files.map(({ name, text }) => name + text),
      ...dashboard.requests.map(({ href }) => href),
      printed,
      page.url(),
      await page.content(),
      await page.evaluate(
        `JSON.stringify([localStorage, document.cookie, history.state, ...Array.from(document.links, (link) => link.href)])`,
      ),
    ]
      .join('\n')
      // The address that was opened, before its fragment is sent nowhere.
      .match(/secret[^\n]*/g);
    expect(found).toBeNull();
    expect([...sent]).toEqual([key]);
    // Back at the first entry of the history. The test does not leave the page: Chromium then often never closes it.
    await page.goBack();
    expect(fragmentOf(page)).toBe('#period=1h');
    expect(page.url()).not.toContain('secret');
    expect(dashboard.problems).toEqual([]);
  });

  it('chooses a period, and sees what the API answers for it', async () => {
    const page = await open();
    await untilTotal(page, 43);
    for (const [label, last, bars] of [
      ['15 min', '15m', 15],
      ['1 h', '60m', 60],
      ['24 h', '24h', 24],
      ['48 h', '48h', 48],
      ['7 d', '7d', 7 * 24],
      ['31 d', '31d', 31],
    ] as const) {
      await page.getByLabel(label, { exact: true }).check();
      await untilShown(page);
      // The window moves every minute, on the page up to a second later.
      await vi.waitFor(async () => {
        const { total, products } = await dashboard.api<Products>(`clicks?last=${last}&top=10`);
        expect(number(await page.locator('#total').textContent())).toBe(total);
        expect(await clicksShown(page)).toEqual(products.map(({ clicks }) => clicks));
        const lines = (await downloadHistory(page)).trimEnd().split('\r\n').slice(1);
        expect(lines).toHaveLength(bars);
        expect(lines.reduce((sum, line) => sum + Number(line.split(',')[1]), 0)).toBe(total);
      }, patience);
    }
    expect(await page.locator('#shown').textContent()).toBe('Clicks of the last 31 days.');
    expect(await page.locator('#history-title').textContent()).toBe('Clicks per day, in the last 31 days');
    expect(await page.locator('#history-words').textContent()).toContain('Days are those of UTC.');
    expect(fragmentOf(page)).toBe('#period=31d');
    expect(dashboard.problems).toEqual([]);
  });

  const downloadHistory = async (page: Page) => (await download(page, '#history-csv')).text;

  it('filters by a category by clicking it, and by clicking it again no more', async () => {
    const page = await open();
    await untilShown(page);
    await page.getByRole('button', { name: 'Category 4', exact: true }).click();
    await untilTotal(page, 2);
    await untilShown(page);
    const { total, products } = await dashboard.api<Products>('clicks?category=4');
    expect([total, await clicksShown(page)]).toEqual([2, products.map(({ clicks }) => clicks)]);
    expect(await page.locator('#total-title').textContent()).toBe('Clicks in category 4');
    expect(await page.locator('#history-title').textContent()).toBe(
      'Category 4: clicks per minute, in the last hour',
    );
    expect(await page.locator('#history-words').textContent()).toContain('In the chart: 2 clicks');
    const { name, text } = await download(page, '#products-csv');
    expect(name).toBe('products-category-4.csv');
    expect(text).toBe(await dashboard.api('clicks?category=4', 'text/csv'));
    // What rises is on the page only if a full minute of it is over.
    const rising = await page.locator('#trending th[scope=row]').count();
    const lines = (await download(page, '#trending-csv')).text.trimEnd().split('\r\n');
    expect(lines[0]).toBe('productid,name,category,clicks,before,change');
    expect(lines.slice(1)).toHaveLength(rising);
    await page.getByRole('button', { name: 'Category 4', exact: true }).click();
    await untilTotal(page, 43);
    expect(fragmentOf(page)).toBe('');
  });

  it('finds products by a part of the name or by number, and takes away what was found', async () => {
    const page = await open();
    await untilShown(page);
    const search = page.getByLabel('Find products');
    await search.fill('LAM');
    await page.waitForSelector('#products-words:has-text("1 found, with 2 clicks.")', patience);
    expect(await page.locator('#products tr').allInnerTexts()).toHaveLength(1);
    await search.fill('#1');
    await page.waitForSelector('#products tr:has-text("#11")', patience);
    expect((await download(page, '#products-csv')).text).toBe(
      'productid,name,category,clicks\r\n11,,2,1\r\n',
    );
    await search.fill('script');
    await page.waitForSelector('#products tr:has-text("#7")', patience);
    expect(await page.locator('#products .name').first().textContent()).toBe(hostile);
    await search.fill('no such thing');
    await page.waitForSelector('#products:has-text("No product with such a name")', patience);
    expect(fragmentOf(page)).toBe('#search=no+such+thing');
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(dashboard.problems).toEqual([]);
  });

  it('sees the line of a product that was clicked, and goes back', async () => {
    const page = await open({}, '#period=1h');
    await untilShown(page);
    await page.locator('#products button').first().click();
    await page.waitForSelector('#history-title:has-text("(#7)")', patience);
    expect(await page.locator('#history-title').textContent()).toBe(
      `${hostile} (#7): clicks per minute, in the last hour`,
    );
    const { clicks } = await dashboard.api<{ clicks: number }>('clicks/7?last=60m');
    expect(await page.locator('#history-words').textContent()).toContain(
      `Category 8. In the chart: ${clicks} clicks, at most 1 per minute.`,
    );
    expect(await downloadHistory(page)).toBe(
      await dashboard.api('clicks/history?bucket=1m&last=1h&productid=7', 'text/csv'),
    );
    expect(fragmentOf(page)).toBe('#period=1h&product=7');
    await page.goBack();
    await page.waitForSelector('#history-title:has-text("Clicks per minute")', patience);
    expect(fragmentOf(page)).toBe('#period=1h');
    // Clicked again, a product leaves the chart.
    await page.locator('#products button').first().click();
    await page.waitForSelector('#products button[aria-pressed=true]', patience);
    await page.locator('#products button').first().click();
    expect(fragmentOf(page)).toBe('#period=1h');
    expect(dashboard.problems).toEqual([]);
  });

  it('shares the whole view by its address, and is told of a product that has no count', async () => {
    const page = await open({}, '#period=15m&category=8&product=999&search=7&other=1');
    await untilShown(page);
    expect(fragmentOf(page)).toBe('#period=15m&category=8&product=999&search=7');
    expect(await page.getByLabel('15 min').isChecked()).toBe(true);
    expect(await page.getByLabel('Find products').inputValue()).toBe('7');
    expect(await page.locator('#all-categories').innerText()).toBe('Category 8 ×');
    expect(await page.locator('#history-title').textContent()).toBe('Product #999');
    expect(await page.locator('#history-words').textContent()).toContain('product 999');
    await page.locator('#all-products').click();
    await page.waitForSelector('#history-title:has-text("Category 8")', patience);
    expect(await page.evaluate('document.activeElement.id')).toBe('period-15m');
    await page.evaluate(`location.hash = '#period=24h&key=another'`);
    await page.waitForSelector('#history-title:has-text("per hour")', patience);
    expect(fragmentOf(page)).toBe('#period=24h');
    await untilState(page, 'live');
  });

  it.each(['light', 'dark'] as const)('can use everything that is chosen, in %s', async (colorScheme) => {
    const page = await open({ colorScheme, bypassCSP: true }, '#period=1h&category=8&product=7&search=7');
    await untilShown(page);
    await page.waitForSelector('#products-words:has-text("1 found")', patience);
    expect(await seriousViolations(page)).toEqual([]);
  });
});
