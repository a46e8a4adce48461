/*
 * A view is what the page shows, as a reader has chosen it. It is kept in the fragment of the address, so that a link shares it and the
 * browser's back button leaves it.
 */

import type { Mark } from './chartMark.js';
import {
  type Compare,
  comparisons,
  offeredIn,
  type Period,
  type PricePeriod,
  periods,
  pricePeriods,
} from './periods.js';

export type Tab = 'clicks' | 'assets';

export interface View {
  readonly tab: Tab;
  readonly period: Period;
  /** The time that the clicks are compared with; undefined if they are not. */
  readonly compare: Compare | undefined;
  /** True if the chart has finer bars than usual for the period. */
  readonly isFine: boolean;
  readonly category: number | undefined;
  /** The products in the chart, in the order in which they were chosen. */
  readonly products: readonly number[];
  /** Part of a product's name or number; empty without a search. */
  readonly search: string;
  /** A time that the charts mark, in both tabs; undefined if none is marked. */
  readonly mark: Mark | undefined;
  /** The id of the asset whose prices are shown. */
  readonly asset: string | undefined;
  readonly prices: PricePeriod;
  /** Part of an asset's name, symbol or id; empty without a search. */
  readonly assetSearch: string;
}

/** The most products in the chart: as many lines as a reader can tell apart. */
export const mostProducts = 5;
const int32 = 2 ** 31;
const longestText = 100;

function readInteger(text: string | null): number | undefined {
  if (text === null || !/^-?\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= -int32 && value < int32 ? value : undefined;
}

/** The value of a parameter if it is one of these names. */
function readName<T extends string>(text: string | null, names: Readonly<Record<T, unknown>>): T | undefined {
  return text !== null && Object.hasOwn(names, text) ? (text as T) : undefined;
}

export const readPeriod = (text: string | null): Period => readName(text, periods) ?? 'all';
export const readCompare = (text: string | null): Compare | undefined => readName(text, comparisons);

export const readPricePeriod = (text: string | null): PricePeriod => readName(text, pricePeriods) ?? '7d';
const readText = (text: string | null): string => (text ?? '').slice(0, longestText);

/** @param time like `2026-11-27T09:00Z` */
export function readMark(time: string | null, label: string | null): Mark | undefined {
  if (time === null || !/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/.test(time)) return undefined;
  const atMs = Date.parse(time);
  return Number.isNaN(atMs) ? undefined : { atMs, label: readText(label).trim() };
}

/** Reads a view from the fragment of an address. Parts of the fragment that belong to no view are ignored. */
export function readView(hash: string): View {
  const parameters = new URLSearchParams(hash.slice(1));
  const products = parameters.getAll('product').map(readInteger);
  const period = readPeriod(parameters.get('period'));
  return {
    tab: parameters.get('tab') === 'assets' ? 'assets' : 'clicks',
    period,
    compare: offeredIn(period, readCompare(parameters.get('compare'))),
    isFine: parameters.get('chart') === 'fine' && periods[period].finer !== undefined,
    category: readInteger(parameters.get('category')),
    products: [...new Set(products.filter((one) => one !== undefined))].slice(0, mostProducts),
    search: readText(parameters.get('search')),
    mark: readMark(parameters.get('mark'), parameters.get('label')),
    asset: readText(parameters.get('asset')) || undefined,
    prices: readPricePeriod(parameters.get('prices')),
    assetSearch: readText(parameters.get('find')),
  };
}

/** The fragment of a view, without the number sign; empty for the view that the page begins with. */
export function writeView(view: View): string {
  const { tab, period, compare, isFine, category, products, search } = view;
  const { mark, asset, prices, assetSearch } = view;
  const parameters = new URLSearchParams();
  if (tab !== 'clicks') parameters.set('tab', tab);
  if (period !== 'all') parameters.set('period', period);
  if (compare !== undefined) parameters.set('compare', compare);
  if (isFine) parameters.set('chart', 'fine');
  if (category !== undefined) parameters.set('category', String(category));
  for (const product of products) parameters.append('product', String(product));
  if (search !== '') parameters.set('search', search);
  // The time is written in UTC, without seconds, so that a link means the same time everywhere.
  if (mark) parameters.set('mark', `${new Date(mark.atMs).toISOString().slice(0, 16)}Z`);
  if (mark && mark.label !== '') parameters.set('label', mark.label);
  if (asset !== undefined) parameters.set('asset', asset);
  if (prices !== '7d') parameters.set('prices', prices);
  if (assetSearch !== '') parameters.set('find', assetSearch);
  return parameters.toString();
}

/** A path of the API with those of the parameters that have a value. */
export function apiPath(path: string, parameters: Readonly<Record<string, string | number | undefined>>) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.length === 0 ? path : `${path}?${given.map(([name, value]) => `${name}=${value}`).join('&')}`;
}

/** Describes in words what the view shows. */
export function describeView({ period, category }: View): string {
  const what = category === undefined ? 'Clicks' : `Clicks in category ${category}`;
  return `${what} ${periods[period].words}.`;
}
