/*
 * What the page shows: a period, a category, a search and a product. The view stands in the fragment of the address, so that a link
 * shares it and the browser's back button leaves it.
 */

export type Period = 'all' | '15m' | '1h' | '24h' | '48h';

export interface View {
  readonly period: Period;
  readonly category: number | undefined;
  readonly product: number | undefined;
  /** Part of a product's name or number; empty without a search. */
  readonly search: string;
}

interface PeriodTerms {
  /** The parameter `last` of the API; undefined for all clicks. */
  readonly last: string | undefined;
  readonly words: string;
  /** The chart of all products: parameters of the API's history, and in words what they give. */
  readonly history: string;
  readonly each: string;
  readonly over: string;
  /** The chart of one product or category: `count` windows that are `step` longer each, in minutes or hours. */
  readonly windows: { readonly step: number; readonly unit: 'm' | 'h'; readonly count: number };
  /** The two windows that are compared. */
  readonly trending: string;
  readonly trendingWords: string;
}

const lastHour = {
  history: 'bucket=1m&last=1h',
  each: 'per minute',
  over: 'in the last hour',
  windows: { step: 5, unit: 'm', count: 12 },
} as const;
const lastDay = {
  trending: '24h',
  trendingWords: 'The last 24 full hours against the 24 before them.',
};

export const periods: Readonly<Record<Period, PeriodTerms>> = {
  '15m': {
    last: '15m',
    words: 'of the last 15 minutes',
    history: 'bucket=1m&last=15m',
    each: 'per minute',
    over: 'in the last 15 minutes',
    windows: { step: 1, unit: 'm', count: 15 },
    trending: '15m',
    trendingWords: 'The last 15 full minutes against the 15 before them.',
  },
  '1h': {
    last: '60m',
    words: 'of the last hour',
    ...lastHour,
    trending: '60m',
    trendingWords: 'The last 60 full minutes against the 60 before them.',
  },
  '24h': {
    last: '24h',
    words: 'of the last 24 hours',
    history: 'bucket=1h&last=24h',
    each: 'per hour',
    over: 'in the last 24 hours',
    windows: { step: 3, unit: 'h', count: 8 },
    ...lastDay,
  },
  '48h': {
    last: '48h',
    words: 'of the last 48 hours',
    history: 'bucket=1h&last=48h',
    each: 'per hour',
    over: 'in the last 48 hours',
    windows: { step: 4, unit: 'h', count: 12 },
    ...lastDay,
  },
  all: {
    last: undefined,
    words: 'since the beginning',
    ...lastHour,
    trending: '5m',
    trendingWords: 'The last 5 full minutes against the 5 before them.',
  },
};

const int32 = 2 ** 31;
export const longestSearch = 100;

function readInteger(text: string | null): number | undefined {
  if (text === null || !/^-?\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= -int32 && value < int32 ? value : undefined;
}

const isPeriod = (text: string | null): text is Period => text !== null && Object.hasOwn(periods, text);

/** Reads the fragment of an address. What is no view in it is left out. */
export function readView(hash: string): View {
  const parameters = new URLSearchParams(hash.slice(1));
  const period = parameters.get('period');
  return {
    period: isPeriod(period) ? period : 'all',
    category: readInteger(parameters.get('category')),
    product: readInteger(parameters.get('product')),
    search: (parameters.get('search') ?? '').slice(0, longestSearch),
  };
}

/** The fragment of a view, without the number sign; empty for the view that the page begins with. */
export function writeView({ period, category, product, search }: View): string {
  const parameters = new URLSearchParams();
  if (period !== 'all') parameters.set('period', period);
  if (category !== undefined) parameters.set('category', String(category));
  if (product !== undefined) parameters.set('product', String(product));
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
