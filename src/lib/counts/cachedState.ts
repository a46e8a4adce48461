import type { TableLocation } from '../delta/log';
import type { TablePosition } from '../delta/position';
import type { StoredBucket } from './buckets';
import { isSharedCounter, type StoredFolded } from './folded';
import { isKey, type Key } from './keys';
import type { StoredTally } from './tally';

/*
 * The counts of one version of a table, kept in the table's folder so that a new instance need not read every file. This is a
 * cache, never the truth: if it is damaged or does not fit the table, it is treated as missing.
 */

/** Delta readers and vacuum ignore names that begin with an underscore. */
export const cachedStatePath = (table: string) => `${table}/_counts/state.json`;

/**
 * Older formats are not read, because their counts would be wrong:
 * - 1 kept only the minutes of seven days, so older ones would be missing unnoticed.
 * - 2 let a row without an attribute replace an attribute that was known.
 *
 * The counts of format 3 were right, but it does not say which decision they follow. Also, a release that knows only format 3 would take
 * counts with folded keys for complete ones. So format 4 is a new format, and each table is counted again once.
 */
const format = 4;

/** The counts, and the position in the log up to which they were counted. */
export interface CachedState extends TablePosition {
  /** The id of the decision that says which keys are counted on their own (`kept.ts`). */
  readonly kept: string;
  readonly tally: StoredTally;
}

export interface FoundState {
  /** The ETag that the next writer must give; undefined if there is no file. */
  readonly etag: string | undefined;
  /** Undefined if there is no file, or it cannot be used. */
  readonly state: CachedState | undefined;
}

/** Throws `storage.*` if it cannot be found out whether there is a file. */
export async function readCachedState({ store, table }: TableLocation): Promise<FoundState> {
  const found = await store.get(cachedStatePath(table));
  return { etag: found?.etag, state: found && parseCachedState(found.bytes) };
}

/**
 * Writes the state if the file still has this `etag`, or is still missing if `etag` is undefined. Returns the new ETag, or
 * undefined if another process has written the file meanwhile.
 */
export async function writeCachedState(
  { store, table }: TableLocation,
  state: CachedState,
  etag: string | undefined,
): Promise<string | undefined> {
  const path = cachedStatePath(table);
  const bytes = Buffer.from(JSON.stringify({ format, ...state }));
  const put = etag === undefined ? store.putIfAbsent(path, bytes) : store.putIfMatch(path, bytes, etag);
  const result = await put;
  return result.outcome === 'written' ? result.etag : undefined;
}

/** Parses a cached state. Undefined if the bytes are not a complete state of this format. */
export function parseCachedState(bytes: Uint8Array): CachedState | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isRecord(raw) || raw.format !== format || !isRecord(raw.tally)) return undefined;
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
