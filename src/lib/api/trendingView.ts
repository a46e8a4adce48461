import { type Key, sortByCount } from '../counts/keys';
import type { Tally } from '../counts/tally';
import { RequestProblem } from './answer';
import {
  type ClickView,
  cellsOf,
  type Entry,
  type KeysTold,
  keyAt,
  mostRows,
  otherIn,
  versionOf,
} from './clickView';
import { type ComparedWindows, comparedParameters, readComparedWindows } from './comparedWindows';
import type { CountTerms } from './countTerms';
import { ClicksIn } from './keptUnits';
import { afterScan, sourceOf } from './lakeScan';
import { otherClicks, otherName } from './otherClicks';
import { Parameters } from './parameters';
import { isoTime } from './timeWindow';
import { keysTold } from './windowView';

/** The orders of the answer: by the change in rows or in percent. A minus puts the largest rise first. */
const sorts = ['-change', 'change', '-percent', 'percent'] as const;
type Sort = (typeof sorts)[number];

const isInPercent = (sort: Sort): boolean => sort.endsWith('percent');

export function readTrending(query: URLSearchParams, terms: CountTerms): ClickView {
  const parameters = new Parameters(query, [
    ...comparedParameters,
    'top',
    'sort',
    terms.attribute,
    terms.keys,
  ]);
  const top = parameters.integer('top', 1, mostRows) ?? 20;
  const sort = parameters.oneOf('sort', sorts) ?? '-change';
  const select = readSelection(parameters, terms);
  const windows = readComparedWindows(parameters);
  return {
    bucketMs: windows.bucketMs,
    build({ view, names, nowMs }) {
      const { now, before, missing, add, times } = compared(view.tally, windows, nowMs);
      const version = versionOf(view);
      const told = keysTold(view.tally, missing.length > 0);
      const isWanted = select?.(view.tally);
      return afterScan(missing, { add, asked: windows.asked }, () => {
        const others = otherClicks(told, now.folded);
        const other = others && { ...others, before: before.folded ?? 0 };
        if (isWanted) for (const clicks of [now, before]) clicks.keepOnly(isWanted);
        const keys = ranked(told, now.counts, before.counts, sort)
          .slice(0, top)
          .map((index) => ({
            ...keyAt(told, names, index, terms),
            ...changeOf(now.counts[index] ?? 0, before.counts[index] ?? 0, sort, terms),
          }));
        const titles = [terms.key, 'name', terms.attribute, terms.count, 'before', 'change'];
        if (isInPercent(sort)) titles.push('percent');
        // If only some keys are selected, the rows of keys without counts of their own stay out of the total: nobody knows which are
        // selected.
        const [total, totalBefore] = [sumOf(now, !isWanted), sumOf(before, !isWanted)];
        const otherRow = other &&
          !isWanted && { name: otherName, ...changeOf(other.clicks, other.before, sort, terms) };
        return {
          json: { ...version, ...times, total, totalBefore, [terms.keys]: keys, ...otherIn(other, terms) },
          titles,
          rows: () => [...keys, ...(otherRow ? [otherRow] : [])].map((entry) => cellsOf(entry, titles)),
        };
      });
    },
  };
}

const sumOf = ({ counts, folded = 0 }: ClicksIn, withFolded: boolean): number =>
  counts.reduce((all, one) => all + one, withFolded ? folded : 0);

/** How many keys can be named. */
const mostNamed = 100;

/** Reads which keys are wanted. The result gives their indexes in a tally as it is now, or undefined if all keys are wanted. */
function readSelection(parameters: Parameters, terms: CountTerms) {
  const isOfAttribute = terms.readAttribute(parameters);
  const keys = readKeys(parameters, terms);
  if (!isOfAttribute && !keys) return undefined;
  return (tally: Tally): ((index: number) => boolean) => {
    const named = keys && new Set(keys.map((key) => tally.indexOf(key)));
    const attributes = isOfAttribute ? tally.attributes.slice() : [];
    return (index) => (!named || named.has(index)) && (!isOfAttribute || isOfAttribute(attributes[index]));
  };
}

/** The keys that the parameter names, in each form that they may have in the table; undefined if all are wanted. */
function readKeys(parameters: Parameters, terms: CountTerms): readonly Key[] | undefined {
  const texts = parameters.text(terms.keys)?.split(',');
  if (!texts) return undefined;
  const refuse = (detail: string) => {
    const accepts = `up to ${mostNamed} ${terms.keys}, with commas between them`;
    return new RequestProblem(400, `${terms.keys}: ${detail}`, { parameter: terms.keys, accepts });
  };
  if (texts.length > mostNamed) throw refuse(`these are ${texts.length}, expected ${mostNamed} at most.`);
  try {
    return texts.flatMap((text) => terms.readKey(text));
  } catch (error) {
    throw error instanceof RequestProblem ? refuse(error.message) : error;
  }
}

/** The rows in both windows, as far as counts of them are kept, and the times of the windows. */
function compared(tally: Tally, windows: ComparedWindows, nowMs: number) {
  const { unit, first, end, back } = windows.at(nowMs);
  const iso = (bucket: number) => isoTime(bucket * unit.ms);
  const now = new ClicksIn(tally, unit, first, end - 1);
  const before = new ClicksIn(tally, unit, first - back, end - back - 1);
  const missing = [...now.missing, ...before.missing];
  return {
    now,
    before,
    missing,
    add: (index: number | undefined, timeMs: number) => (timeMs >= first * unit.ms ? now : before).add(index),
    times: {
      from: iso(first),
      to: iso(end),
      ...(windows.isChosen && { beforeFrom: iso(first - back), beforeTo: iso(end - back) }),
      source: sourceOf(missing),
    },
  };
}

/** The indexes of the keys that have rows in a window, in order. In percent, keys without rows in the window before are left out. */
function ranked({ keys }: KeysTold, now: Float64Array, before: Float64Array, sort: Sort): number[] {
  const sign = sort.startsWith('-') ? 1 : -1;
  const ranks = now.map((count, index) => {
    const earlier = before[index] ?? 0;
    return (sign * (count - earlier)) / (isInPercent(sort) ? earlier : 1);
  });
  const isTold = (index: number) => (before[index] ?? 0) > 0 || (!isInPercent(sort) && (now[index] ?? 0) > 0);
  return sortByCount([...now.keys()].filter(isTold), ranks, keys);
}

/** The members of an entry that tell the change. Percent is among them only if asked for, with one digit after the point. */
function changeOf(count: number, before: number, sort: Sort, terms: CountTerms): Entry {
  const change = count - before;
  const percent = before > 0 ? Math.round((1000 * change) / before) / 10 : null;
  return { [terms.count]: count, before, change, ...(isInPercent(sort) && { percent }) };
}
