import type { Categories, Other, Product, Totals, Trending } from './api.js';
import { byId, element, formatNumber } from './elements.js';

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
function productCell({ productid, name }: Product): HTMLElement {
  const cell = element('th');
  cell.setAttribute('scope', 'row');
  const number = `#${productid}`;
  if (name === undefined) cell.append(element('span', number, 'name'));
  else {
    const label = element('span', name, 'name');
    label.title = name;
    cell.append(label, ' ', element('span', number, 'id'));
  }
  return cell;
}

function fill(id: string, rows: readonly (readonly HTMLElement[])[], columns: number, none: string): void {
  const body = byId(id);
  const made = rows.map((cells) => {
    const row = element('tr');
    row.append(...cells);
    return row;
  });
  if (made.length === 0) {
    const cell = element('td', none, 'none');
    cell.setAttribute('colspan', String(columns));
    const row = element('tr');
    row.append(cell);
    made.push(row);
  }
  body.replaceChildren(...made);
}

const categoryText = (category: number | null) => (category === null ? 'none' : String(category));

/** The header of the row of all products that are not counted on their own. */
function otherCell({ atMost }: Other): HTMLElement {
  const cell = element('th', 'Other products');
  cell.setAttribute('scope', 'row');
  cell.title = `Products that are not counted on their own. None of them has more than ${formatNumber(atMost)} clicks.`;
  return cell;
}

export function showProducts({ products, other }: Totals): void {
  const most = Math.max(products[0]?.clicks ?? 0, other?.clicks ?? 0);
  const rows = products.map((product) => [
    productCell(product),
    element('td', categoryText(product.category), 'number'),
    barCell(product.clicks, most, formatNumber(product.clicks)),
  ]);
  if (other)
    rows.push([
      otherCell(other),
      element('td', '', 'number'),
      barCell(other.clicks, most, formatNumber(other.clicks)),
    ]);
  fill('products', rows, 3, 'No clicks yet.');
}

export function showTrending({ products }: Trending): void {
  const rows = products
    .filter(({ change }) => change > 0)
    .map((product) => [
      productCell(product),
      element('td', formatNumber(product.before), 'number'),
      element('td', formatNumber(product.clicks), 'number'),
      element('td', `+${formatNumber(product.change)}`, 'number rise'),
    ]);
  fill('trending', rows, 4, 'Nothing rises: no full minutes of clicks to compare yet, or none went up.');
}

export function showCategories({ categories, total, other }: Categories): void {
  const most = Math.max(categories[0]?.clicks ?? 0, other?.clicks ?? 0);
  const rowOf = (header: HTMLElement, clicks: number) => {
    const share = total > 0 ? `${((100 * clicks) / total).toFixed(1)} %` : '';
    return [header, element('td', formatNumber(clicks), 'number'), barCell(clicks, most, share)];
  };
  const rows = categories.slice(0, 12).map(({ category, clicks }) => {
    const header = element('th', category === null ? 'No category' : `Category ${category}`);
    header.setAttribute('scope', 'row');
    return rowOf(header, clicks);
  });
  if (other) rows.push(rowOf(otherCell(other), other.clicks));
  fill('categories', rows, 3, 'No clicks yet.');
}
