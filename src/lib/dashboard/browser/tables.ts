import type { Categories, Other, Product, Totals, Trending } from './api.js';
import { element, formatCompact, formatNumber } from './elements.js';
import { fillRows, headerCell, type Row } from './rows.js';

/** What a reader can choose in the tables. */
export interface Choices {
  product(productid: number): void;
  category(category: number): void;
}

/** A cell with a bar whose width is the value's share of the largest value. */
function barCell(value: number, most: number, text: string): HTMLElement {
  const cell = element('td', '', 'number');
  const bar = element('span', '', 'bar');
  bar.style.setProperty('--part', String(most > 0 ? value / most : 0));
  bar.setAttribute('aria-hidden', 'true');
  cell.append(element('span', text), bar);
  return cell;
}

/** The product as the row's header: its number, and its name if it has one. */
function productHeader({ productid, name }: Product, choices: Choices): HTMLElement {
  const number = `#${productid}`;
  const label = element('span', name ?? number, 'name');
  if (name !== undefined) label.title = name;
  const content = name === undefined ? [label] : [label, ' ', element('span', number, 'id')];
  return headerCell(content, () => choices.product(productid));
}

const categoryText = (category: number | null) => (category === null ? 'none' : String(category));

/** The header of the row of all products that are not counted on their own. */
function otherHeader({ atMost }: Other): HTMLElement {
  const cell = headerCell(['Other products']);
  cell.title = `Products that are not counted on their own. None of them has more than ${formatNumber(atMost)} clicks.`;
  return cell;
}

const productRow = (product: Product, most: number, choices: Choices): Row => ({
  key: String(product.productid),
  header: productHeader(product, choices),
  cells: [
    element('td', categoryText(product.category), 'number'),
    barCell(product.clicks, most, formatNumber(product.clicks)),
  ],
});

export function showProducts(
  products: readonly Product[],
  other: Other | undefined,
  none: string,
  choices: Choices,
): void {
  const most = Math.max(...products.map(({ clicks }) => clicks), other?.clicks ?? 0);
  const rows = products.map((product) => productRow(product, most, choices));
  if (other) {
    const cells = [element('td', '', 'number'), barCell(other.clicks, most, formatNumber(other.clicks))];
    rows.push({ key: 'other', header: otherHeader(other), cells });
  }
  fillRows('products', rows, 3, none);
}

/** The products that a search finds, at most so many of them; the one with this very number first. */
export function findProducts({ products }: Totals, search: string): readonly Product[] {
  const text = search.trim().toLowerCase();
  const number = text.replace(/^#/, '');
  const isFound = ({ productid, name }: Product) =>
    String(productid).includes(number) || (name?.toLowerCase().includes(text) ?? false);
  const found = products.filter(isFound);
  const isExact = ({ productid }: Product) => String(productid) === number;
  return [...found.filter(isExact), ...found.filter((product) => !isExact(product))];
}

/** A number that leaves room for others beside it: the exact one is its title if it is shortened. */
function numberCell(value: number, sign = '', className = 'number'): HTMLElement {
  const isLong = value >= 1e6;
  const cell = element('td', `${sign}${isLong ? formatCompact(value) : formatNumber(value)}`, className);
  if (isLong) cell.title = `${sign}${formatNumber(value)}`;
  return cell;
}

/** The products that rise most. @param category only those of it; all if it is undefined */
export const findRising = ({ products }: Trending, category: number | undefined, most: number) =>
  products
    .filter((product) => product.change > 0 && (category === undefined || product.category === category))
    .slice(0, most);

export function showTrending(rising: Trending['products'], choices: Choices): void {
  const rows = rising.map((product) => ({
    key: String(product.productid),
    header: productHeader(product, choices),
    cells: [
      numberCell(product.before),
      numberCell(product.clicks),
      numberCell(product.change, '+', 'number rise'),
    ],
  }));
  fillRows('trending', rows, 4, 'Nothing rises: there is no full time to compare yet, or nothing went up.');
}

export function showCategories(
  { categories, total, other }: Categories,
  chosen: number | undefined,
  choices: Choices,
): void {
  const most = Math.max(categories[0]?.clicks ?? 0, other?.clicks ?? 0);
  const rowOf = (key: string, header: HTMLElement, clicks: number): Row => {
    const share = total > 0 ? `${((100 * clicks) / total).toFixed(1)} %` : '';
    const cells = [element('td', formatNumber(clicks), 'number'), barCell(clicks, most, share)];
    return { key, header, cells };
  };
  const rows = categories.slice(0, 12).map(({ category, clicks }) => {
    if (category === null) return rowOf('none', headerCell(['No category']), clicks);
    const header = headerCell([`Category ${category}`], () => choices.category(category));
    return { ...rowOf(String(category), header, clicks), isChosen: category === chosen };
  });
  if (other) rows.push(rowOf('other', otherHeader(other), other.clicks));
  fillRows('categories', rows, 3, 'No clicks in this time.');
}
