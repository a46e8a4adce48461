import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OpenedDashboard, patience, untilShown, untilTotal } from './openedDashboard';

const untilState = (page: Page, state: string) => page.waitForSelector(`body[data-state=${state}]`, patience);
const advice = (page: Page) => page.locator('#stale').innerText();

/** Answers every request to the API in its place, as a platform or a failing app would. */
const answering =
  (answer: { status: number; json?: unknown }) =>
  async (page: Page): Promise<void> => {
    await page.route('**/api/clicks**', (route) => route.fulfill(answer));
  };

describe('the dashboard looks like its state, and says what to do', () => {
  const dashboard = new OpenedDashboard();

  beforeAll(() => dashboard.start(), 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(() => dashboard.stop(), 60_000);

  const open: OpenedDashboard['open'] = (...given) => dashboard.open(...given);
  const isNumbersShown = (page: Page) => page.locator('#numbers').isVisible();

  it('without a key, and with a wrong one', async () => {
    const page = await open({}, '', answering({ status: 401 }));
    await untilState(page, 'key');
    expect(await advice(page)).toContain('with a function key only. Enter it');
    expect(await page.locator('#connection').innerText()).toBe('Needs a key');
    expect(await isNumbersShown(page)).toBe(false);
    await page.getByLabel('Function key').fill('wrong');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#stale:has-text("The app refuses this key")', patience);
    expect(page.url()).not.toContain('wrong');
  });

  it('before the first click', async () => {
    const page = await open({}, '', async (prepared) => {
      await prepared.route('**/api/clicks**', async (route) => {
        const reply = await route.fetch();
        const json = { ...(await reply.json()), version: -1, asOf: null, total: 0, products: [] };
        await route.fulfill({ response: reply, json });
      });
    });
    await untilState(page, 'empty');
    expect(await page.locator('#connection').innerText()).toBe('No clicks yet');
    expect(await advice(page)).toContain('Nothing has been clicked yet.');
    expect(await isNumbersShown(page)).toBe(false);
  });

  it.each([
    ['clicks', '', 'This app has no clickstream, so there are no clicks to show.', 'Assets', 'clickstream'],
    ['assets', '#tab=assets', 'This app has no stream of assets', 'Clicks', 'coincap'],
  ])('in an app that has no stream of %s', async (path, rest, words, other, stream) => {
    const page = await open({}, rest, async (prepared) => {
      // As an app answers from which the stream's file was removed.
      await prepared.route(`**/api/${path}**`, (route) =>
        route.fulfill({ status: 404, json: { title: 'Not Found', status: 404, detail: 'no such stream' } }),
      );
      await prepared.route('**/api/health', async (route) => {
        const reply = await route.fetch();
        const health = (await reply.json()) as { streams: { stream: string }[] };
        const streams = health.streams.filter((one) => one.stream !== stream);
        await route.fulfill({ response: reply, json: { ...health, streams } });
      });
    });
    await untilState(page, 'absent');
    expect(await page.locator('#connection').innerText()).toBe('Not in this app');
    await expect.poll(() => advice(page), patience).toContain(words);
    expect(await isNumbersShown(page)).toBe(false);
    await page.getByRole('link', { name: other, exact: true }).click();
    await page.waitForSelector(`body:not([data-state=absent])`, patience);
    // Its tab is gone with the stream.
    await expect.poll(() => page.locator('nav a:visible').allInnerTexts(), patience).toEqual([other]);
  });

  it('when the API answers with an error', async () => {
    const detail = 'The lake cannot be read just now; try again in a few seconds.';
    const page = await open({}, '', answering({ status: 503, json: { title: 'no', status: 503, detail } }));
    await untilState(page, 'failing');
    expect(await advice(page)).toBe(
      `The app answers with an error (503). ${detail} The page tries again by itself.`,
    );
    expect(await isNumbersShown(page)).toBe(false);
    await page.unroute('**/api/clicks**');
    // It tries again by itself after a while, and at once when the network comes back.
    await page.evaluate(`window.dispatchEvent(new Event('online'))`);
    await untilTotal(page, 43);
    await page.waitForSelector('body[data-connection=live]', patience);
    expect(await page.locator('#stale').textContent()).not.toContain('error');
  });

  it('when nothing answers, and a view is chosen whose numbers never came', async () => {
    const page = await open();
    await untilTotal(page, 43);
    await page.route('**/api/clicks**', (route) => route.abort());
    await untilState(page, 'failing');
    expect(await advice(page)).toMatch(/^The app cannot be reached: .* These numbers are stale: .* old\./);
    expect(await isNumbersShown(page)).toBe(true);
    await page.getByLabel('24 h').check();
    await expect.poll(() => isNumbersShown(page), patience).toBe(false);
  });

  it('when the last commit is old', async () => {
    const page = await open({}, '#period=15m', async (prepared) => {
      await prepared.route('**/api/clicks?last=15m&top=10', async (route) => {
        const reply = await route.fetch();
        const asOf = new Date(Date.now() - 120_000).toISOString();
        await route.fulfill({ response: reply, json: { ...(await reply.json()), asOf } });
      });
    });
    await untilState(page, 'stale');
    expect(await page.locator('#connection').innerText()).toBe('Late');
    expect(await advice(page)).toContain(
      'the last commit is 2 min old. Clicks have stopped, or the app is behind',
    );
  });

  it('is used with the keyboard alone: what has the focus keeps it while numbers change', async () => {
    const page = await open();
    await untilTotal(page, 43);
    await page.getByLabel('since the beginning').focus();
    await page.keyboard.press('ArrowLeft');
    expect(new URL(page.url()).hash).toBe('#period=31d');
    await untilShown(page);
    await page.getByRole('button', { name: 'Category 4', exact: true }).focus();
    await page.keyboard.press('Enter');
    await untilTotal(page, 2);
    await dashboard.table.click(3);
    await untilTotal(page, 3);
    const focused = '[document.activeElement.textContent, document.activeElement.ariaPressed]';
    expect(await page.evaluate(focused)).toEqual(['Category 4', 'true']);
    await page.keyboard.press('Enter');
    await untilTotal(page, 44);
    await expect.poll(() => page.evaluate(focused), patience).toEqual(['Category 4', 'false']);
  });

  it('prints in dark ink without controls', async () => {
    const page = await open({ colorScheme: 'dark' }, '#period=1h');
    await untilShown(page);
    await page.emulateMedia({ media: 'print' });
    for (const control of ['#choices', '#pause', '#products-csv'])
      expect(await page.locator(control).isVisible()).toBe(false);
    expect(await page.locator('#shown').innerText()).toBe('Clicks of the last hour.');
    expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(0, 0, 0)');
    expect((await page.pdf()).subarray(0, 4).toString()).toBe('%PDF');
  });

  it.each<[string, BrowserContextOptions]>([
    ['on a small phone', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }],
    ['on a wall', { viewport: { width: 1920, height: 1080 } }],
  ])('cuts no text %s, at hundreds of millions of clicks, with long names', async (_where, options) => {
    const page = await open(options, '#category=8&product=7', manyClicks);
    await untilShown(page);
    await page.waitForSelector('#trending .rise', patience);
    const cut = await page.evaluate(`Array.from(document.querySelectorAll('main *, header *'))
      .filter((element) => element.checkVisibility() && element.tagName !== 'CANVAS' && !element.matches('.name, .u-wrap *, fieldset input'))
      .filter((element) => element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline')
      .map((element) => element.tagName + '#' + element.id + ': ' + element.textContent.slice(0, 60))`);
    expect(cut).toEqual([]);
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
    expect(dashboard.problems).toEqual([]);
  });
});

/** Multiplies the clicks of all answers, and lets products rise. */
async function manyClicks(page: Page): Promise<void> {
  const more = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(more);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        typeof one === 'number' && /^(clicks|total|change|before)$/.test(name)
          ? one * 12_345_678 + 1
          : more(one),
      ]),
    );
  };
  await page.route('**/api/clicks**', async (route) => {
    const reply = await route.fetch();
    const rising = {
      productid: 123_456_789,
      name: 'A name of many words, and Averylongwordthatnothingcanbreak',
      category: 8,
      clicks: 9,
      before: 1,
      change: 8,
    };
    const json = (await reply.json()) as object;
    const risen = route.request().url().includes('trending') ? { ...json, products: [rising] } : json;
    await route.fulfill({ response: reply, json: more(risen) });
  });
}
