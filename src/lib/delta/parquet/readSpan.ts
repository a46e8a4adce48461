import type { AsyncBuffer, ColumnMetaData } from 'hyparquet';
import { chunkOf } from './pageChecksums';

/** What is read at once at most, in bytes; above that, each column is read for itself. */
const longestSpan = 32 * 1024 * 1024;

/** A file of which everything between the first and the last of these columns is read already, with one request. */
export async function readSpan(file: AsyncBuffer, columns: readonly ColumnMetaData[]): Promise<AsyncBuffer> {
  const chunks = columns.map(chunkOf);
  const start = Math.min(...chunks.map((chunk) => chunk.start));
  const end = Math.max(...chunks.map((chunk) => chunk.end));
  if (chunks.length === 0 || end - start > longestSpan) return file;
  const bytes = await file.slice(start, end);
  return {
    byteLength: file.byteLength,
    slice: (from, to = file.byteLength) =>
      from < start || to > end ? file.slice(from, to) : bytes.slice(from - start, to - start),
  };
}
