import { Counters } from './counters';
import { type FoldedParts, isSharedCounter } from './folded';
import { isKey, type Key } from './keys';
import { partsOfSeries, storedSeries } from './series';
import { type BySpan, bySpan, keptSpans, spanNames } from './spans';
import type { TallyParts } from './tally';

/** A bucket in its stored form: its number since 1970, and its counts by the indexes of their keys as base64 of their bytes. */
type StoredBucket = readonly [bucket: number, counts: string];

/** The counts in the form in which they are written as JSON. */
export function storedTally({ times, totals, folded, ...lists }: TallyParts): Record<string, unknown> {
  return {
    ...lists,
    times: bySpan((name) =>
      [...times[name]].map(([bucket, counters]): StoredBucket => [bucket, toBase64(counters)]),
    ),
    totals: storedSeries(totals),
    ...(folded && {
      folded: { shared: folded.shared, times: bySpan((name) => storedSeries(folded.times[name])) },
    }),
  };
}

const toBase64 = (counters: Counters) => Buffer.from(counters.encoded()).toString('base64');

/** The counts in that form; undefined if they are not complete. */
export function partsOfStored(raw: unknown): TallyParts | undefined {
  if (!isRecord(raw)) return undefined;
  const { keys, attributes, latest, counts, folded } = raw;
  if (!isList(keys, isKey) || new Set(keys).size !== keys.length) return undefined;
  if (!isList(attributes, isAttribute, keys.length) || !isList(counts, isCount, keys.length))
    return undefined;
  if (!isList(latest, isNumber, keys.length)) return undefined;
  const times = partsBySpan(raw.times, (stored) => partsOfBuckets(stored, keys.length));
  const totals = partsOfSeries(raw.totals, keptSpans.total);
  if (!times || !totals) return undefined;
  const parts = { keys, attributes, latest, counts, times, totals };
  if (folded === undefined) return parts;
  const foldedParts = partsOfFolded(folded);
  return foldedParts && { ...parts, folded: foldedParts };
}

function partsOfFolded(raw: unknown): FoldedParts | undefined {
  if (!isRecord(raw) || !isList(raw.shared, Array.isArray, 2)) return undefined;
  const [indexes, counts] = raw.shared;
  if (!isList(indexes, (index): index is number => isCount(index) && isSharedCounter(index)))
    return undefined;
  if (!isList(counts, isCount, indexes.length)) return undefined;
  const times = partsBySpan(raw.times, (stored, name) => partsOfSeries(stored, keptSpans[name]));
  return times && { shared: [indexes, counts], times };
}

/** Reads the buckets of each span; undefined if a span is missing. */
function partsBySpan<T>(
  raw: unknown,
  read: (stored: unknown, name: (typeof spanNames)[number]) => T | undefined,
): BySpan<T> | undefined {
  const found = isRecord(raw) ? spanNames.map((name) => [name, read(raw[name], name)] as const) : [];
  const isComplete = found.length > 0 && found.every(([, parts]) => parts !== undefined);
  return isComplete ? (Object.fromEntries(found) as BySpan<T>) : undefined;
}

function partsOfBuckets(raw: unknown, keys: number): [number, Counters][] | undefined {
  if (!Array.isArray(raw)) return undefined;
  const parts: [number, Counters][] = [];
  for (const entry of raw) {
    const [bucket, text]: unknown[] = Array.isArray(entry) && entry.length === 2 ? entry : [];
    if (!isCount(bucket) || typeof text !== 'string') return undefined;
    const counters = Counters.decode(Buffer.from(text, 'base64'), keys);
    if (!counters) return undefined;
    parts.push([bucket, counters]);
  }
  return parts;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
/** Whether a value is a whole number that is not below 0. */
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isAttribute = (value: unknown): value is Key | null => value === null || isKey(value);

const isList = <T>(
  value: unknown,
  isElement: (element: unknown) => element is T,
  length?: number,
): value is T[] =>
  Array.isArray(value) && (length === undefined || value.length === length) && value.every(isElement);
