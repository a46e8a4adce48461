import type { Tally } from '../counts/tally';
import { RequestProblem } from './answer';
import { type ClickView, cellsOf, type Entry, otherIn, versionOf } from './clickView';
import type { CountTerms } from './countTerms';
import { otherClicks } from './otherClicks';
import { Parameters, type Span, shown } from './parameters';
import { clicksIn, hourMs, isoTime, minuteMs } from './timeWindow';

/** How far back single keys can be followed: in buckets of minutes, and in buckets of hours. */
const mostOfKeys = { minutes: 120 * minuteMs, hours: 48 * hourMs };

/** Whose rows are asked for. */
interface Wanted {
  /** Undefined for all rows. */
  readonly indexes: ((tally: Tally) => readonly number[]) | undefined;
  /** Whether the rows of keys that are not counted on their own may be among the wanted ones, and are told beside them. */
  readonly hasOther: boolean;
}

/** Reads a request for rows over time: of all keys, of one, or of those with one attribute. */
export function readHistory(query: URLSearchParams, terms: CountTerms): ClickView {
  const parameters = new Parameters(query, ['bucket', 'last', terms.key, terms.attribute]);
  const wanted = readWanted(parameters, terms);
  const bucket = parameters.span('bucket', '1m', '1m to 1d in whole minutes', (ms) => ms <= 24 * hourMs);
  const last = readLast(parameters, bucket, wanted, terms);
  const length = Math.ceil(last.ms / bucket.ms);
  const isOfMinutes = length * bucket.ms <= mostOfKeys.minutes;
  return {
    bucketMs: bucket.ms,
    build({ view, nowMs }) {
      const { tally } = view;
      const current = Math.floor(nowMs / bucket.ms);
      const first = current - length + 1;
      const countIn = counterOf(tally, wanted, isOfMinutes ? minuteMs : hourMs);
      const titles = ['from', terms.count];
      const buckets: Entry[] = [];
      let total = 0;
      for (let at = first; at <= current; at++) {
        const count = countIn(at * bucket.ms, (at + 1) * bucket.ms);
        buckets.push({ from: isoTime(at * bucket.ms), [terms.count]: count });
        total += count;
      }
      const times = { from: isoTime(first * bucket.ms), to: isoTime((current + 1) * bucket.ms) };
      const unitMs = isOfMinutes ? minuteMs : hourMs;
      const other = wanted.hasOther
        ? otherClicks(
            tally,
            clicksIn(tally, unitMs, (first * bucket.ms) / unitMs, ((current + 1) * bucket.ms) / unitMs - 1)
              .folded,
          )
        : undefined;
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

/** The minutes of all rows together are kept for a week; those of single keys for two hours, and their hours for two days. */
function readLast(parameters: Parameters, bucket: Span, { indexes }: Wanted, terms: CountTerms): Span {
  if (!indexes)
    return parameters.span(
      'last',
      '1h',
      `${bucket.text} (one bucket) to 7d`,
      (ms) => ms >= bucket.ms && ms <= 7 * 24 * hourMs,
    );
  const inHours = bucket.ms % hourMs === 0;
  const mostMs = inHours ? mostOfKeys.hours : mostOfKeys.minutes;
  const who = `with ${terms.key} or ${terms.attribute}`;
  if (bucket.ms > mostMs) {
    const accepts = `1m to 2h, or up to 1d in whole hours, ${who}`;
    throw new RequestProblem(400, `bucket is ${shown(bucket.text)}: expected ${accepts}.`, {
      parameter: 'bucket',
      accepts,
    });
  }
  return parameters.span(
    'last',
    bucket.ms > hourMs ? bucket.text : '1h',
    `${bucket.text} (one bucket) to ${inHours ? '48h' : '2h, or to 48h with a bucket of whole hours'}, ${who}`,
    (ms) => ms >= bucket.ms && Math.ceil(ms / bucket.ms) * bucket.ms <= mostMs,
  );
}

/** A function that gives the rows in a time, whose ends are multiples of `unitMs`, or of a minute for all rows. */
function counterOf(
  tally: Tally,
  { indexes }: Wanted,
  unitMs: number,
): (fromMs: number, toMs: number) => number {
  if (!indexes) {
    return (fromMs, toMs) => {
      let count = 0;
      for (let at = fromMs / minuteMs; at < toMs / minuteMs; at++) count += tally.totals.count(at, 0);
      return count;
    };
  }
  const of = indexes(tally);
  const buckets = unitMs === minuteMs ? tally.minutes : tally.hours;
  return (fromMs, toMs) => {
    let count = 0;
    for (let at = fromMs / unitMs; at < toMs / unitMs; at++)
      for (const index of of) count += buckets.count(at, index);
    return count;
  };
}
