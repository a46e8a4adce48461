import type { Categories, Other, Product, Totals, Trending } from './api.js';
import { type Comparison, changeCell, type Difference } from './comparison.js';
import { byId, element, formatCompact, formatNumber } from './elements.js';
import { fillRows, headerCell, type Row } from './rows.js';

/** The choices that a reader can make in the tables. */
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

export interface ProductRows {
  readonly products: readonly Product[];
  readonly other: Other | undefined;
  /** The text to show if there are no products. */
  readonly none: string;
  /** The numbers of the products in the chart. */
  readonly chosen: readonly number[];
  /** True if a column shows changes. `comparison` has them, once they are known. */
  readonly isCompared: boolean;
  readonly comparison: Comparison | undefined;
}

export function showProducts(shown: ProductRows, choices: Choices): void {
  const { products, other, none, chosen, isCompared, comparison } = shown;
  const most = Math.max(...products.map(({ clicks }) => clicks), other?.clicks ?? 0);
  const cellsOf = (category: string, clicks: number, difference: Difference | undefined) => [
    element('td', category, 'number category'),
    barCell(clicks, most, formatNumber(clicks)),
    ...(isCompared ? [changeCell(difference)] : []),
  ];
  const rows: Row[] = products.map((product) => ({
    key: String(product.productid),
    header: productHeader(product, choices),
    cells: cellsOf(categoryText(product.category), product.clicks, comparison?.of(product.productid)),
    isChosen: chosen.includes(product.productid),
  }));
  if (other)
    rows.push({
      key: 'other',
      header: otherHeader(other),
      cells: cellsOf('', other.clicks, comparison?.other),
    });
  byId('products-change').hidden = !isCompared;
  byId('products').parentElement?.classList.toggle('compared', isCompared);
  fillRows('products', rows, isCompared ? 4 : 3, none);
}

/** The products that a search finds, but no more than a limit. A product whose number is the searched text comes first. */
export function findProducts({ products }: Totals, search: string): readonly Product[] {
  const text = search.trim().toLowerCase();
  const number = text.replace(/^#/, '');
  const isFound = ({ productid, name }: Product) =>
    String(productid).includes(number) || (name?.toLowerCase().includes(text) ?? false);
  const found = products.filter(isFound);
  const isExact = ({ productid }: Product) => String(productid) === number;
  return [...found.filter(isExact), ...found.filter((product) => !isExact(product))];
}

/** A number, shortened so that others have room beside it. If it is shortened, its title is the exact number. */
function numberCell(value: number): HTMLElement {
  const isLong = value >= 1e6;
  const cell = element('td', isLong ? formatCompact(value) : formatNumber(value), 'number');
  if (isLong) cell.title = formatNumber(value);
  return cell;
}

/** The products whose clicks have increased. */
export const findRising = ({ products }: Trending) => products.filter(({ change }) => change > 0);

export function showTrending(rising: Trending['products'], choices: Choices): void {
  const rows = rising.map((product) => ({
    key: String(product.productid),
    header: productHeader(product, choices),
    cells: [numberCell(product.before), numberCell(product.clicks), changeCell(product)],
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
