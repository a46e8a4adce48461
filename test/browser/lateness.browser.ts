import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OpenedDashboard, patience, untilTotal } from './openedDashboard';

const stream = {
  stream: 'clickstream',
  status: 'ok',
  lastCommit: new Date(Date.now() - 1000).toISOString(),
  waiting: 0,
  lettersLastHour: 0,
  partitions: [{}, {}],
  failures: [],
};
const old = new Date(Date.now() - 3_600_000).toISOString();
const warehouse = { kind: 'none', status: 'ok', tables: [] };

/** Has the app say that it is so. */
const saying =
  (health: object, status = 200) =>
  async (page: Page): Promise<void> => {
    await page.route('**/api/health', (route) => route.fulfill({ status, json: health }));
  };

describe('how late the numbers are', () => {
  const dashboard = new OpenedDashboard();

  beforeAll(() => dashboard.start(), 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(() => dashboard.stop(), 60_000);

  const row = (page: Page, of: string) => page.locator(`#lateness tr[data-key="${of}"]`);

  it('is told of each stream as the API has it', async () => {
    const page = await dashboard.open();
    await untilTotal(page, 43);
    await page.waitForSelector('#lateness tr[data-key=Assets]', patience);
    expect(await row(page, 'Clicks').innerText()).toMatch(/The newest were committed \d+ (s|min) ago/);
    expect(await row(page, 'Assets').innerText()).toMatch(/Nothing has come yet|not known just now/);
    expect(dashboard.problems).toEqual([]);
  });

  it.each([
    [{}, 'Up to date: all that came is counted in.', false],
    [{ waiting: 120 }, 'On time: 120 events have come and are not counted in yet', false],
    [{ waiting: 1, lastCommit: old }, /Late: 1 event has come .* The newest were committed 1 h ago\./, true],
    [{ waiting: null, status: 'degraded' }, 'How late it is, is not known just now.', true],
    [
      { status: 'failing', failures: [{ code: 'table.refused', since: old }] },
      /1 of 2 parts of the stream cannot be read since .* \(table\.refused\); nothing of them is lost\./,
      true,
    ],
    [{ status: 'failing', partitions: [{ stuckSince: old }] }, 'A part of the stream stands still.', true],
    [{ lettersLastHour: 12 }, '12 events of the last hour could not be read', false],
  ])('says of %j: %s', async (change, words, isLate) => {
    const page = await dashboard.open(
      {},
      '',
      saying({ status: 'ok', streams: [{ ...stream, ...change }], warehouse }, isLate ? 503 : 200),
    );
    await expect.poll(() => row(page, 'Clicks').innerText(), patience).toMatch(words);
    expect(await page.locator('#lateness .late').count()).toBe(isLate ? 1 : 0);
  });

  it.each([
    [{ kind: 'duckdb', status: 'ok', tables: [] }, 'Up to date with the lake.'],
    [
      {
        kind: 'sql',
        status: 'degraded',
        tables: [{ table: 'clickstream.clicks', secondsBehind: 300, needsRebuild: false }],
      },
      'Late: 5 min behind the lake.',
    ],
    [
      {
        kind: 'sql',
        status: 'degraded',
        tables: [{ table: 'clickstream.clicks', secondsBehind: null, needsRebuild: true }],
      },
      'clickstream.clicks must be rebuilt. Tell whoever runs the app.',
    ],
  ])('says of the warehouse %j: %s', async (state, words) => {
    const page = await dashboard.open({}, '', saying({ status: 'ok', streams: [stream], warehouse: state }));
    await expect.poll(() => row(page, 'Warehouse').innerText(), patience).toContain(words);
  });

  it('is not known while the app does not say', async () => {
    const page = await dashboard.open({}, '', async (prepared) => {
      await prepared.route('**/api/health', (route) => route.abort());
    });
    await untilTotal(page, 43);
    expect(await page.locator('#lateness').innerText()).toContain('Not known just now');
  });
});
