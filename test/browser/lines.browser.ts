import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hostile, OpenedDashboard, patience, seriousViolations, untilShown } from './openedDashboard';

describe('a reader who puts several products into one chart', () => {
  const dashboard = new OpenedDashboard();
  const open: OpenedDashboard['open'] = (...given) => dashboard.open(...given);

  beforeAll(async () => {
    await dashboard.start();
    await dashboard.table.click(21, 22, 23, 24);
  }, 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(() => dashboard.stop(), 60_000);

  const fragmentOf = (page: Page) => new URL(page.url()).hash;
  const legend = (page: Page) => page.locator('#lines tr').allInnerTexts();

  it('has a line and a name for each, with the numbers of the API, in the address and in the file', async () => {
    const page = await open({ acceptDownloads: true }, '#period=1h');
    await untilShown(page);
    await page.locator('#products [data-key="7"] button').click();
    await page.locator('#products [data-key="3"] button').click();
    await page.waitForSelector('#lines tr:nth-child(2)', patience);
    expect(fragmentOf(page)).toBe('#period=1h&product=7&product=3');
    const histories = await Promise.all(
      [7, 3].map((product) =>
        dashboard.api<{ total: number; buckets: { from: string; clicks: number }[] }>(
          `clicks/history?bucket=1m&last=1h&productid=${product}`,
        ),
      ),
    );
    const [hostileTotal, lampTotal] = histories.map(({ total }) => String(total));
    expect((await legend(page)).map((row) => row.split(/\s×\s+/))).toEqual([
      [`${hostile} (#7)`, hostileTotal],
      ['Lamp (#3)', lampTotal],
    ]);
    expect(await page.locator('#history-title').textContent()).toBe(
      'Products: clicks per minute, in the last hour',
    );
    const [file] = await Promise.all([page.waitForEvent('download'), page.locator('#history-csv').click()]);
    const lines = readFileSync(await file.path(), 'utf8')
      .trimEnd()
      .split('\r\n');
    expect(lines[0]).toBe('from,product 7,product 3');
    const [of7, of3] = histories.map(({ buckets }) => buckets);
    expect(lines.slice(1)).toEqual(
      of7?.map(({ from, clicks }, index) => `${from},${clicks},${of3?.[index]?.clicks}`),
    );
    await page.locator('#history .u-over').hover();
    expect(await page.locator('#history-at').textContent()).toMatch(/^From .+: <img .*, Lamp \d/);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(dashboard.problems).toEqual([]);
  });

  it('takes a line out by its name, with the keyboard, and all of them by one button', async () => {
    const page = await open({}, '#product=7&product=3&product=11');
    await page.waitForSelector('#lines tr:nth-child(3)', patience);
    await page.locator('#lines button').nth(1).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('#lines tr:nth-child(2):has-text("#11")', patience);
    expect(fragmentOf(page)).toBe('#product=7&product=11');
    expect(await page.locator('#products [data-key="11"] button').getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('#products [data-key="3"] button').getAttribute('aria-pressed')).toBe('false');
    await page.getByRole('button', { name: 'Products #7, #11' }).click();
    await page.waitForSelector('#legend', { ...patience, state: 'hidden' });
    expect(fragmentOf(page)).toBe('');
  });

  it('is told that five are the most, and of one that has no count while the others are shown', async () => {
    const page = await open({}, '#product=7&product=3&product=11&product=21&product=999&product=22');
    await page.waitForSelector('#lines tr:nth-child(4)', patience);
    expect(fragmentOf(page)).toBe('#product=7&product=3&product=11&product=21&product=999');
    expect(await page.locator('#history-words').textContent()).toContain('product 999');
    await page.locator('#products [data-key="23"] button').click();
    expect(await page.locator('#choice-problem').innerText()).toContain('The chart has 5 products');
    expect(fragmentOf(page)).not.toContain('23');
    await page.locator('#products [data-key="21"] button').click();
    await page.locator('#products [data-key="23"] button').click();
    expect(fragmentOf(page)).toBe('#product=7&product=3&product=11&product=999&product=23');
    expect(await page.locator('#choice-problem').isVisible()).toBe(false);
  });

  it.each(['light', 'dark'] as const)('can use it, in %s and on a phone', async (colorScheme) => {
    const viewport = { width: 360, height: 740 };
    const page = await open({ colorScheme, viewport, bypassCSP: true }, '#product=7&product=3&product=11');
    await page.waitForSelector('#lines tr:nth-child(3)', patience);
    expect(await seriousViolations(page)).toEqual([]);
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
  });
});
