/* The periods that a reader can choose, and the times that each can be compared with: what the API is asked, and what the page says. */

export type Period = '15m' | '1h' | '24h' | '48h' | '7d' | '31d' | 'all';

/** A time to compare with, by the name that the API has for it. */
export type Compare = 'before' | 'yesterday' | 'lastWeek';

/** The buckets of a chart, as parameters of the API's history, and what one bucket is called. */
interface ChartTerms {
  readonly history: { readonly bucket: string; readonly last: string };
  readonly each: string;
}

interface PeriodTerms extends ChartTerms {
  /** The parameter `last` of the API; undefined for all clicks. */
  readonly last: string | undefined;
  readonly words: string;
  /** A chart with finer bars; undefined if there are none. For a product or a category, the API counts them in the table's files. */
  readonly finer?: ChartTerms;
  readonly over: string;
  /** The length of the two times that are compared to find rising products, as the API's `last`. */
  readonly rising: string;
  /** For each comparison that the API has for this period: the length of the two times. */
  readonly compared: Readonly<Partial<Record<Compare, string>>>;
}

/** A period that ends now. @param time such as `last hour` */
const ofTheLast = (time: string) => ({ words: `of the ${time}`, over: `in the ${time}` });

/** Comparisons with earlier days. The API has them by the hour. */
const byHour = (last: string) => ({ yesterday: last, lastWeek: last });

export const periods: Readonly<Record<Period, PeriodTerms>> = {
  '15m': {
    ...ofTheLast('last 15 minutes'),
    last: '15m',
    history: { bucket: '1m', last: '15m' },
    each: 'per minute',
    rising: '15m',
    compared: { before: '15m', ...byHour('1h') },
  },
  '1h': {
    ...ofTheLast('last hour'),
    last: '60m',
    history: { bucket: '1m', last: '1h' },
    each: 'per minute',
    rising: '60m',
    compared: { before: '60m', ...byHour('1h') },
  },
  '24h': {
    ...ofTheLast('last 24 hours'),
    last: '24h',
    history: { bucket: '1h', last: '24h' },
    each: 'per hour',
    finer: { history: { bucket: '10m', last: '24h' }, each: 'per 10 minutes' },
    rising: '24h',
    compared: { before: '24h', ...byHour('24h') },
  },
  '48h': {
    ...ofTheLast('last 48 hours'),
    last: '48h',
    history: { bucket: '1h', last: '48h' },
    each: 'per hour',
    finer: { history: { bucket: '15m', last: '48h' }, each: 'per 15 minutes' },
    rising: '48h',
    compared: { before: '48h', lastWeek: '2d' },
  },
  '7d': {
    ...ofTheLast('last 7 days'),
    last: '7d',
    history: { bucket: '1h', last: '7d' },
    each: 'per hour',
    finer: { history: { bucket: '30m', last: '7d' }, each: 'per 30 minutes' },
    rising: '7d',
    compared: { before: '7d', lastWeek: '7d' },
  },
  '31d': {
    ...ofTheLast('last 31 days'),
    last: '31d',
    history: { bucket: '1d', last: '31d' },
    each: 'per day',
    finer: { history: { bucket: '6h', last: '31d' }, each: 'per 6 hours' },
    // The API can compare two times of this length, because it keeps counts for twice as long.
    rising: '15d',
    compared: {},
  },
  all: {
    last: undefined,
    words: 'since the beginning',
    history: { bucket: '1m', last: '1h' },
    each: 'per minute',
    over: 'in the last hour',
    rising: '5m',
    compared: { before: '5m', ...byHour('1h') },
  },
};

/** The chart of a period. @param isFine true for finer bars, if the period has them */
export const chartOf = (period: Period, isFine: boolean): ChartTerms =>
  (isFine ? periods[period].finer : undefined) ?? periods[period];

interface CompareTerms {
  readonly words: string;
  /** Why a period does not have this comparison. */
  readonly whyNot: string;
}

const overlap = 'because the two times would overlap';

export const comparisons: Readonly<Record<Compare, CompareTerms>> = {
  before: {
    words: 'the time before',
    whyNot: 'because clicks by time are counted in advance for 31 days only',
  },
  yesterday: { words: 'the same time yesterday', whyNot: overlap },
  lastWeek: { words: 'the same time last week', whyNot: overlap },
};

/** The comparison, if the period has it; otherwise undefined. */
export const offeredIn = (period: Period, compare: Compare | undefined): Compare | undefined =>
  compare !== undefined && periods[period].compared[compare] !== undefined ? compare : undefined;

/** Says which comparisons the period does not have, and why; empty if it has all of them. */
export function whyNotCompared(period: Period): string {
  const missing = Object.entries(comparisons).filter(([name]) => !offeredIn(period, name as Compare));
  const reasons = [...new Set(missing.map(([, { whyNot }]) => whyNot))].map((reason) => {
    const names = missing.flatMap(([, { words, whyNot }]) => (whyNot === reason ? [words] : []));
    return `with ${names.join(' or ')}, ${reason}`;
  });
  if (reasons.length === 0) return '';
  return `Clicks ${periods[period].words} cannot be compared ${reasons.join('; nor ')}.`;
}

/** The sentence that says what a day is, for readers whose days begin at another time. */
export const daysAreUtc = ' Days are those of UTC.';

const units: Readonly<Record<string, string>> = { m: 'minute', h: 'hour', d: 'day' };

/** The time that the API is asked to compare, and the comparison in words. Without `compare`, it is the one for the rising products. */
export function comparedIn(period: Period, compare: Compare | undefined): { last: string; words: string } {
  const { rising, compared } = periods[period];
  const last = (compare && compared[compare]) ?? rising;
  const count = Number.parseInt(last, 10);
  const unit = `${units[last.slice(-1)]}${count === 1 ? '' : 's'}`;
  const number = count === 1 ? '' : `${count} `;
  const isBefore = compare === undefined || compare === 'before';
  const against = isBefore ? `the ${number}${unit} before` : comparisons[compare].words;
  const days = last.endsWith('d') ? daysAreUtc : '';
  return { last, words: `The last ${number}full ${unit} against ${against}.${days}` };
}

/** How far back an asset's prices are shown. */
export type PricePeriod = '24h' | '7d' | '31d';

interface PricePeriodTerms {
  readonly history: { readonly bucket: string; readonly last: string };
  readonly bucketSeconds: number;
  readonly each: string;
  readonly over: string;
}

const pricesByHour = (last: string, over: string): PricePeriodTerms => ({
  history: { bucket: '1h', last },
  bucketSeconds: 3600,
  each: 'an hour',
  over,
});

export const pricePeriods: Readonly<Record<PricePeriod, PricePeriodTerms>> = {
  '24h': pricesByHour('24h', 'in the last 24 hours'),
  '7d': pricesByHour('7d', 'in the last 7 days'),
  '31d': {
    history: { bucket: '1d', last: '31d' },
    bucketSeconds: 86_400,
    each: 'a day of UTC',
    over: 'in the last 31 days',
  },
};
