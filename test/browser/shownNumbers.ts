import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

/** All numbers of clicks that the page shows, as it writes them. */
export interface Numbers {
  readonly total: string;
  /** Rows of tables: what the row is about, and its cells. */
  readonly products: readonly string[][];
  readonly trending: readonly string[][];
  readonly categories: readonly string[][];
  /** The legend of several lines. */
  readonly lines: readonly string[][];
  /** What a search found: how many products, and their clicks. */
  readonly found: readonly string[];
  /** The change of the total, and the clicks in both times. */
  readonly compared: readonly string[];
  /** Clicks since the mark. */
  readonly sinceMark: readonly string[];
  /** In the words below the chart: clicks since the beginning, if it is one product; clicks in the chart, and the most at once. */
  readonly chartWords: readonly string[];
  /** The values of the chart as it is saved: the time, and the clicks of each line. */
  readonly chart: readonly string[];
}

const tables = ['products', 'trending', 'categories', 'lines'] as const;
const texts = ['total', 'compared', 'since-mark', 'history-words', 'products-words'] as const;

interface Read {
  readonly rows: Record<(typeof tables)[number], string[][]>;
  readonly texts: Record<(typeof texts)[number], string>;
}

/** Reads them all at once, because they change from second to second. What is hidden is not shown. */
const read = `(() => {
  const clean = (node) => node.textContent.replace(/\\s+/g, ' ').trim();
  const rowsOf = (id) => Array.from(document.querySelectorAll('#' + id + ' tr[data-key]'), (row) =>
    [row.dataset.key.replace(/^\\d+-/, ''), ...Array.from(row.querySelectorAll('td'), clean)]);
  const textOf = (id) => { const node = document.getElementById(id); return node.hidden ? '' : clean(node); };
  const all = (ids, of) => Object.fromEntries(ids.map((id) => [id, of(id)]));
  return { rows: all(${JSON.stringify(tables)}, rowsOf), texts: all(${JSON.stringify(texts)}, textOf) };
})()`;

const groups = (pattern: RegExp, text: string): string[] => (pattern.exec(text) ?? []).slice(1);

export async function shownNumbers(page: Page): Promise<Numbers> {
  const { rows, texts } = (await page.evaluate(read)) as Read;
  const words = texts['history-words'];
  return {
    total: texts.total,
    ...rows,
    found: groups(/^([\d,]+) found, with ([\d,]+) clicks\./, texts['products-words']),
    compared: groups(/(\S+(?: \([^)]*\))?): ([\d,]+) clicks from .*, ([\d,]+) from /, texts.compared),
    sinceMark: groups(/^([\d,]+) clicks/, texts['since-mark']),
    chartWords: [
      ...groups(/([\d,]+) clicks since the beginning\./, words),
      ...groups(/In the chart: ([\d,]+) clicks, at most ([\d,]+) /, words),
    ],
    chart: await chartValues(page),
  };
}

export async function download(page: Page, button: string): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.locator(button).click()]);
  return readFileSync(await file.path(), 'utf8');
}

const chartValues = async (page: Page): Promise<string[]> =>
  (await download(page, '#history-csv')).trimEnd().split('\r\n').slice(1);
