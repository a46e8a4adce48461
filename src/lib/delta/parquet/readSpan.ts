import type { AsyncBuffer, ColumnMetaData, RowGroup } from 'hyparquet';
import { chunkOf } from './pageChecksums';

/** The most bytes that are read with one request. If a row group has more, each column is read on its own. */
const longestSpan = 32 * 1024 * 1024;

/** A row group as it is stored in its file. */
export interface StoredRowGroup {
  /** The name of the writer, as the file gives it. */
  readonly createdBy: string | undefined;
  readonly columns: readonly ColumnMetaData[];
  /** The bytes of all columns, and the position of the first of them in the file. */
  readonly bytes: ArrayBuffer;
  readonly start: number;
  readonly numRows: number;
}

/** Reads all columns of a row group with one request. Undefined if it is too large for that. */
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

/** The same file, but reads within this row group are served from memory. */
export const withSpan = (file: AsyncBuffer, { bytes, start }: StoredRowGroup): AsyncBuffer => ({
  byteLength: file.byteLength,
  slice: (from, to = file.byteLength) =>
    from < start || to > start + bytes.byteLength
      ? file.slice(from, to)
      : bytes.slice(from - start, to - start),
});
