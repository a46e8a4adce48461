import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { hourMs } from '../../src/lib/duration';
import { seededRandom } from '../../src/lib/sources/seededRandom';
import { writeAssets } from '../kit/writeAssets';
import { type Answer, ApiAnswers } from './apiAnswers';
import { LakeNumbers, literal } from './lakeNumbers';
import { OpenedDashboard, patience } from './openedDashboard';
import { download } from './shownNumbers';

const random = seededRandom(11);

interface Values {
  readonly rows: readonly (readonly string[])[];
  readonly words: string;
}

const inDollars = (price: number) => price.toLocaleString('en-US', { style: 'currency', currency: 'USD' });

describe('each price that the page shows is that of DuckDB over the lake', () => {
  const dashboard = new OpenedDashboard();
  let lake: LakeNumbers;
  let answers: ApiAnswers;
  let writing: Promise<void>;
  let isOver = false;

  /** Commits of 130 assets; without a price every 13th of them. */
  const commit = (atMs: (index: number) => number, count: number) =>
    writeAssets(
      dashboard.table.at.store,
      Array.from({ length: count }, (_, index) => ({
        ...{ id: `coin-${index % 130}`, asset_rank: (index % 130) + 1, symbol: `C${index % 130}` },
        asset_name: index % 2 === 0 ? `Coin ${index % 130}` : null,
        priceUsd: index % 13 === 12 ? null : 1 + 1000 * random(),
        changePercent24Hr: 10 - 20 * random(),
        runtime_timestamp: Math.floor(atMs(index)),
      })),
    );

  /** Commits go on, so that the list and the chart are of different versions. */
  async function keepWriting(): Promise<void> {
    while (!isOver) {
      const now = Date.now();
      await commit((index) => now + index, 5);
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }

  beforeAll(async () => {
    await dashboard.start();
    const now = Date.now();
    await commit((index) => now - 32 * 24 * hourMs * random() ** 2 - index, 130 * 80);
    lake = await LakeNumbers.open(dashboard.table.at.store, 'assets');
    writing = keepWriting();
  }, 120_000);
  afterEach(() => dashboard.closePage());
  afterAll(async () => {
    isOver = true;
    await writing;
    await lake.close();
    await dashboard.stop();
  }, 60_000);

  async function open(fragment: string): Promise<Page> {
    const page = await dashboard.open({ acceptDownloads: true }, fragment, async (prepared) => {
      answers = new ApiAnswers();
      answers.listen(prepared);
    });
    await page.waitForSelector('#asset-numbers:not([hidden])[aria-busy=false] #assets tr', patience);
    return page;
  }

  const read = (page: Page) =>
    page.evaluate(`({
      rows: Array.from(document.querySelectorAll('#assets tr[data-key]'), (row) =>
        [row.dataset.key, ...Array.from(row.querySelectorAll('td'), (cell) => cell.title)]),
      words: document.getElementById('prices-words').textContent,
    })`) as Promise<Values>;

  /** The newest values of the assets that have this text; the best hundred of them. */
  async function expectedRows(known: ApiAnswers, search: string): Promise<string[][]> {
    const rows = await lake.rows(
      known.newest('assets'),
      `SELECT id, "priceUsd", "changePercent24Hr", epoch_ms(runtime_timestamp) AS at, asset_rank FROM assets
        WHERE id ILIKE '%${search}%' OR symbol ILIKE '%${search}%' OR asset_name ILIKE '%${search}%'
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY runtime_timestamp DESC) = 1 ORDER BY asset_rank, id LIMIT 100`,
    );
    return rows.map(([id, price, change, at, rank]) => [
      ...[String(id), price === null ? '' : String(price), String(change)],
      ...[new Date(Number(at)).toISOString(), String(rank)],
    ]);
  }

  /** The newest price of each hour or day. */
  async function expectedPrices(
    known: ApiAnswers,
    id: string,
    bucket: '1h' | '1d',
    last: string,
  ): Promise<number[]> {
    const answer = known.newest(`assets/${id}/history`, { bucket, last }) as Required<Answer>;
    const hours = (Date.parse(answer.to) - Date.parse(answer.from)) / hourMs;
    expect(hours).toBe({ '24h': 24, '7d': 7 * 24, '31d': 31 * 24 }[last]);
    const rows = await lake.rows(
      answer,
      `SELECT epoch_ms(runtime_timestamp) // ${bucket === '1h' ? hourMs : 24 * hourMs} AS bucket, arg_max("priceUsd", runtime_timestamp)
        FROM assets WHERE id = '${id}' AND runtime_timestamp >= ${literal(answer.from)} AND runtime_timestamp < ${literal(answer.to)}
        GROUP BY bucket ORDER BY bucket`,
    );
    return rows.map(([, price]) => Number(price));
  }

  it('in the list, also of those that a search finds', async () => {
    const page = await open('#tab=assets');
    for (const search of ['', 'coin 1', 'c10']) {
      await page.getByLabel('Find assets').fill(search);
      await vi.waitFor(async () => {
        const { shown, answers: known } = await answers.during(() => read(page));
        expect(shown.rows).toEqual(await expectedRows(known, search));
      }, patience);
    }
    expect(dashboard.problems).toEqual([]);
  });

  it('over a day, a week and a month, of an asset that was clicked', async () => {
    const page = await open('#tab=assets');
    await page.getByRole('button', { name: 'Coin 0 C0', exact: true }).click();
    for (const [prices, bucket] of [
      ['24h', '1h'],
      ['7d', '1h'],
      ['31d', '1d'],
    ] as const) {
      await page.locator(`#prices-${prices}`).check();
      await page.waitForSelector('#asset-numbers[aria-busy=false]', patience);
      await vi.waitFor(async () => {
        const { shown, answers: known } = await answers.during(() => read(page));
        const saved = await download(page, '#prices-csv');
        const told = await expectedPrices(known, 'coin-0', bucket, prices);
        expect(shown.words).toContain(
          `Between ${inDollars(Math.min(...told))} and ${inDollars(Math.max(...told))}; ${inDollars(told.at(-1) ?? 0)} at the end.`,
        );
        // The file is asked for by itself, so that its last price may be a newer one.
        const [titles = '', ...lines] = saved.trimEnd().split('\r\n');
        const column = titles.split(',').indexOf('priceUsd');
        const savedPrices = lines.map((line) => Number(line.split(',')[column]));
        expect(savedPrices.slice(0, -1)).toEqual(told.slice(0, -1));
      }, patience);
    }
    expect(dashboard.problems).toEqual([]);
  });
});
