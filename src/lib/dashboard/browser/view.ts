/*
 * What the page shows, as a reader has chosen it. The view stands in the fragment of the address, so that a link shares it and the
 * browser's back button leaves it.
 */

import { type Compare, comparisons, type Period, periods } from './periods.js';

export interface View {
  readonly period: Period;
  /** The time that the clicks are compared with; undefined if they are not. */
  readonly compare: Compare | undefined;
  readonly category: number | undefined;
  /** The products in the chart, in the order in which they were chosen. */
  readonly products: readonly number[];
  /** Part of a product's name or number; empty without a search. */
  readonly search: string;
}

/** As many lines as can be told apart. */
export const mostProducts = 5;
const int32 = 2 ** 31;
export const longestSearch = 100;

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

/** Reads the fragment of an address. What is no view in it is left out. */
export function readView(hash: string): View {
  const parameters = new URLSearchParams(hash.slice(1));
  const products = parameters.getAll('product').map(readInteger);
  return {
    period: readPeriod(parameters.get('period')),
    compare: readCompare(parameters.get('compare')),
    category: readInteger(parameters.get('category')),
    products: [...new Set(products.filter((one) => one !== undefined))].slice(0, mostProducts),
    search: (parameters.get('search') ?? '').slice(0, longestSearch),
  };
}

/** The fragment of a view, without the number sign; empty for the view that the page begins with. */
export function writeView({ period, compare, category, products, search }: View): string {
  const parameters = new URLSearchParams();
  if (period !== 'all') parameters.set('period', period);
  if (compare !== undefined) parameters.set('compare', compare);
  if (category !== undefined) parameters.set('category', String(category));
  for (const product of products) parameters.append('product', String(product));
  if (search !== '') parameters.set('search', search);
  return parameters.toString();
}

/** A path of the API with those parameters that are there. */
export function apiPath(path: string, parameters: Readonly<Record<string, string | number | undefined>>) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.length === 0 ? path : `${path}?${given.map(([name, value]) => `${name}=${value}`).join('&')}`;
}

/** What the view shows, in words. */
export function describeView({ period, category }: View): string {
  const what = category === undefined ? 'Clicks' : `Clicks in category ${category}`;
  return `${what} ${periods[period].words}.`;
}
