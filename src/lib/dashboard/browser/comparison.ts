import type { Trending } from './api.js';
import { element, formatCompact, formatNumber, formatTime } from './elements.js';

/** Clicks in a time, and in the time that it is compared with. */
export interface Difference {
  readonly clicks: number;
  readonly before: number;
}

const minus = '\u2212';
const signed = (value: number, text: string) => `${value > 0 ? '+' : value < 0 ? minus : '±'}${text}`;

/** The change in clicks, like `+1,204`. @param format how a number is written */
export const formatChange = ({ clicks, before }: Difference, format = formatNumber): string =>
  signed(clicks - before, format(Math.abs(clicks - before)));

/** The change in percent, like `+12.5 %`; empty if there were no clicks before, because then there is no percentage. */
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

/** The changes of some products, by their ids. A product that the answer does not name has no clicks in either time. */
export const changesOf = (
  asked: readonly number[],
  { products }: Trending,
): ReadonlyMap<number, Difference> =>
  new Map<number, Difference>([
    ...asked.map((productid) => [productid, { clicks: 0, before: 0 }] as const),
    ...products.map((product) => [product.productid, product] as const),
  ]);

/** The clicks of a time compared with those of an earlier time: of all that the view shows, and of each product in its table. */
export class Comparison {
  readonly total: Difference;
  readonly other: Difference | undefined;
  readonly #products: ReadonlyMap<number, Difference>;
  readonly #trending: Trending;

  /**
   * @param trending the API's comparison of all that the view shows
   * @param products the changes of single products, as far as they are known
   */
  constructor(trending: Trending, products: ReadonlyMap<number, Difference>) {
    this.#trending = trending;
    this.#products = products;
    this.other = trending.other;
    this.total = { clicks: trending.total, before: trending.totalBefore };
  }

  /** The change of a product; undefined if it is not known yet. */
  of = (productid: number): Difference | undefined => this.#products.get(productid);

  /** The change of the total in words, with the two times. */
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
