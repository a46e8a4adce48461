import { crc32 } from 'node:zlib';
import type { ParquetSchema, SchemaField } from 'parquetjs-lite';
import {
  ColumnChunk,
  ColumnMetaData,
  ColumnOrder,
  CompressionCodec,
  ConvertedType,
  type ConvertedTypeName,
  DataPageHeader,
  DateType,
  DictionaryPageHeader,
  Encoding,
  FieldRepetitionType,
  FileMetaData,
  IntType,
  KeyValue,
  ListType,
  LogicalType,
  MapType,
  MicroSeconds,
  PageHeader,
  PageType,
  RowGroup,
  SchemaElement,
  Statistics,
  StringType,
  TimestampType,
  TimeUnit,
  Type,
  TypeDefinedOrder,
} from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { deflate } from 'parquetjs-lite/lib/compression.js';
import type { StoredRowGroup } from './readSpan';
import { serializeThrift } from './thriftWriter';

const magic = Buffer.from('PAR1');
const createdBy = 'tributary version 0.1.0 (build parquetjs-lite)';

/** One leaf column of one row group: one data page. If its values are indices, a dictionary page comes before it. */
export interface Chunk {
  /** The number of the page's entries: values, nulls and empty lists. */
  readonly numValues: number;
  readonly nullCount: number;
  /** Encoded repetition levels, definition levels and values; a part that is not needed is left out. The values are PLAIN, or indices. */
  readonly parts: readonly Buffer[];
  /** The values that the indices point to, in PLAIN encoding. */
  readonly dictionary?: { readonly bytes: Buffer; readonly count: number } | undefined;
  /** Bounds in PLAIN encoding without a length. */
  readonly min?: Buffer | undefined;
  readonly max?: Buffer | undefined;
}

/**
 * Lays out a Parquet file: snappy data pages v1, one per column and row group, and the footer. parquetjs-lite gives the
 * schema's levels, the Thrift structures and the compression. Its own writer is left aside because its footer misleads
 * readers: text bounds in UTF-16 order, timestamps without a zone, no column orders, wrong uncompressed sizes.
 */
export class FileWriter {
  /** The leaf columns, in the order in which a row group's chunks must come. */
  readonly leaves: readonly SchemaField[];
  readonly #schema: ParquetSchema;
  readonly #parts: Buffer[] = [magic];
  readonly #rowGroups: RowGroup[] = [];
  #offset = magic.length;
  #numRows = 0;

  constructor(schema: ParquetSchema) {
    this.#schema = schema;
    this.leaves = schema.fieldList.filter((field) => !field.isNested);
  }

  /** How many bytes the file has so far, without the footer. */
  get size(): number {
    return this.#offset;
  }

  /** Writes a row group. `chunks` must be in the order of `leaves`. */
  writeRowGroup(numRows: number, chunks: Iterable<Chunk>): void {
    for (const _ of this.writeRowGroupInSteps(numRows, chunks));
  }

  /** Like `writeRowGroup`, but it yields after each chunk, before it asks for the next one. It must be run to its end. */
  *writeRowGroupInSteps(numRows: number, chunks: Iterable<Chunk>): Generator<undefined, void> {
    const columns: ColumnChunk[] = [];
    let uncompressed = 0;
    for (const chunk of chunks) {
      const leaf = this.leaves[columns.length];
      if (!leaf) throw new RangeError('more chunks than columns');
      const { column, size } = this.#writeChunk(leaf, chunk);
      columns.push(column);
      uncompressed += size;
      yield;
    }
    this.#rowGroups.push(new RowGroup({ columns, total_byte_size: uncompressed, num_rows: numRows }));
    this.#numRows += numRows;
  }

  /** Copies a row group of another file. Returns false, and does nothing, unless it was written here and has the same columns. */
  copyRowGroup({ createdBy: writer, columns, bytes, start, numRows }: StoredRowGroup): boolean {
    const nameOf = (path: readonly string[], type: string | undefined) => `${path.join('.')} ${type}`;
    const theirs = columns.map(({ path_in_schema: path, type }) => nameOf(path, type));
    const ours = this.leaves.map(({ path, primitiveType }) => nameOf(path, primitiveType));
    if (writer !== createdBy || theirs.join() !== ours.join()) return false;
    const moved = (offset: bigint) => Number(offset) - start + this.#offset;
    const copies = columns.map((data, index) => {
      const { dictionary_page_offset: dictionary, statistics } = data;
      const meta_data = new ColumnMetaData({
        type: Type[this.leaves[index]?.primitiveType ?? 'BYTE_ARRAY'],
        encodings: data.encodings.map((name) => Encoding[name as keyof typeof Encoding]),
        path_in_schema: data.path_in_schema,
        codec: CompressionCodec.SNAPPY,
        num_values: Number(data.num_values),
        total_uncompressed_size: Number(data.total_uncompressed_size),
        total_compressed_size: Number(data.total_compressed_size),
        data_page_offset: moved(data.data_page_offset),
        ...(dictionary !== undefined && { dictionary_page_offset: moved(dictionary) }),
        statistics: new Statistics({ null_count: Number(statistics?.null_count) }),
      });
      return new ColumnChunk({ file_offset: moved(dictionary ?? data.data_page_offset), meta_data });
    });
    const size = columns.reduce((sum, data) => sum + Number(data.total_uncompressed_size), 0);
    this.#rowGroups.push(new RowGroup({ columns: copies, total_byte_size: size, num_rows: numRows }));
    this.#parts.push(Buffer.from(bytes));
    this.#offset += bytes.byteLength;
    this.#numRows += numRows;
    return true;
  }

