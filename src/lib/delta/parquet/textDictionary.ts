import { lengthBytes, type TextColumn } from '../textColumn';
import type { SliceOf } from './columnSlice';
import { isWorthwhile, mostEntries } from './dictionary';
import { bitWidthOf, encodeIndices } from './rleHybrid';

/**
 * The number of places in the hash table, a power of two. It is so large that a text is nearly always found at the first or second place.
 */
const places = mostEntries * 4;
/** How many places are tried at most. More would only be needed for texts that somebody has made to fall on the same place. */
const mostTries = 32;
/** After this many texts, or an eighth of all, it is checked whether any text has come twice. Ids, for example, never do. */
const mostLookedAt = 512;
const leastLookedAt = 64;
/** The share of these texts that must have come before. Among 4,096 different texts that come equally often, it is about twice as high. */
const leastRepeated = 1 / 32;

export interface TextDictionary {
  /** For each different text, the first row that has it. */
  readonly entries: Uint32Array;
  /** The indices as a page holds them (parquet-format, Encodings.md, "Dictionary Encoding"). */
  readonly indices: Buffer;
}

/**
 * Turns the texts of a column into a dictionary and indices. Undefined if there are too many different texts, or too few rows, for it to be
 * worthwhile.
 * @param count how many rows are not null
 */
export function textDictionaryOf(
  { values: column, start, end }: Pick<SliceOf<TextColumn>, 'values' | 'start' | 'end'>,
  count: number,
): TextDictionary | undefined {
  const plainBytes = column.startOf(end) - column.startOf(start);
  if (!isWorthwhile(plainBytes, 0)) return undefined;
  /** The hash table: the number of an entry plus one, or 0 for a free place. */
  const table = new Uint16Array(places);
  const entries: number[] = [];
  const indices = new Uint16Array(count);
  let entryBytes = 0;
  let seen = 0;
  const lookedAt = Math.floor(Math.max(leastLookedAt, Math.min(mostLookedAt, count / 8)));
  for (let row = start; row < end; row++) {
    if (column.isNull(row)) continue;
    const place = placeOf(column, row, table, entries);
    if (place === undefined) return undefined;
    if (table[place] === 0) {
      if (entries.length === mostEntries) return undefined;
      entries.push(row);
      entryBytes += lengthBytes + column.byteLength(row);
      table[place] = entries.length;
    }
    indices[seen++] = (table[place] as number) - 1;
    if (seen === lookedAt && entries.length > seen * (1 - leastRepeated)) return undefined;
  }
  const indexBytes = (count * bitWidthOf(entries.length)) / 8;
  if (!isWorthwhile(plainBytes, indexBytes + entryBytes)) return undefined;
  return { entries: Uint32Array.from(entries), indices: encodeIndices(indices, entries.length) };
}

/** The place of a row's text, or the free place for it. Undefined if that took too many tries. */
function placeOf(
  column: TextColumn,
  row: number,
  table: Uint16Array,
  entries: readonly number[],
): number | undefined {
  let place = hashOf(column.bytes, column.startOf(row) + lengthBytes, column.ends[row] as number);
  for (let tries = 0; tries < mostTries; tries++) {
    place &= places - 1;
    const entry = table[place] as number;
    if (entry === 0 || column.compare(row, entries[entry - 1] as number) === 0) return place;
    place++;
  }
  return undefined;
}

/** How many bytes at the beginning and at the end of a long text go into its hash. */
const hashed = 16;

/** FNV-1a. Its upper bits are mixed into the lower ones, which choose the place. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 ^ (to - from);
  const first = Math.min(to, from + hashed);
  for (let at = from; at < first; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  for (let at = Math.max(first, to - hashed); at < to; at++)
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}
