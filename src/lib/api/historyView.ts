import { minuteMs } from '../duration';
import { RequestProblem } from './answer';
import { type ClickView, cellsOf, type Entry, otherIn, versionOf } from './clickView';
import type { CountTerms } from './countTerms';
import { rangeParameters, readRange } from './historyRange';
import { afterScan, sourceOf } from './lakeScan';
import { Parameters } from './parameters';
import { RowsOverTime, type Wanted } from './rowsOverTime';
import { isoTime } from './timeWindow';

/** Reads a request for rows over time: of all keys, of one, or of those with one attribute. */
export function readHistory(query: URLSearchParams, terms: CountTerms): ClickView {
  const parameters = new Parameters(query, [...rangeParameters, terms.key, terms.attribute]);
  const wanted = readWanted(parameters, terms);
  const range = readRange(parameters, wanted.indexes !== undefined);
  const { bucket, asked } = range;
  return {
    bucketMs: parameters.text('since') === undefined ? bucket.ms : minuteMs,
    build({ view, nowMs }) {
      const { first, last } = range.at(nowMs);
      const rows = new RowsOverTime(view.tally, wanted, range, { first, last });
      const version = versionOf(view);
      const times = {
        from: isoTime(first * bucket.ms),
        to: isoTime((last + 1) * bucket.ms),
        source: sourceOf(rows.missing),
      };
      return afterScan(rows.missing, { add: rows.add, asked }, () => {
        const buckets: Entry[] = [...rows.counts].map((count, index) => ({
          from: isoTime((first + index) * bucket.ms),
          [terms.count]: count,
        }));
        const total = rows.counts.reduce((sum, count) => sum + count, 0);
        const titles = ['from', terms.count];
        return {
          json: { ...version, bucket: bucket.text, ...times, total, buckets, ...otherIn(rows.other, terms) },
          titles,
          rows: () => buckets.map((one) => cellsOf(one, titles)),
        };
      });
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
