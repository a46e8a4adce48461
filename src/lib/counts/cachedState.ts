import type { TablePosition } from '../delta/position';
import type { StateFile } from '../fold/stateFile';
import type { StoredBucket } from './buckets';
import { columnsOfDimension, type Dimension, placeOf } from './dimension';
import { isSharedCounter, type StoredFolded } from './folded';
import { isKey, type Key } from './keys';
import type { StoredTally } from './tally';

/** Where the counts of one version of a table are kept. */
export const cachedStatePath = (table: string, dimension?: Dimension) =>
  `${table}/${placeOf(dimension ?? { key: '' }).folder}/state.json`;

/**
 * Older formats are not read, because their counts would be wrong:
 * - 1 kept only the minutes of seven days, so older ones would be missing unnoticed.
 * - 2 let a row without an attribute replace an attribute that was known.
 *
 * The counts of format 3 were right, but it does not say which decision they follow. Also, a release that knows only format 3 would take
 * counts with folded keys for complete ones. So format 4 is a new format, and each table is counted again once.
 *
 * Format 4 does not say which columns were counted. After a change of the stream's file, counts by another column would be gone on with.
 */
const format = 5;

/** The counts, and the position in the log up to which they were counted. */
export interface CachedState extends TablePosition {
  /** The id of the decision that says which keys are counted on their own (`kept.ts`). */
  readonly kept: string;
  readonly tally: StoredTally;
}

/** The file of the cached state of a dimension. */
export const cachedStateFile = (dimension: Dimension): StateFile<CachedState> => ({
  path: (table) => cachedStatePath(table, dimension),
  parse: (bytes) => parseCachedState(bytes, dimension),
  serialize: (state) => Buffer.from(JSON.stringify({ format, of: columnsOfDimension(dimension), ...state })),
});

/** Parses a cached state. Undefined if the bytes are not a complete state of this format and dimension. */
export function parseCachedState(bytes: Uint8Array, dimension: Dimension): CachedState | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isRecord(raw) || raw.format !== format || !isRecord(raw.tally)) return undefined;
  if (raw.of !== columnsOfDimension(dimension)) return undefined;
  const { tableId, version, mark, kept, tally } = raw;
  const { keys, attributes, latest, counts, minutes, hours, totals, folded } = tally;
  if (typeof tableId !== 'string' || !isCount(version) || typeof kept !== 'string') return undefined;
  if (!(mark === undefined || typeof mark === 'string')) return undefined;
  if (!isList(keys, isKey) || new Set(keys).size !== keys.length) return undefined;
  if (!isList(attributes, isAttribute, keys.length) || !isList(counts, isCount, keys.length))
    return undefined;
  if (!isList(latest, Number.isFinite, keys.length)) return undefined;
  const isBucket = (entry: unknown) => isStoredBucket(entry, keys.length);
  if (!isList(minutes, isBucket) || !isList(hours, isBucket) || !isList(totals, isBucket)) return undefined;
  if (!(folded === undefined || isStoredFolded(folded))) return undefined;
  return { tableId, version, mark, kept, tally: tally as unknown as StoredTally };
}

function isStoredFolded(folded: unknown): folded is StoredFolded {
  if (!isRecord(folded) || !isList(folded.shared, Array.isArray, 2)) return false;
  const [indexes, counts] = folded.shared;
  if (!isList(indexes, (index): index is number => isCount(index) && isSharedCounter(index))) return false;
  if (!isList(counts, isCount, indexes.length)) return false;
  const isBucket = (entry: unknown) => isStoredBucket(entry, 1);
  return isList(folded.minutes, isBucket) && isList(folded.hours, isBucket);
}

function isStoredBucket(entry: unknown, keys: number): entry is StoredBucket {
  if (!Array.isArray(entry) || entry.length !== 3) return false;
  const [bucket, indexes, counts]: unknown[] = entry;
  if (!isCount(bucket) || !isList(indexes, (index): index is number => isCount(index) && index < keys))
    return false;
  return isList(counts, isCount, indexes.length);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isAttribute = (value: unknown): value is Key | null => value === null || isKey(value);

function isList<T>(
  value: unknown,
  isElement: (element: unknown) => element is T,
  length?: number,
): value is T[];
function isList(
  value: unknown,
  isElement: (element: unknown) => boolean,
  length?: number,
): value is unknown[];
function isList(value: unknown, isElement: (element: unknown) => boolean, length?: number): boolean {
  return Array.isArray(value) && (length === undefined || value.length === length) && value.every(isElement);
}