  /**
   * Ends the file and returns all of it.
   * @param keyValues further entries of the footer ("Metadata" of the Parquet format)
   */
  finish(keyValues: ReadonlyMap<string, string> = new Map()): Buffer {
    const pairs = [...keyValues].map(([key, value]) => new KeyValue({ key, value }));
    const footer = serializeThrift(
      new FileMetaData({
        version: 1,
        schema: schemaElements(this.#schema),
        num_rows: this.#numRows,
        row_groups: this.#rowGroups,
        ...(pairs.length > 0 && { key_value_metadata: pairs }),
        created_by: createdBy,
        column_orders: this.leaves.map(() => new ColumnOrder({ TYPE_ORDER: new TypeDefinedOrder() })),
      }),
    );
    const length = Buffer.alloc(4);
    length.writeUInt32LE(footer.length);
    return Buffer.concat([...this.#parts, footer, length, magic]);
  }

  #writeChunk(leaf: SchemaField, chunk: Chunk): { column: ColumnChunk; size: number } {
    const { dictionary } = chunk;
    const start = this.#offset;
    const encoding = dictionary ? Encoding.RLE_DICTIONARY : Encoding.PLAIN;
    let size = dictionary ? this.#writeDictionary(dictionary) : 0;
    const dataOffset = this.#offset;
    const [first] = chunk.parts;
    const page = chunk.parts.length === 1 && first ? first : Buffer.concat(chunk.parts);
    size += this.#writePage(page, {
      type: PageType.DATA_PAGE,
      data_page_header: new DataPageHeader({
        num_values: chunk.numValues,
        encoding,
        definition_level_encoding: Encoding.RLE,
        repetition_level_encoding: Encoding.RLE,
      }),
    });
    const meta_data = new ColumnMetaData({
      type: Type[leaf.primitiveType ?? 'BYTE_ARRAY'],
      encodings: [...(dictionary ? [encoding] : []), Encoding.PLAIN, Encoding.RLE],
      path_in_schema: leaf.path,
      codec: CompressionCodec.SNAPPY,
      num_values: chunk.numValues,
      total_uncompressed_size: size,
      total_compressed_size: this.#offset - start,
      data_page_offset: dataOffset,
      ...(dictionary && { dictionary_page_offset: start }),
      statistics: new Statistics({
        null_count: chunk.nullCount,
        min_value: chunk.min,
        max_value: chunk.max,
      }),
    });
    return { column: new ColumnChunk({ file_offset: start, meta_data }), size };
  }

  #writeDictionary({ bytes, count }: { readonly bytes: Buffer; readonly count: number }): number {
    return this.#writePage(bytes, {
      type: PageType.DICTIONARY_PAGE,
      dictionary_page_header: new DictionaryPageHeader({ num_values: count, encoding: Encoding.PLAIN }),
    });
  }

  /** Compresses a page and writes it behind its header. Returns the bytes of both before compression. */
  #writePage(page: Buffer, kind: PageKind): number {
    // It is copied, because snappyjs returns the front of a buffer that is larger than the page.
    const compressed = Buffer.from(deflate('SNAPPY', page));
    const header = serializeThrift(
      new PageHeader({
        ...kind,
        uncompressed_page_size: page.length,
        compressed_page_size: compressed.length,
        // The checksum is that of the compressed bytes, as a signed number (parquet.thrift, "PageHeader").
        crc: crc32(compressed) | 0,
      }),
    );
    this.#parts.push(header, compressed);
    this.#offset += header.length + compressed.length;
    return header.length + page.length;
  }
}

/** The members of a page header that depend on the kind of the page. */
type PageKind =
  | { readonly type: number; readonly data_page_header: DataPageHeader }
  | { readonly type: number; readonly dictionary_page_header: DictionaryPageHeader };

function schemaElements(schema: ParquetSchema): SchemaElement[] {
  const root = new SchemaElement({ name: 'root', num_children: Object.keys(schema.fields).length });
  const nodes = schema.fieldList.map(
    (field) =>
      new SchemaElement({
        name: field.name,
        type: field.primitiveType && Type[field.primitiveType],
        repetition_type: FieldRepetitionType[field.repetitionType],
        num_children: field.fieldCount,
        converted_type: field.originalType && ConvertedType[field.originalType],
        logicalType: field.originalType && logicalType(field.originalType),
      }),
  );
  return [root, ...nodes];
}

/**
 * The logical type of a column. Newer readers use only this one, older readers only the converted type (parquet-format, LogicalTypes.md).
 */
function logicalType(converted: ConvertedTypeName): LogicalType {
  switch (converted) {
    case 'UTF8':
      return new LogicalType({ STRING: new StringType() });
    case 'DATE':
      return new LogicalType({ DATE: new DateType() });
    case 'TIMESTAMP_MICROS': {
      const unit = new TimeUnit({ MICROS: new MicroSeconds() });
      return new LogicalType({ TIMESTAMP: new TimestampType({ isAdjustedToUTC: true, unit }) });
    }
    case 'INT_8':
      return new LogicalType({ INTEGER: new IntType({ bitWidth: 8, isSigned: true }) });
    case 'INT_16':
      return new LogicalType({ INTEGER: new IntType({ bitWidth: 16, isSigned: true }) });
    case 'MAP':
      return new LogicalType({ MAP: new MapType() });
    case 'LIST':
      return new LogicalType({ LIST: new ListType() });
  }
}
