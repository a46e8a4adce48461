import { type ByteSource, SourceFile, unreadable } from './sourceFile';

/** The place of a column's values in a file: one of its chunks. */
export interface ColumnChunk {
  /** The name of the column in the table. */
  readonly column: string;
  readonly start: number;
  /** The position after its last byte. */
  readonly end: number;
}

/**
 * The chunks of all columns, in the order in which they lie in the file. Only the footer is read.
 * @throws `parquet.invalid`, naming `where`, if the file is damaged
 */
export async function columnChunks(source: ByteSource, where: string): Promise<ColumnChunk[]> {
  const { parquetMetadata } = await import('hyparquet/src/metadata.js');
  const footer = await new SourceFile(source, where).readFooter();
  try {
    const { row_groups: groups } = parquetMetadata(footer, { geoparquet: false });
    const chunks = groups.flatMap(({ columns }) =>
      columns.map(({ meta_data: data }): ColumnChunk => {
        if (!data) throw new Error('a column is encrypted');
        const { path_in_schema: path, dictionary_page_offset: dictionary, data_page_offset: pages } = data;
        // For a chunk without a dictionary, some writers give 0 as the position of the dictionary.
        const start = Number(dictionary && dictionary < pages ? dictionary : pages);
        return { column: path[0] ?? '', start, end: start + Number(data.total_compressed_size) };
      }),
    );
    return chunks.sort((a, b) => a.start - b.start);
  } catch (cause) {
    throw unreadable(where, cause);
  }
}
