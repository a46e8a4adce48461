import { sortByCount } from '../counts/keys';
import type { Tally } from '../counts/tally';
import { type ClickView, cellsOf, type Entry, keyAt, mostRows, otherIn, versionOf } from './clickView';
import { type ComparedWindows, comparedParameters, readComparedWindows } from './comparedWindows';
import type { CountTerms } from './countTerms';
import { clicksIn } from './keptUnits';
import { otherClicks, otherName } from './otherClicks';
import { Parameters } from './parameters';
import { isoTime } from './timeWindow';

/** The orders of the answer: by rise or by fall, in rows or in percent. */
const sorts = ['-change', 'change', '-percent', 'percent'] as const;
type Sort = (typeof sorts)[number];

const isInPercent = (sort: Sort): boolean => sort.endsWith('percent');

export function readTrending(query: URLSearchParams, terms: CountTerms): ClickView {
  const parameters = new Parameters(query, [...comparedParameters, 'top', 'sort']);
  const top = parameters.integer('top', 1, mostRows) ?? 20;
  const sort = parameters.oneOf('sort', sorts) ?? '-change';
  const windows = readComparedWindows(parameters);
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

/** The rows in both windows, and their times. */
function compared(tally: Tally, windows: ComparedWindows, nowMs: number) {
  const { unit, first, end, back } = windows.at(nowMs);
  const iso = (bucket: number) => isoTime(bucket * unit.ms);
  return {
    now: clicksIn(tally, unit, first, end - 1),
    before: clicksIn(tally, unit, first - back, end - back - 1),
    times: {
      from: iso(first),
      to: iso(end),
      ...(windows.isChosen && { beforeFrom: iso(first - back), beforeTo: iso(end - back) }),
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
