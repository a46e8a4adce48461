import type { Key } from '../counts/keys';
import { dayMs, hourMs } from '../duration';
import type { LatestView } from '../latest/latest';
import type { NewestRows } from '../latest/newestRows';
import { historyDays } from '../latest/timedRows';
import { asMicros, compareValues, type LatestValue } from '../latest/values';
import type { Column, Latest } from '../streams/stream';
import { RequestProblem, shown } from './answer';
import type { Question, ViewResult } from './answers';
import { countTerms } from './countTerms';
import { Parameters } from './parameters';
import { isoTime } from './timeWindow';

/** The words of answers about the newest rows of a stream: what the stream declares, the types of its columns, and the nouns for rows. */
export interface LatestTerms {
  readonly latest: Latest;
  readonly types: ReadonlyMap<string, Column['type']>;
  readonly rows: string;
  readonly row: string;
}

export const latestTerms = (
  { latest, columns }: { readonly latest: Latest; readonly columns: readonly Column[] },
  words: Pick<LatestTerms, 'rows' | 'row'> = { rows: 'rows', row: 'row' },
): LatestTerms => ({ latest, types: new Map(columns.map(({ name, type }) => [name, type])), ...words });

/** The most rows that can be asked for. */
const mostTop = 1_000_000;

type LatestQuestion = Question<LatestView>;
type Entry = Readonly<Record<string, LatestValue>>;

/**
 * Reads a request to GET /api/latest/{stream} or a path below it. Throws a RequestProblem that names what is wrong and what is accepted.
 * @param path empty, a key, or a key and `history`; in the form of an address, because a key may have a slash
 */
export function readLatestView(path: string, query: URLSearchParams, terms: LatestTerms): LatestQuestion {
  const [key = '', view] = path.split('/').map(decodeURIComponent);
  if (key === '') return readRows(query, terms);
  if (view === undefined) return readRow(key, query, terms);
  if (view === 'history' && terms.latest.history) return readHistory(key, terms.latest.history, query, terms);
  throw new RequestProblem(404, `There is no view ${shown(view)} of one ${terms.row}.`, {
    parameter: 'view',
    accepts: terms.latest.history ? 'history' : 'none: the stream declares no history',
  });
}

function readRows(query: URLSearchParams, terms: LatestTerms): LatestQuestion {
  const { key, asOf, columns } = terms.latest;
  const parameters = new Parameters(query, ['sort', 'top']);
  const top = parameters.integer('top', 1, mostTop) ?? mostTop;
  const names = [key, ...columns, asOf];
  const sort = parameters.oneOf('sort', [...names, ...names.map((name) => `-${name}`)]) ?? columns[0] ?? key;
  return {
    bucketMs: undefined,
    build({ state, rows: { newest } }) {
      const rows = sorted(newest, sort, terms)
        .slice(0, top)
        .map((index) => entryAt(newest, index, columns, terms));
      return {
        json: { ...versionOf(state), complete: !newest.isCut, [terms.rows]: rows },
        ...table(rows, names),
      };
    },
  };
}

/** The indexes of all rows in the order of a column, descending after a minus; rows without a value come last, equal ones by key. */
function sorted({ keys, times, columns }: NewestRows, sort: string, { latest }: LatestTerms): number[] {
  const isDescending = sort.startsWith('-') && !latest.columns.includes(sort);
  const name = isDescending ? sort.slice(1) : sort;
  const values: readonly LatestValue[] =
    name === latest.key ? keys : name === latest.asOf ? times : (columns[latest.columns.indexOf(name)] ?? []);
  return [...keys.keys()].sort((a, b) => {
    const [ofA = null, ofB = null] = [values[a], values[b]];
    if (ofA === null || ofB === null)
      return Number(ofA === null) - Number(ofB === null) || compareValues(keys[a] ?? 0, keys[b] ?? 0);
    const order = compareValues(ofA, ofB);
    return (isDescending ? -order : order) || compareValues(keys[a] ?? 0, keys[b] ?? 0);
  });
}

function readRow(wanted: string, query: URLSearchParams, terms: LatestTerms): LatestQuestion {
  new Parameters(query, []);
  const { key, asOf, columns } = terms.latest;
  return {
    bucketMs: undefined,
    build({ state, rows: { newest } }) {
      const index = indexIn(newest, wanted);
      if (index === undefined) throw unknown(wanted, newest, terms);
      const row = entryAt(newest, index, columns, terms);
      return {
        json: { ...versionOf(state), [terms.row]: row },
        ...table([row], [key, ...columns, asOf]),
      };
    },
  };
}

