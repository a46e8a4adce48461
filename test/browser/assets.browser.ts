import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hourMs } from '../../src/lib/duration';
import { writeAssets } from '../kit/writeAssets';
import { hostile, OpenedDashboard, patience, seriousViolations, untilState } from './openedDashboard';
import { download } from './shownNumbers';

interface Asset {
  id: string;
  asset_rank: number;
  priceUsd: number | null;
  changePercent24Hr: number | null;
  runtime_timestamp: string;
}

describe('in the tab of the assets a reader', () => {
  const dashboard = new OpenedDashboard();
  const open: OpenedDashboard['open'] = (...given) => dashboard.open(...given);

  beforeAll(async () => {
    await dashboard.start();
    const now = Date.now();
    const bitcoin = { id: 'bitcoin', asset_rank: 1, symbol: 'BTC', asset_name: 'Bitcoin' };
    await writeAssets(dashboard.table.at.store, [
      ...[0, 1, 2, 30].map((hours) => ({
        ...{ ...bitcoin, priceUsd: 64_000.125 + hours, changePercent24Hr: -1.234 },
        runtime_timestamp: now - hours * hourMs,
      })),
      ...Array.from({ length: 120 }, (_, index) => ({
        ...{
          id: index === 118 ? '=coin,"118"' : `coin-${index}`,
          asset_rank: index + 2,
          symbol: `C${index}`,
          asset_name: index === 0 ? hostile : null,
        },
        ...{ priceUsd: 0.000123456 * (index + 1), changePercent24Hr: index === 1 ? null : index },
        runtime_timestamp: now - index * 1000,
      })),
    ]);
  }, 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(() => dashboard.stop(), 60_000);

  const untilPrices = (page: Page) =>
    page.waitForSelector('#asset-numbers:not([hidden])[aria-busy=false] #assets tr', patience);
  /** The exact values of each row: price, change, time and rank. */
  const valuesShown = (page: Page) =>
    page.evaluate(`Array.from(document.querySelectorAll('#assets tr'), (row) =>
      [row.dataset.key, ...Array.from(row.querySelectorAll('td'), (cell) => cell.title)])`);

  it('sees rank, price, change and time of each asset as the API has them', async () => {
    const page = await open();
    await page.getByRole('link', { name: 'Assets' }).click();
    await untilPrices(page);
    expect(new URL(page.url()).hash).toBe('#tab=assets');
    expect(await page.locator('h1').innerText()).toBe('Prices of assets');
    const { assets } = await dashboard.api<{ assets: Asset[] }>('assets?top=100');
    expect(await valuesShown(page)).toEqual(
      assets.map(({ id, priceUsd, changePercent24Hr, runtime_timestamp, asset_rank }) => [
        ...[id, String(priceUsd), changePercent24Hr === null ? '' : String(changePercent24Hr)],
        ...[runtime_timestamp, String(asset_rank)],
      ]),
    );
    const rows = await page.locator('#assets tr').allInnerTexts();
    expect(rows[0]).toMatch(/^Bitcoin BTC\s+\$64,000\.13\s+−1\.23 %/);
    expect(rows[1]).toContain('$0.0001235');
    expect(await page.locator('#assets-words').innerText()).toContain('The first 100 of 121 assets');
    expect(await page.locator('#assets .name').nth(1).textContent()).toBe(hostile);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await download(page, '#assets-csv')).toBe(await dashboard.api('assets', 'text/csv'));
    expect(dashboard.problems).toEqual([]);
  });

  it('clicks an asset for its prices over time, chooses how far back, and shares that', async () => {
    const page = await open({}, '#tab=assets');
    await untilPrices(page);
    expect(await page.locator('#price-section').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Bitcoin BTC' }).click();
    for (const [label, prices, bucket, over, points] of [
      ['7 days', '7d', '1h', 'in the last 7 days', 4],
      ['1 day', '24h', '1h', 'in the last 24 hours', 3],
      ['31 days', '31d', '1d', 'in the last 31 days', undefined],
    ] as const) {
      await page.getByLabel(label, { exact: true }).check();
      await page.waitForSelector(`#prices-title:text-is("Bitcoin: price in US dollars, ${over}")`, patience);
      const path = `assets/bitcoin/history?bucket=${bucket}&last=${prices}`;
      const { buckets } = await dashboard.api<{ buckets: Asset[] }>(path);
      if (points !== undefined) expect(buckets).toHaveLength(points);
      const told = buckets.map(({ priceUsd }) => priceUsd ?? 0);
      const inDollars = (price: number) =>
        price.toLocaleString('en-US', { style: 'currency', currency: 'USD' });
      expect(await page.locator('#prices-words').textContent()).toContain(
        `Between ${inDollars(Math.min(...told))} and ${inDollars(Math.max(...told))}; ${inDollars(told.at(-1) ?? 0)} at the end.`,
      );
      expect(await download(page, '#prices-csv')).toBe(await dashboard.api(path, 'text/csv'));
    }
    expect(new URL(page.url()).hash).toBe('#tab=assets&asset=bitcoin&prices=31d');
    await page.getByRole('button', { name: 'Bitcoin BTC' }).click();
    await page.waitForSelector('#price-section', { ...patience, state: 'hidden' });
    expect(dashboard.problems).toEqual([]);
  });

  it('finds assets, follows a link, and is told of one that is not there', async () => {
    const page = await open({}, '#tab=assets&asset=coin-7&prices=24h&find=c11');
    await untilPrices(page);
    await page.waitForSelector('#prices-title:has-text("coin-7: price")', patience);
    expect(await page.getByLabel('Find assets').inputValue()).toBe('c11');
    expect(await page.locator('#assets tr').count()).toBe(11);
    expect((await download(page, '#assets-csv')).trimEnd().split('\r\n')).toHaveLength(12);
    await page.getByLabel('Find assets').fill('none of them');
    await page.waitForSelector('#assets:has-text("No asset with such a name")', patience);
    expect(new URL(page.url()).hash).toBe('#tab=assets&asset=coin-7&prices=24h&find=none+of+them');
    await page.evaluate(`location.hash = '#tab=assets&asset=doge'`);
    await page.waitForSelector('#prices-words:has-text("There is no asset")', patience);
    await untilState(page, 'live');
    await page.getByRole('link', { name: 'Clicks' }).click();
    await page.waitForSelector('#total:text-is("43")', patience);
    expect(new URL(page.url()).hash).toBe('#asset=doge');
  });

  it.each(['.', '..'])('is told of an asset %s, for which the API has no address', async (id) => {
    const page = await open({}, `#tab=assets&asset=${id}`);
    await untilPrices(page);
    await page.waitForSelector('#prices-words:has-text("cannot be asked for")', patience);
    await untilState(page, 'live');
    expect(dashboard.problems).toEqual([]);
  });

  it.each([
    ['light', 1280],
    ['dark', 1920],
    ['light', 360],
  ] as const)('can use all of it, in %s at %i pixels', async (colorScheme, width) => {
    const viewport = { width, height: 740 };
    const page = await open({ colorScheme, viewport, bypassCSP: true }, '#tab=assets&asset=bitcoin');
    await untilPrices(page);
    await page.waitForSelector('#prices canvas', patience);
    expect(await seriousViolations(page)).toEqual([]);
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
  });
});
