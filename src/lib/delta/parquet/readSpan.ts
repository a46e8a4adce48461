import type { AsyncBuffer, ColumnMetaData, RowGroup } from 'hyparquet';
import { chunkOf } from './pageChecksums';

/** What is read at once at most, in bytes; above that, each column is read for itself. */
const longestSpan = 32 * 1024 * 1024;

/** A row group as it lies in its file. */
export interface StoredRowGroup {
  /** What the file says of its writer. */
  readonly createdBy: string | undefined;
  readonly columns: readonly ColumnMetaData[];
  /** The bytes of all columns, and the position of the first of them in the file. */
  readonly bytes: ArrayBuffer;
  readonly start: number;
  readonly numRows: number;
}

/** Reads all columns of a row group with one request. Undefined if that is too much at once. */
export async function readSpan(
  file: AsyncBuffer,
  { columns, num_rows }: RowGroup,
  createdBy: string | undefined,
): Promise<StoredRowGroup | undefined> {
  const all = columns.flatMap(({ meta_data: data }) => (data ? [data] : []));
  const chunks = all.map(chunkOf);
  const start = Math.min(...chunks.map((chunk) => chunk.start));
  const end = Math.max(...chunks.map((chunk) => chunk.end));
  if (chunks.length === 0 || end - start > longestSpan) return undefined;
  return { createdBy, columns: all, bytes: await file.slice(start, end), start, numRows: Number(num_rows) };
}

/** A file of which this row group need not be read again. */
export const withSpan = (file: AsyncBuffer, { bytes, start }: StoredRowGroup): AsyncBuffer => ({
  byteLength: file.byteLength,
  slice: (from, to = file.byteLength) =>
    from < start || to > start + bytes.byteLength
      ? file.slice(from, to)
      : bytes.slice(from - start, to - start),
});
