import type { TextColumn } from '../textColumn';
import { type EncodedValues, firstNull, levelsOf, type SliceOf } from './columnSlice';
import { textDictionaryOf } from './textDictionary';

type TextSlice = SliceOf<TextColumn>;

/**
 * Encodes a column of texts and finds its bounds. A dictionary with indices is used if that is smaller; otherwise the bytes are taken as
 * they are.
 */
export function encodeTexts(slice: TextSlice): EncodedValues {
  const { values: column, start, end, field, reject, needsBounds = true } = slice;
  if (field.type !== 'string') reject(start);
  const levels = levelsOf(column, start, end);
  if (levels && !field.nullable) reject(firstNull(column, start));
  let nullCount = 0;
  if (levels) for (const level of levels) if (level === 0) nullCount++;
  const count = end - start - nullCount;
  if (count === 0) return { bytes: Buffer.alloc(0), bounds: { nullCount }, levels };
  const found = textDictionaryOf(slice, count);
  const extremes = needsBounds ? extremesOf(column, found?.entries ?? rowsOf(slice, count)) : undefined;
  const bounds = { nullCount, ...extremes };
  if (!found)
    return { bytes: column.bytes.subarray(column.startOf(start), column.ends[end - 1]), bounds, levels };
  const { entries, indices } = found;
  const bytes = Buffer.concat(
    Array.from(entries, (row) => column.bytes.subarray(column.startOf(row), column.ends[row])),
  );
  return { bytes: indices, bounds, levels, dictionary: { bytes, count: entries.length } };
}

/** The rows that are not null. */
function rowsOf({ values: column, start, end }: TextSlice, count: number): Uint32Array {
  const rows = new Uint32Array(count);
  let next = 0;
  for (let row = start; row < end; row++) if (!column.isNull(row)) rows[next++] = row;
  return rows;
}

/** The first and the last text in the order of their bytes, which is what both formats mean by min and max. */
function extremesOf(column: TextColumn, rows: Uint32Array): { min: string; max: string } {
  let min = rows[0] as number;
  let max = min;
  for (let at = 1; at < rows.length; at++) {
    const row = rows[at] as number;
    if (column.compare(row, min) < 0) min = row;
    else if (column.compare(row, max) > 0) max = row;
  }
  return { min: column.at(min) ?? '', max: column.at(max) ?? '' };
}
