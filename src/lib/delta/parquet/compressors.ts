import type { Compressors, FileMetaData } from 'hyparquet';

/** The codecs that hyparquet decompresses by itself. */
const built: ReadonlySet<string | undefined> = new Set(['UNCOMPRESSED', 'SNAPPY']);

/**
 * What a file's pages are decompressed with. The package for the rarer codecs is loaded only for a file that has one of them: it takes
 * 8 MB, and time at each cold start.
 */
export async function compressorsFor({ row_groups: groups }: FileMetaData): Promise<Compressors> {
  if (groups.every(({ columns }) => columns.every(({ meta_data: data }) => built.has(data?.codec))))
    return {};
  // Its SNAPPY compiles a WebAssembly module for every page, some 300 MB for a large checkpoint; hyparquet has its own.
  const { SNAPPY: _, ...compressors } = (await import('hyparquet-compressors')).compressors;
  return exceptEmpty(compressors);
}

/** Leaves out empty pages, such as the dictionary of a column of nulls: the LZ4 of hyparquet-compressors takes them for damage. */
const exceptEmpty = (compressors: Compressors): Compressors =>
  Object.fromEntries(
    Object.entries(compressors).map(([codec, decompress]) => [
      codec,
      (input: Uint8Array, length: number) => (length === 0 ? new Uint8Array() : decompress(input, length)),
    ]),
  );
