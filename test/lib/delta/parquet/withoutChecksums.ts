import { type DataReader, parquetMetadata } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';

const starts = (file: Uint8Array): number[] => {
  const { buffer, byteOffset, byteLength } = file;
  const { row_groups } = parquetMetadata(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
  return row_groups.flatMap(({ columns }) =>
    columns.map(({ meta_data }) => Number(meta_data?.data_page_offset)),
  );
};

/** How many of the pages in columns of one page each have a checksum. */
export function countChecksums(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return starts(file).filter((offset) => {
    const reader: DataReader = { view, offset };
    return parquetHeader(reader).crc !== undefined;
  }).length;
}

/**
 * A file as an earlier release wrote it. So that nothing moves, the checksum becomes a shorter field that nobody knows, and the next
 * field's header a longer one (Thrift's compact protocol). Of few pages the checksum is too short for that: those keep it.
 */
export function withoutChecksums(file: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(file);
  for (const start of starts(file)) {
    let at = start;
    // Type and two sizes, each the header of a field and a varint.
    for (let field = 0; field < 3; field++) at = endOfVarint(bytes, at + 1);
    if (endOfVarint(bytes, at + 1) - at !== 6) continue;
    bytes.set([0x65, 0x80, 0x80, 0x80, 0x00, 0x0c, 0x0a], at);
  }
  return bytes;
}

function endOfVarint(bytes: Uint8Array, start: number): number {
  let at = start;
  while ((bytes[at] ?? 0) & 0x80) at++;
  return at + 1;
}
