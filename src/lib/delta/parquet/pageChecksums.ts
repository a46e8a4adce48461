import { crc32 } from 'node:zlib';
import type { AsyncBuffer, ColumnMetaData, DataReader, RowGroup } from 'hyparquet';

/** The place of a column's chunk in the file. */
interface Chunk {
  readonly column: string;
  readonly start: number;
  readonly end: number;
}

/** A file whose pages are checked. */
export interface CheckedFile extends AsyncBuffer {
  /** True if a page was read that has no checksum. */
  readonly hasUnchecked: boolean;
}

/**
 * A file whose pages are checked when they are read. If a page header has a checksum, it must be that of the page's bytes, because
 * otherwise a changed bit is often read as another value. Pages without a checksum, which other writers make, are read as they are.
 * @throws when a slice is read: an error naming the column and the position of a page that is damaged
 */
export async function checkPages(file: AsyncBuffer, { columns }: RowGroup): Promise<CheckedFile> {
  const { parquetHeader } = await import('hyparquet/src/column.js');
  const chunks = columns.flatMap(({ meta_data: data }) => (data ? [chunkOf(data)] : []));
  let hasUnchecked = false;
  const check = (bytes: ArrayBuffer, from: number) => {
    for (const { column, start, end } of chunks) {
      if (start < from || end > from + bytes.byteLength) continue;
      for (const { at, page, crc } of pagesOf(bytes, start - from, end - from, parquetHeader))
        if (crc === undefined) hasUnchecked = true;
        else if ((crc | 0) !== (crc32(page) | 0))
          throw new Error(
            `column ${column}: the page at byte ${from + at} is damaged: it does not have its checksum`,
          );
    }
  };
  const sliceOf = async (start: number, end: number) => {
    const bytes = await file.slice(start, end);
    check(bytes, start);
    return bytes;
  };
  return {
    byteLength: file.byteLength,
    get hasUnchecked() {
      return hasUnchecked;
    },
    slice(start, end = file.byteLength) {
      const checked = sliceOf(start, end);
      // hyparquet fetches ahead, and in damaged files forgets some of these reads. A rejection that nobody awaits would end the process.
      checked.catch(() => undefined);
      return checked;
    },
  };
}

export function chunkOf(data: ColumnMetaData): Chunk {
  const start = Number(data.dictionary_page_offset || data.data_page_offset);
  return {
    column: data.path_in_schema.join('.'),
    start,
    end: start + Number(data.total_compressed_size),
  };
}

interface CheckedPage {
  readonly at: number;
  readonly page: Uint8Array;
  /** Undefined if the page has no checksum. */
  readonly crc: number | undefined;
}

/** The pages. It ends where the bytes are no page; the reader of the values reports that. */
function* pagesOf(
  bytes: ArrayBuffer,
  start: number,
  end: number,
  parquetHeader: (reader: DataReader) => { compressed_page_size: number; crc?: number },
): Generator<CheckedPage, void> {
  const reader = { view: new DataView(bytes, start, end - start), offset: 0 };
  while (reader.offset < reader.view.byteLength) {
    const at = start + reader.offset;
    let header: ReturnType<typeof parquetHeader>;
    try {
      header = parquetHeader(reader);
    } catch {
      return;
    }
    const { compressed_page_size: size, crc } = header;
    if (!(size >= 0 && reader.offset + size <= reader.view.byteLength)) return;
    yield { at, page: new Uint8Array(bytes, start + reader.offset, size), crc };
    reader.offset += size;
  }
}
