import { sortByCount } from '../counts/keys';
import type { Tally } from '../counts/tally';
import { type ClickView, cellsOf, type Entry, keyAt, mostRows, otherIn, versionOf } from './clickView';
import type { CountTerms } from './countTerms';
import { otherClicks, otherName } from './otherClicks';
import { Parameters } from './parameters';
import { clicksIn, hourMs, isoTime, minuteMs } from './timeWindow';

/** The orders of the answer: by rise or by fall, in rows or in percent. */
const sorts = ['-change', 'change', '-percent', 'percent'] as const;
type Sort = (typeof sorts)[number];

const isInPercent = (sort: Sort): boolean => sort.endsWith('percent');

/** Two windows of whole buckets; the current bucket is in none, because it is not over yet and would look like a fall. */
interface Windows {
  readonly bucketMs: number;
  /** How many buckets each window has. */
  readonly length: number;
  /** How many buckets the second window lies before the first. */
  readonly back: number;
  /** Whether the second one was asked for; then its times are told. */
  readonly isChosen: boolean;
}

export function readTrending(query: URLSearchParams, terms: CountTerms): ClickView {
  const parameters = new Parameters(query, ['last', 'top', 'sort', 'compare']);
  const top = parameters.integer('top', 1, mostRows) ?? 20;
  const sort = parameters.oneOf('sort', sorts) ?? '-change';
  const windows = readWindows(parameters);
  return {
    bucketMs: windows.bucketMs,
    build({ view, names, nowMs }) {
      const { tally } = view;
      const { now, before, times } = compared(tally, windows, nowMs);
      const others = otherClicks(tally, now.folded);
      const other = others && { ...others, before: before.folded ?? 0 };
      const keys = ranked(tally, now.counts, before.counts, sort)
        .slice(0, top)
        .map((index) => ({
          ...keyAt(tally, names, index, terms),
          ...changeOf(now.counts[index] ?? 0, before.counts[index] ?? 0, sort, terms),
        }));
      const titles = [terms.key, 'name', terms.attribute, terms.count, 'before', 'change'];
      if (isInPercent(sort)) titles.push('percent');
      const sum = (clicks: Float64Array, others = 0) => clicks.reduce((all, one) => all + one, others);
      const total = sum(now.counts, now.folded);
      const totalBefore = sum(before.counts, before.folded);
      const otherRow = other && { name: otherName, ...changeOf(other.clicks, other.before, sort, terms) };
      return {
        json: {
          ...{ ...versionOf(view), ...times, total, totalBefore },
          [terms.keys]: keys,
          ...otherIn(other, terms),
        },
        titles,
        rows: () => [...keys, ...(otherRow ? [otherRow] : [])].map((entry) => cellsOf(entry, titles)),
      };
    },
  };
}

function readWindows(parameters: Parameters): Windows {
  const compare = parameters.oneOf('compare', ['before', 'yesterday']);
  const isInHours = (ms: number) => ms % hourMs === 0 && ms <= 24 * hourMs;
  // What was yesterday is kept by the hour.
  if (compare === 'yesterday') {
    const last = parameters.span('last', '1h', '1h to 24h in whole hours with compare=yesterday', isInHours);
    return { bucketMs: hourMs, length: last.ms / hourMs, back: 24, isChosen: true };
  }
  const isInMinutes = (ms: number) => ms <= 60 * minuteMs;
  const last = parameters.span(
    'last',
    '15m',
    '1m to 60m in whole minutes, or 2h to 24h in whole hours',
    (ms) => isInMinutes(ms) || isInHours(ms),
  );
  const bucketMs = isInMinutes(last.ms) ? minuteMs : hourMs;
  const length = last.ms / bucketMs;
  return { bucketMs, length, back: length, isChosen: compare !== undefined };
}

/** The rows in both windows, and their times. */
function compared(tally: Tally, { bucketMs, length, back, isChosen }: Windows, nowMs: number) {
  const end = Math.floor(nowMs / bucketMs);
  const iso = (bucket: number) => isoTime(bucket * bucketMs);
  return {
    now: clicksIn(tally, bucketMs, end - length, end - 1),
    before: clicksIn(tally, bucketMs, end - back - length, end - back - 1),
    times: {
      from: iso(end - length),
      to: iso(end),
      ...(isChosen && { beforeFrom: iso(end - back - length), beforeTo: iso(end - back) }),
    },
  };
}

/** The indexes of the keys that have rows in a window, in order. Where there were none before, a change is no number of percent. */
function ranked(tally: Tally, now: Float64Array, before: Float64Array, sort: Sort): number[] {
  const sign = sort.startsWith('-') ? 1 : -1;
  const ranks = now.map((count, index) => {
    const earlier = before[index] ?? 0;
    return (sign * (count - earlier)) / (isInPercent(sort) ? earlier : 1);
  });
  const isTold = (index: number) => (before[index] ?? 0) > 0 || (!isInPercent(sort) && (now[index] ?? 0) > 0);
  return sortByCount([...now.keys()].filter(isTold), ranks, tally.keys);
}

/** The members of an entry that compare; percent, if asked for, with one digit after the point. */
function changeOf(count: number, before: number, sort: Sort, terms: CountTerms): Entry {
  const change = count - before;
  const percent = before > 0 ? Math.round((1000 * change) / before) / 10 : null;
  return { [terms.count]: count, before, change, ...(isInPercent(sort) && { percent }) };
}
