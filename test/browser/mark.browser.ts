import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dayMs, minuteMs } from '../../src/lib/duration';
import { hostile, OpenedDashboard, patience, seriousViolations, untilShown } from './openedDashboard';

/** A whole minute, so long ago. */
const ago = (minutes: number) => new Date(Math.floor(Date.now() / minuteMs - minutes) * minuteMs);
const asLinked = (time: Date) => `${time.toISOString().slice(0, 16)}Z`;

/** Columns of the chart that are mostly in the colour of text: an upright line. */
const uprightLines = (page: Page) =>
  page.evaluate(`(() => {
    const canvas = document.querySelector('#history canvas');
    const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const isText = (at) => data[at] === 0x1a && data[at + 1] === 0x1d && data[at + 2] === 0x21 && data[at + 3] === 255;
    return Array.from({ length: width }, (_, x) => x).filter((x) =>
      Array.from({ length: height }, (_, y) => isText(4 * (y * width + x))).filter(Boolean).length > height * 0.4,
    ).length;
  })()`);

describe('a reader who marks the beginning of a campaign', () => {
  const dashboard = new OpenedDashboard();
  const open: OpenedDashboard['open'] = (...given) => dashboard.open(...given);

  beforeAll(() => dashboard.start(), 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(() => dashboard.stop(), 60_000);

  const fragmentOf = (page: Page) => new URLSearchParams(new URL(page.url()).hash.slice(1));

  it('sees it in the chart, with the clicks since then as the API counts them, and shares it', async () => {
    const page = await open({ timezoneId: 'America/New_York', colorScheme: 'light' });
    await untilShown(page);
    // The chart has its width a moment after it is shown.
    await page.waitForSelector('#history canvas', patience);
    expect(await uprightLines(page)).toBe(0);
    const at = ago(10);
    const local = new Date(at.getTime()).toLocaleString('sv', { timeZone: 'America/New_York' });
    await page.getByLabel('Mark the time').fill(local.slice(0, 16).replace(' ', 'T'));
    await page.getByLabel('as', { exact: true }).fill(hostile);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#since-mark:has-text("<img")', patience);
    await page.waitForSelector('#history-words:has-text("Marked: <img")', patience);
    expect(Object.fromEntries(fragmentOf(page))).toEqual({ mark: asLinked(at), label: hostile });
    expect(await uprightLines(page)).toBeGreaterThan(0);
    const { total } = await dashboard.api<{ total: number }>(`clicks?since=${at.toISOString()}`);
    expect(total).toBeGreaterThan(0);
    expect(await page.locator('#since-mark').textContent()).toBe(`${total} clicks since “${hostile}”.`);
    expect(await page.locator('#history-words').textContent()).not.toContain('not in the time');
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(dashboard.problems).toEqual([]);
    await page.getByRole('button', { name: 'No mark' }).click();
    await page.waitForSelector('#since-mark', { ...patience, state: 'hidden' });
    await expect.poll(() => uprightLines(page), patience).toBe(0);
    expect(new URL(page.url()).hash).toBe('');
  });

  it('sees the clicks since a mark of weeks ago, and from when they are counted', async () => {
    const at = new Date(Date.now() - 20 * dayMs);
    const page = await open({ timezoneId: 'UTC' }, `#period=31d&mark=${asLinked(at)}&label=Spring`);
    await page.waitForSelector('#since-mark:not([hidden])', patience);
    const day = new Date(at.getTime() - (at.getTime() % dayMs));
    const { total, from } = await dashboard.api<{ total: number; from: string }>(
      `clicks?since=${asLinked(at)}`,
    );
    expect([total, from]).toEqual([43, day.toISOString()]);
    const time = day.toLocaleString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
    expect(await page.locator('#since-mark').textContent()).toBe(
      `43 clicks since “Spring”, counted from ${time}, 00:00.`,
    );
    expect(await page.locator('#history-words').textContent()).not.toContain('not in the time');
  });

  it('follows a link with one, also if its time is not in the chart, or longer ago than clicks are counted in advance', async () => {
    const at = ago(30);
    const page = await open({}, `#period=15m&category=4&mark=${asLinked(at)}&label=Spring`);
    await page.waitForSelector('#since-mark:not([hidden])', patience);
    expect(await page.getByLabel('as', { exact: true }).inputValue()).toBe('Spring');
    const path = `clicks?category=4&since=${at.toISOString()}`;
    const { total } = await dashboard.api<{ total: number }>(path);
    expect(await page.locator('#since-mark').textContent()).toBe(
      `${total} clicks in category 4 since “Spring”.`,
    );
    await page.waitForSelector('#history-words:has-text("which is not in the time of the chart")', patience);
    await page.evaluate(`location.hash = '#mark=2020-01-01T00:00Z'`);
    const all = await dashboard.api<{ total: number }>('clicks');
    await page.waitForSelector(`#since-mark:text-is("${all.total} clicks since “Mark”.")`, patience);
    await page.evaluate(`location.hash = '#mark=2020-13-01T00:00Z&label=none'`);
    await page.waitForSelector('#since-mark', { ...patience, state: 'hidden' });
    expect(new URL(page.url()).hash).toBe('');
  });

  it.each(['light', 'dark'] as const)('can use it, in %s and on a phone', async (colorScheme) => {
    const viewport = { width: 360, height: 740 };
    const page = await open({ colorScheme, viewport, bypassCSP: true }, `#mark=${asLinked(ago(5))}`);
    await page.waitForSelector('#since-mark:not([hidden])', patience);
    expect(await seriousViolations(page)).toEqual([]);
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
  });
});
