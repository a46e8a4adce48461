import type { Asset } from './api.js';
import { element, formatTime } from './elements.js';
import { fillRows, headerCell, type Row } from './rows.js';

const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const smallDollars = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  maximumSignificantDigits: 4,
});
const percents = new Intl.NumberFormat('en-US', {
  signDisplay: 'exceptZero',
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

/** A price in US dollars, with cents, or four digits if it is less than a dollar. */
export const formatPrice = (price: number): string =>
  (Math.abs(price) < 1 ? smallDollars : dollars).format(price);

/** The assets whose id, symbol or name has this text in it; all if it is empty. */
export function findAssets(assets: readonly Asset[], search: string): readonly Asset[] {
  const text = search.trim().toLowerCase();
  return assets.filter(({ id, symbol, asset_name }) =>
    [id, symbol, asset_name].some((name) => name?.toLowerCase().includes(text)),
  );
}

/** Shows these assets in the table. @param choose is called with the id of an asset that is clicked */
export function showAssets(
  assets: readonly Asset[],
  chosen: string | undefined,
  choose: (id: string) => void,
): void {
  const rows = assets.map(
    (asset): Row => ({
      key: asset.id,
      header: assetHeader(asset, choose),
      cells: [
        exactCell(asset.priceUsd, formatPrice),
        changeOf(asset),
        exactCell(asset.runtime_timestamp, (time) => formatTime(Date.parse(time))),
        exactCell(asset.asset_rank, String),
      ],
      isChosen: asset.id === chosen,
    }),
  );
  fillRows('assets', rows, 5, 'No asset with such a name.');
}

function assetHeader({ id, asset_name: name, symbol }: Asset, choose: (id: string) => void): HTMLElement {
  const label = element('span', name ?? id, 'name');
  label.title = name ?? id;
  const content = symbol === null ? [label] : [label, ' ', element('span', symbol, 'id')];
  return headerCell(content, () => choose(id));
}

/** A cell with a shortened value, whose title is the exact one; empty if there is no value. */
function exactCell<T extends string | number>(value: T | null, format: (value: T) => string): HTMLElement {
  const cell = element('td', value === null ? '' : format(value), 'number');
  if (value !== null) cell.title = String(value);
  return cell;
}

function changeOf({ changePercent24Hr: percent }: Asset): HTMLElement {
  const cell = exactCell(percent, (value) => `${percents.format(value)} %`.replace('-', '\u2212'));
  cell.classList.toggle('rise', (percent ?? 0) > 0);
  cell.classList.toggle('fall', (percent ?? 0) < 0);
  return cell;
}
