import type { BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, requiredChromium } from './chromium';
import {
  hostile,
  OpenedDashboard,
  patience,
  seriousViolations,
  untilState,
  untilTotal,
} from './openedDashboard';

describe('the browser', () => {
  it('is taken from CHROMIUM_PATH, then from PATH, and never made up', () => {
    expect(findChromium({ CHROMIUM_PATH: '/opt/browser', PATH: '/usr/bin' })).toBe('/opt/browser');
    expect(findChromium({ PATH: '/nowhere' })).toBeUndefined();
    expect(() => requiredChromium({ PATH: '/nowhere' })).toThrow('or set CHROMIUM_PATH to the file of one');
  });
});

describe('the dashboard', () => {
  const dashboard = new OpenedDashboard();
  const { app } = dashboard;
  const open: OpenedDashboard['open'] = (...given) => dashboard.open(...given);
  let total = 43;

  beforeAll(() => dashboard.start(), 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(() => dashboard.stop(), 60_000);

  it('shows the true counts, from this host alone, without an error', async () => {
    const opened = await open();
    await untilTotal(opened, total);
    await untilState(opened, 'live');
    await opened.waitForSelector('#history canvas', patience);
    const rows = await opened.locator('#products tr').allInnerTexts();
    expect(rows.map((row) => row.split(/\s+/).at(-1))).toEqual(['40', '2', '1']);
    expect(rows[1]).toContain('Lamp');
    expect(await opened.locator('#categories tr').count()).toBe(3);
    expect(await opened.locator('#version').textContent()).toBe('Delta version 1');
    expect(
      dashboard.requests.filter(({ origin, protocol }) => protocol !== 'data:' && origin !== app.url),
    ).toEqual([]);
    expect(dashboard.problems).toEqual([]);
  });

  it('redirects a URL with a slash at its end to the same page, which gets the key of the fragment', async () => {
    const opened = await open({}, '/#key=any');
    await untilTotal(opened, total);
    await untilState(opened, 'live');
    expect(opened.url()).toBe(`${app.url}/api/dashboard`);
    expect(await opened.evaluate('sessionStorage.getItem("tributary-key")')).toBe('any');
    expect(dashboard.problems).toEqual([]);
  });

  it('shows hostile names as the text they are', async () => {
    const opened = await open();
    await untilTotal(opened, total);
    expect(await opened.locator('#products .name').first().textContent()).toBe(hostile);
    expect(await opened.locator('main img, main script').count()).toBe(0);
    expect(await opened.evaluate('window.hacked')).toBeUndefined();
    expect(dashboard.problems).toEqual([]);
  });

  it('runs no script that is written into the page', async () => {
    const opened = await open();
    await untilState(opened, 'live');
    await opened.evaluate(`{
      const script = document.createElement('script');
      script.textContent = 'window.hacked = true';
      document.body.append(script);
    }`);
    expect(await opened.evaluate('window.hacked')).toBeUndefined();
    expect(dashboard.problems.join()).toContain('Content Security Policy');
  });

  it('follows while clicks come in', async () => {
    const opened = await open();
    await untilTotal(opened, total);
    for (let round = 0; round < 3; round++) {
      await dashboard.table.click(3, 3, 11);
      total += 3;
      await untilTotal(opened, total);
    }
    expect(await opened.locator('#rate').innerText()).toMatch(/^\d/);
    expect(dashboard.problems).toEqual([]);
  });

  it('shows that the API is away, and continues by itself when it is back', { timeout: 90_000 }, async () => {
    const opened = await open();
    await untilTotal(opened, total);
    await app.stopHost();
    await untilState(opened, 'failing');
    expect(await opened.locator('#stale').innerText()).toContain('stale');
    expect(await opened.locator('#total').innerText()).toBe(String(total));
    await app.startHost();
    await dashboard.table.click(3);
    total += 1;
    await untilTotal(opened, total);
    await untilState(opened, 'live');
    expect(await opened.locator('#stale').isVisible()).toBe(false);
    // The browser itself reports every request that got no answer.
    expect(dashboard.problems.filter((problem) => !problem.startsWith('Failed to load resource'))).toEqual(
      [],
    );
  });

  it('says so when nothing was committed for long', async () => {
    const opened = await open({}, '', async (prepared) => {
      await prepared.route('**/api/clicks?top=10', async (route) => {
        const reply = await route.fetch();
        const asOf = new Date(Date.now() - 120_000).toISOString();
        await route.fulfill({ response: reply, json: { ...(await reply.json()), asOf } });
      });
    });
    await opened.waitForSelector('#stale:not([hidden])', patience);
    expect(await opened.locator('#stale').innerText()).toContain('the last commit is 2 min old');
    await untilState(opened, 'live');
  });

  it('sends the key of the fragment as a header, and asks for one that works', async () => {
    const keys: (string | undefined)[] = [];
    // Simulates the platform's check of keys, which the local host does not have.
    const opened = await open({}, '#key=wrong', async (prepared) => {
      await prepared.route('**/api/clicks**', async (route) => {
        const key = route.request().headers()['x-functions-key'];
        keys.push(key);
        await (key === 'a+b/c==' ? route.continue() : route.fulfill({ status: 401 }));
      });
    });
    await untilState(opened, 'key');
    expect(keys[0]).toBe('wrong');
    await opened.getByLabel('Function key').fill('a+b/c==');
    await opened.keyboard.press('Enter');
    await untilTotal(opened, total);
    await expect.poll(() => opened.getByLabel('Function key').isVisible(), patience).toBe(false);
    expect(
      dashboard.requests.filter(
        ({ href }) => href.split('#')[0]?.includes('wrong') || href.includes('a%2Bb'),
      ),
    ).toHaveLength(0);
  });

  it('asks once a second and is answered 304, rarely when hidden, at once when seen again', async () => {
    const statuses: number[] = [];
    const opened = await open({}, '', async (prepared) => {
      prepared.on('response', (reply) => {
        if (reply.url().endsWith('top=10')) statuses.push(reply.status());
      });
    });
    await untilTotal(opened, total);
    await expect.poll(() => statuses.length, patience).toBeGreaterThan(3);
    expect(statuses.slice(0, 3)).toEqual([200, 304, 304]);
    const see = (state: string) =>
      opened.evaluate(`{
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
        document.dispatchEvent(new Event('visibilitychange'));
      }`);
    await see('hidden');
    await opened.waitForTimeout(1500);
    const before = statuses.length;
    await opened.waitForTimeout(3500);
    expect(statuses.length).toBe(before);
    await see('visible');
    await expect.poll(() => statuses.length, { timeout: 5000 }).toBeGreaterThan(before);
  });

  it('can be paused and resumed with the keyboard', async () => {
    const opened = await open();
    await untilState(opened, 'live');
    for (const id of ['tab-clicks', 'tab-assets', 'pause']) {
      await opened.keyboard.press('Tab');
      expect(await opened.evaluate('document.activeElement.id')).toBe(id);
    }
    await opened.keyboard.press('Enter');
    await untilState(opened, 'paused');
    expect(await opened.locator('#pause').innerText()).toBe('Resume');
    await dashboard.table.click(11);
    total += 1;
    await opened.keyboard.press('Enter');
    await untilTotal(opened, total);
  });

  it.each<[string, BrowserContextOptions]>([
    ['in light', { colorScheme: 'light' }],
    ['in dark', { colorScheme: 'dark' }],
    ['on a phone', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }],
  ])('is usable by everybody %s', async (_where, options) => {
    const opened = await open({ ...options, bypassCSP: true });
    await untilTotal(opened, total);
    await opened.waitForSelector('#categories tr', patience);
    expect(await seriousViolations(opened)).toEqual([]);
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await opened.evaluate(overflow)).toBeLessThanOrEqual(0);
  });
});
