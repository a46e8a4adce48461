import type { Trending } from './api.js';
import { element, formatCompact, formatNumber, formatTime } from './elements.js';

/** Clicks in a time, and in the one that it is compared with. */
export interface Difference {
  readonly clicks: number;
  readonly before: number;
}

const minus = '\u2212';
const signed = (value: number, text: string) => `${value > 0 ? '+' : value < 0 ? minus : '±'}${text}`;

/** The change in clicks, like `+1,204`. @param format how a number is written */
export const formatChange = ({ clicks, before }: Difference, format = formatNumber): string =>
  signed(clicks - before, format(Math.abs(clicks - before)));

/** The change in percent, like `+12.5 %`; empty if there were no clicks before, of which it could be a part. */
export function formatPercent({ clicks, before }: Difference): string {
  if (before === 0) return '';
  const percent = Math.round((1000 * (clicks - before)) / before) / 10;
  return `${signed(percent, formatNumber(Math.abs(percent)))} %`;
}

/** A cell with the change in clicks and, below it, in percent. */
export function changeCell(difference: Difference | undefined): HTMLElement {
  if (!difference) return element('td', '', 'number');
  const { clicks, before } = difference;
  const isLong = Math.abs(clicks - before) >= 1e6;
  const cell = element(
    'td',
    '',
    clicks > before ? 'number rise' : clicks < before ? 'number fall' : 'number',
  );
  const percent = formatPercent(difference);
  const inPercent = element('span', percent, 'percent');
  cell.append(
    element('span', formatChange(difference, isLong ? formatCompact : formatNumber)),
    ' ',
    inPercent,
  );
  const before1 = `${formatNumber(clicks)} clicks, before ${formatNumber(before)}`;
  cell.title = isLong ? `${formatChange(difference)}: ${before1}` : before1;
  return cell;
}

/** The clicks of a time against those of an earlier one: of all that the view shows, and of each product. */
export class Comparison {
  readonly total: Difference;
  readonly other: Difference | undefined;
  readonly #products: ReadonlyMap<number, Difference>;
  readonly #trending: Trending;

  /**
   * @param trending with all products
   * @param category only the products of it are in the total; all clicks if it is undefined
   */
  constructor(trending: Trending, category: number | undefined) {
    this.#trending = trending;
    this.#products = new Map(trending.products.map((product) => [product.productid, product]));
    this.other = trending.other;
    const { total, totalBefore, products } = trending;
    this.total = { clicks: total, before: totalBefore };
    if (category === undefined) return;
    const inCategory = products.filter((product) => product.category === category);
    const sum = (count: (product: Difference) => number) =>
      inCategory.reduce((all, product) => all + count(product), 0);
    this.total = { clicks: sum(({ clicks }) => clicks), before: sum(({ before }) => before) };
  }

  /** A product that the answer does not name has no clicks in either time. */
  of = (productid: number): Difference => this.#products.get(productid) ?? { clicks: 0, before: 0 };

  /** The change of the total, and of which times it is. */
  describe(): string {
    const { clicks, before } = this.total;
    const { from, to, beforeFrom, beforeTo } = this.#trending;
    const percent = formatPercent(this.total);
    const change = `${formatChange(this.total)}${percent === '' ? '' : ` (${percent})`}`;
    const now = `${formatNumber(clicks)} clicks ${timesOf(from, to)}`;
    return `${change}: ${now}, ${formatNumber(before)} ${timesOf(beforeFrom, beforeTo)}.`;
  }
}

const timesOf = (from = '', to = '') =>
  `from ${formatTime(Date.parse(from))} to ${formatTime(Date.parse(to))}`;
