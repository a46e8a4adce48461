/* The periods that a reader can choose, and the times that they can be compared with: what to ask the API for, and how to say it. */

export type Period = 'all' | '15m' | '1h' | '24h' | '48h';

interface PeriodTerms {
  /** The parameter `last` of the API; undefined for all clicks. */
  readonly last: string | undefined;
  readonly words: string;
  /** The chart: parameters of the API's history, and in words what they give. */
  readonly history: { readonly bucket: string; readonly last: string };
  readonly each: string;
  readonly over: string;
  /** Length of the two times that are compared, as `last` of the API's trending; in whole hours for earlier days. */
  readonly compared: string;
  readonly comparedByHour: string;
}

const lastHour = {
  history: { bucket: '1m', last: '1h' },
  each: 'per minute',
  over: 'in the last hour',
  comparedByHour: '1h',
} as const;
const lastDay = { each: 'per hour', compared: '24h', comparedByHour: '24h' } as const;

export const periods: Readonly<Record<Period, PeriodTerms>> = {
  '15m': {
    ...lastHour,
    last: '15m',
    words: 'of the last 15 minutes',
    history: { bucket: '1m', last: '15m' },
    over: 'in the last 15 minutes',
    compared: '15m',
  },
  '1h': { ...lastHour, last: '60m', words: 'of the last hour', compared: '60m' },
  '24h': {
    ...lastDay,
    last: '24h',
    words: 'of the last 24 hours',
    history: { bucket: '1h', last: '24h' },
    over: 'in the last 24 hours',
  },
  '48h': {
    ...lastDay,
    last: '48h',
    words: 'of the last 48 hours',
    history: { bucket: '1h', last: '48h' },
    over: 'in the last 48 hours',
  },
  all: { ...lastHour, last: undefined, words: 'since the beginning', compared: '5m' },
};

/** A time to compare with, by the name that the API has for it. */
export type Compare = 'before' | 'yesterday';

interface CompareTerms {
  /** Whether the API knows that time by whole hours only. */
  readonly isByHour: boolean;
  /** What it is called, for a time of this length. */
  readonly against: (length: string) => string;
}

export const comparisons: Readonly<Record<Compare, CompareTerms>> = {
  before: { isByHour: false, against: (length) => `the ${length} before` },
  yesterday: { isByHour: true, against: () => 'the same time yesterday' },
};

/** What the API is asked to compare in a period, and what that is in words. */
export function comparedIn(period: Period, compare: Compare): { last: string; words: string } {
  const { compared, comparedByHour } = periods[period];
  const { isByHour, against } = comparisons[compare];
  const last = isByHour ? comparedByHour : compared;
  const count = Number.parseInt(last, 10);
  const unit = `${last.endsWith('m') ? 'minute' : 'hour'}${count === 1 ? '' : 's'}`;
  const number = count === 1 ? '' : `${count} `;
  return { last, words: `The last ${number}full ${unit} against ${against(`${number}${unit}`)}.` };
}

/** How far back the prices of an asset are shown. */
export type PricePeriod = '24h' | '7d' | '31d';

interface PricePeriodTerms {
  readonly history: { readonly bucket: string; readonly last: string };
  readonly bucketSeconds: number;
  readonly each: string;
  readonly over: string;
}

const byHour = (last: string, over: string): PricePeriodTerms => ({
  history: { bucket: '1h', last },
  bucketSeconds: 3600,
  each: 'an hour',
  over,
});

export const pricePeriods: Readonly<Record<PricePeriod, PricePeriodTerms>> = {
  '24h': byHour('24h', 'in the last 24 hours'),
  '7d': byHour('7d', 'in the last 7 days'),
  '31d': {
    history: { bucket: '1d', last: '31d' },
    bucketSeconds: 86_400,
    each: 'a day',
    over: 'in the last 31 days',
  },
};
