import { minuteMs } from '../counts/spans';
import type { Tally } from '../counts/tally';
import { RequestProblem } from './answer';
import { type ClickView, cellsOf, type Entry, otherIn, versionOf } from './clickView';
import type { CountTerms } from './countTerms';
import { type HistoryRange, rangeParameters, readRange } from './historyRange';
import { otherClicks } from './otherClicks';
import { Parameters } from './parameters';
import { isoTime } from './timeWindow';

/** Whose rows are asked for. */
interface Wanted {
  /** Undefined for all rows. */
  readonly indexes: ((tally: Tally) => readonly number[]) | undefined;
  /** Whether the rows of keys that are not counted on their own may be among the wanted ones, and are told beside them. */
  readonly hasOther: boolean;
}

/** Reads a request for rows over time: of all keys, of one, or of those with one attribute. */
export function readHistory(query: URLSearchParams, terms: CountTerms): ClickView {
  const parameters = new Parameters(query, [...rangeParameters, terms.key, terms.attribute]);
  const wanted = readWanted(parameters, terms);
  const ofKeys = wanted.indexes && `with ${terms.key} or ${terms.attribute}`;
  const range = readRange(parameters, ofKeys);
  const { bucket } = range;
  return {
    bucketMs: parameters.text('since') === undefined ? bucket.ms : minuteMs,
    build({ view, nowMs }) {
      const { tally } = view;
      const { first, last } = range.at(nowMs);
      const countIn = counterOf(tally, wanted, range);
      const titles = ['from', terms.count];
      const buckets: Entry[] = [];
      let total = 0;
      for (let at = first; at <= last; at++) {
        const count = countIn(at);
        buckets.push({ from: isoTime(at * bucket.ms), [terms.count]: count });
        total += count;
      }
      const times = { from: isoTime(first * bucket.ms), to: isoTime((last + 1) * bucket.ms) };
      const other = wanted.hasOther ? othersIn(tally, range, first, last) : undefined;
      return {
        json: { ...versionOf(view), bucket: bucket.text, ...times, total, buckets, ...otherIn(other, terms) },
        titles,
        rows: () => buckets.map((one) => cellsOf(one, titles)),
      };
    },
  };
}

function readWanted(parameters: Parameters, terms: CountTerms): Wanted {
  const key = parameters.text(terms.key);
  const isOfAttribute = terms.readAttribute(parameters);
  if (key !== undefined && isOfAttribute)
    throw new RequestProblem(400, `${terms.key} and ${terms.attribute} cannot be asked for together.`, {
      parameter: terms.attribute,
      accepts: `one of ${terms.key}, ${terms.attribute}`,
    });
  if (isOfAttribute)
    return {
      indexes: ({ attributes }) => [...attributes.keys()].filter((index) => isOfAttribute(attributes[index])),
      hasOther: true,
    };
  if (key === undefined) return { indexes: undefined, hasOther: false };
  const forms = terms.readKey(key);
  return {
    indexes(tally) {
      const index = forms.map((form) => tally.indexOf(form)).find((found) => found !== undefined);
      if (index !== undefined) return [index];
      throw new RequestProblem(404, terms.whyUncounted(forms, tally), { parameter: terms.key });
    },
    hasOther: false,
  };
}

/** A function that gives the rows in a bucket of the history. */
function counterOf(
  tally: Tally,
  { indexes }: Wanted,
  { bucket, unit }: HistoryRange,
): (bucket: number) => number {
  if (!indexes) {
    const each = bucket.ms / minuteMs;
    return (at) => tally.totals.sum(at * each, (at + 1) * each - 1);
  }
  const of = indexes(tally);
  const each = bucket.ms / unit.ms;
  return (at) => tally.times[unit.name].sumOf(of, at * each, (at + 1) * each - 1);
}

/** The rows of keys that are not counted on their own, in buckets of the history. */
function othersIn(tally: Tally, { bucket, unit }: HistoryRange, first: number, last: number) {
  const each = bucket.ms / unit.ms;
  return otherClicks(tally, tally.folded?.times[unit.name].sum(first * each, (last + 1) * each - 1));
}