function readHistory(
  wanted: string,
  columns: readonly string[],
  query: URLSearchParams,
  terms: LatestTerms,
): LatestQuestion {
  const parameters = new Parameters(query, ['bucket', 'last']);
  const bucket = parameters.span(
    'bucket',
    '1h',
    '1h to 1d in whole hours',
    (ms) => ms % hourMs === 0 && ms <= dayMs,
  );
  const isOfDays = bucket.ms === dayMs;
  const mostDays = isOfDays ? historyDays.days : historyDays.hours;
  const last = parameters.span(
    'last',
    '24h',
    `${bucket.text} (one bucket) to ${mostDays}d${isOfDays ? '' : `, or to ${historyDays.days}d with bucket=1d`}`,
    (ms) => ms >= bucket.ms && ms <= mostDays * dayMs,
  );
  return {
    bucketMs: bucket.ms,
    build({ state, rows: { newest, history } }, nowMs) {
      const kept = isOfDays ? history?.days : history?.hours;
      const each = isOfDays ? 1 : bucket.ms / hourMs;
      if (indexIn(newest, wanted) === undefined) throw unknown(wanted, newest, terms);
      const current = Math.floor(nowMs / bucket.ms);
      const first = current - Math.ceil(last.ms / bucket.ms) + 1;
      const buckets: Entry[] = [];
      let complete = true;
      for (let at = first; at <= current; at++) {
        const inBucket = Array.from({ length: each }, (_, part) => kept?.at(at * each + part));
        complete &&= !inBucket.some((rows) => rows?.isCut);
        const rows = inBucket.findLast((part) => part && indexIn(part, wanted) !== undefined);
        const index = rows && indexIn(rows, wanted);
        if (rows && index !== undefined)
          buckets.push({ ...valuesAt(rows, index, columns, terms), from: isoTime(at * bucket.ms) });
      }
      const times = { from: isoTime(first * bucket.ms), to: isoTime((current + 1) * bucket.ms) };
      return {
        json: { ...versionOf(state), bucket: bucket.text, ...times, complete, buckets },
        ...table(buckets, ['from', ...columns, terms.latest.asOf]),
      };
    },
  };
}

/** The index of a key; undefined if there is none. The key of a request is a text, but it may be a number in the table. */
const indexIn = (rows: NewestRows, wanted: string): number | undefined =>
  countTerms
    .readKey(wanted)
    .map((key: Key) => rows.indexOf(key))
    .find((index) => index !== undefined);

const unknown = (wanted: string, { isCut }: NewestRows, { row, latest }: LatestTerms): RequestProblem =>
  new RequestProblem(
    404,
    `There is no ${row} ${shown(wanted)}${isCut ? `, or it is older than all that have room` : ''}.`,
    { parameter: latest.key },
  );

function entryAt(rows: NewestRows, index: number, columns: readonly string[], terms: LatestTerms): Entry {
  return { [terms.latest.key]: rows.keys[index] ?? null, ...valuesAt(rows, index, columns, terms) };
}

function valuesAt(rows: NewestRows, index: number, columns: readonly string[], terms: LatestTerms): Entry {
  const { asOf } = terms.latest;
  const told = columns.map((name, column) => [
    name,
    toldAs(terms.types.get(name), rows.columns[column]?.[index] ?? null),
  ]);
  return { ...Object.fromEntries(told), [asOf]: isoMicros(rows.times[index] ?? 0) };
}

/** A value in the form that an answer gives it. Times and dates are told in ISO 8601. */
function toldAs(type: Column['type'] | undefined, value: LatestValue): LatestValue {
  if (typeof value !== 'number' || (type !== 'timestamp' && type !== 'date')) return value;
  const micros = asMicros(type === 'date' ? value * dayMs * 1000 : value);
  if (micros === null) return null;
  return type === 'date' ? isoMicros(micros).slice(0, -'T00:00:00.000Z'.length) : isoMicros(micros);
}

/** An ISO time from microseconds since 1970, with three digits of a second, or with six if the last three are not 0. */
function isoMicros(micros: number): string {
  const ms = Math.floor(micros / 1000);
  const rest = micros - ms * 1000;
  return rest === 0 ? isoTime(ms) : isoTime(ms).replace('Z', `${String(rest).padStart(3, '0')}Z`);
}

const versionOf = (state: LatestView['state']) => ({
  version: state?.version ?? -1,
  asOf: state?.committedAt === undefined ? null : isoTime(state.committedAt),
});

const table = (
  entries: readonly Entry[],
  titles: readonly string[],
): Pick<ViewResult, 'titles' | 'rows'> => ({
  titles,
  rows: () => entries.map((entry) => titles.map((title) => entry[title] ?? null)),
});
