import type { Compressors, FileMetaData } from 'hyparquet';

/** The codecs that hyparquet decompresses by itself. */
const built: ReadonlySet<string | undefined> = new Set(['UNCOMPRESSED', 'SNAPPY']);

/**
 * The decompressors for a file's pages. The package for the rarer codecs is only loaded for a file that uses one of them, because it takes
 * 8 MB, and time at each cold start.
 */
export async function compressorsFor({ row_groups: groups }: FileMetaData): Promise<Compressors> {
  if (groups.every(({ columns }) => columns.every(({ meta_data: data }) => built.has(data?.codec))))
    return {};
  // The package's SNAPPY is not used, because it compiles a WebAssembly module for every page, some 300 MB for a large checkpoint.
  // hyparquet has its own.
  const { SNAPPY: _, ...compressors } = (await import('hyparquet-compressors')).compressors;
  return exceptEmpty(compressors);
}

/**
 * Decompressors that are not called for empty pages, such as the dictionary of a column of nulls. The LZ4 of hyparquet-compressors would
 * take an empty page for damage.
 */
const exceptEmpty = (compressors: Compressors): Compressors =>
  Object.fromEntries(
    Object.entries(compressors).map(([codec, decompress]) => [
      codec,
      (input: Uint8Array, length: number) => (length === 0 ? new Uint8Array() : decompress(input, length)),
    ]),
  );
