import { compareKeys, type Key, sortByCount } from '../counts/keys';
import type { NamesView } from '../counts/productNames';
import { RequestProblem } from './answer';
import type { ViewResult } from './answers';
import { type ClickView, cellsOf, keyAt, mostRows, otherIn } from './clickView';
import { type CountTerms, clickTerms } from './countTerms';
import { readHistory } from './historyView';
import { otherClicks, otherName } from './otherClicks';
import { Parameters } from './parameters';
import { readWindow, windowParameters } from './timeWindow';
import { readTrending } from './trendingView';
import { type RowsTold, tellWindow } from './windowView';

/**
 * Reads a request to GET /api/clicks or GET /api/counts/{stream}, with or without a path below it. Throws a RequestProblem that names the
 * wrong parameter and what it accepts.
 */
export function readClickView(
  path: string,
  query: URLSearchParams,
  terms: CountTerms = clickTerms,
): ClickView {
  if (path === '') return readKeys(query, terms);
  if (path === terms.attributes) return readAttributes(query, terms);
  if (path === 'history') return readHistory(query, terms);
  if (path === 'trending') return readTrending(query, terms);
  return readOneKey(path, query, terms);
}

function readKeys(query: URLSearchParams, terms: CountTerms): ClickView {
  const parameters = new Parameters(query, ['last', 'top', terms.attribute, 'search', 'since', 'until']);
  const top = parameters.integer('top', 1, mostRows) ?? mostRows;
  const isOfAttribute = terms.readAttribute(parameters);
  const search = parameters.text('search', mostSearched)?.toLowerCase();
  const isSelected = isOfAttribute !== undefined || search !== undefined;
  const window = readWindow(parameters);
  return {
    bucketMs: window?.bucketMs,
    build(input) {
      const { names, view } = input;
      const { total: all } = view.tally;
      return tellWindow(window, input, (rows) => {
        const { keys: told, counts, isWindow } = rows;
        const isWanted = (index: number) =>
          (!isOfAttribute || isOfAttribute(told.attributes[index])) &&
          (!isWindow || (counts[index] ?? 0) > 0) &&
          (search === undefined || isFound(told.keys[index] ?? '', names, search));
        let total = all;
        let indexes = told.ranked();
        if (isWindow || isSelected) {
          const wanted = indexes.filter(isWanted);
          indexes = isWindow ? sortByCount(wanted, counts, told.keys) : wanted;
          total = indexes.reduce((sum, index) => sum + (counts[index] ?? 0), 0);
        }
        const other = otherClicks(told, rows.folded);
        // If only some keys are selected, the rows of keys without counts of their own stay out of the total: nobody knows which are
        // selected.
        if (isWindow && !isSelected) total += other?.clicks ?? 0;
        const keys = indexes.slice(0, top).map((index) => ({
          ...keyAt(told, names, index, terms),
          [terms.count]: counts[index] ?? 0,
        }));
        const titles = [terms.key, 'name', terms.attribute, terms.count];
        return {
          json: { ...rows.about, total, [terms.keys]: keys, ...otherIn(other, terms) },
          titles,
          rows: () => [
            ...keys.map((entry) => cellsOf(entry, titles)),
            ...(other && !isSelected ? [[null, otherName, null, other.clicks]] : []),
          ],
        };
      });
    },
  };
}

/** The longest text that can be searched for. */
const mostSearched = 100;

/** Whether a text, given in lower case, is part of a key or of its name. */
const isFound = (key: Key, { names }: NamesView, search: string): boolean =>
  String(key).toLowerCase().includes(search) ||
  (typeof key === 'number' && (names.get(key)?.toLowerCase().includes(search) ?? false));

function readOneKey(path: string, query: URLSearchParams, terms: CountTerms): ClickView {
  const wanted = terms.readKey(path);
  const window = readWindow(new Parameters(query, windowParameters));
  return {
    bucketMs: window?.bucketMs,
    build(input) {
      const { tally } = input.view;
      const index = wanted.map((key) => tally.indexOf(key)).find((found) => found !== undefined);
      if (index === undefined)
        throw new RequestProblem(404, terms.whyUncounted(wanted, tally), { parameter: terms.key });
      return tellWindow(window, input, ({ keys, counts, about }) => {
        const entry = { ...keyAt(keys, input.names, index, terms), [terms.count]: counts[index] ?? 0 };
        const titles = [terms.key, 'name', terms.attribute, terms.count];
        return { json: { ...about, ...entry }, titles, rows: () => [cellsOf(entry, titles)] };
      });
    },
  };
}

function readAttributes(query: URLSearchParams, terms: CountTerms): ClickView {
  const window = readWindow(new Parameters(query, windowParameters));
  return {
    bucketMs: window?.bucketMs,
    build: (input) => tellWindow(window, input, (rows) => tellAttributes(rows, terms)),
  };
}

function tellAttributes({ keys, counts, folded, about }: RowsTold, terms: CountTerms): ViewResult {
  const sums = new Map<Key | null, number>();
  const other = otherClicks(keys, folded);
  let total = other?.clicks ?? 0;
  keys.attributes.forEach((attribute, index) => {
    const clicks = counts[index] ?? 0;
    total += clicks;
    if (clicks > 0) sums.set(attribute, (sums.get(attribute) ?? 0) + clicks);
  });
  const attributes = [...sums].sort(([a, ofA], [b, ofB]) => ofB - ofA || compareAttributes(a, b));
  return {
    json: {
      ...about,
      total,
      [terms.attributes]: attributes.map(([attribute, count]) => ({
        [terms.attribute]: attribute,
        [terms.count]: count,
      })),
      ...otherIn(other, terms),
    },
    titles: [terms.attribute, terms.count],
    rows: () => [...attributes, ...(other ? [[otherName, other.clicks]] : [])],
  };
}

/** Orders attributes in ascending order. A missing attribute comes last. */
function compareAttributes(a: Key | null, b: Key | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareKeys(a, b);
}
