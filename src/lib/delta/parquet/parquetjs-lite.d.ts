// The parts of parquetjs-lite that this project uses; the package ships no types of its own.

declare module 'parquetjs-lite' {
  export interface FieldDefinition {
    type?: string;
    optional?: boolean;
    repeated?: boolean;
    compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY';
    fields?: Record<string, FieldDefinition>;
  }

  /** A node of the schema; the levels count from the root. */
  export interface SchemaField {
    readonly name: string;
    readonly path: string[];
    readonly repetitionType: 'REQUIRED' | 'OPTIONAL' | 'REPEATED';
    readonly rLevelMax: number;
    readonly dLevelMax: number;
    readonly isNested?: boolean;
    readonly fieldCount?: number;
    readonly primitiveType?: import('parquetjs-lite/gen-nodejs/parquet_types.js').TypeName;
    readonly originalType?: import('parquetjs-lite/gen-nodejs/parquet_types.js').ConvertedTypeName;
  }

  export class ParquetSchema {
    constructor(schema: Record<string, FieldDefinition>);
    readonly fields: Readonly<Record<string, SchemaField>>;
    /** All nodes but the root, depth first. */
    readonly fieldList: readonly SchemaField[];
  }

  export class ParquetWriter {
    static openStream(
      schema: ParquetSchema,
      stream: NodeJS.WritableStream,
      options?: { rowGroupSize?: number; useDataPageV2?: boolean; pageIndex?: boolean },
    ): Promise<ParquetWriter>;
    appendRow(row: Record<string, unknown>): Promise<void>;
    close(): Promise<void>;
  }

  export class ParquetReader {
    static openBuffer(buffer: Buffer): Promise<ParquetReader>;
    readonly metadata: { readonly column_orders: readonly { readonly TYPE_ORDER: unknown }[] };
  }
}

declare module 'parquetjs-lite/lib/util.js' {
  export function serializeThrift(
    struct: import('parquetjs-lite/gen-nodejs/parquet_types.js').Struct,
  ): Buffer;
}

declare module 'parquetjs-lite/lib/compression.js' {
  export function deflate(codec: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY', bytes: Buffer): Buffer;
}

declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  export type TypeName = 'BOOLEAN' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BYTE_ARRAY';
  export type ConvertedTypeName = 'UTF8' | 'DATE' | 'TIMESTAMP_MICROS' | 'INT_8' | 'INT_16' | 'MAP' | 'LIST';

  export const Type: Readonly<Record<TypeName, number>>;
  export const ConvertedType: Readonly<Record<ConvertedTypeName, number>>;
  export const FieldRepetitionType: Readonly<Record<'REQUIRED' | 'OPTIONAL' | 'REPEATED', number>>;
  export const Encoding: Readonly<Record<'PLAIN' | 'RLE' | 'RLE_DICTIONARY', number>>;
  export const CompressionCodec: Readonly<Record<'UNCOMPRESSED' | 'GZIP' | 'SNAPPY', number>>;
  export const PageType: Readonly<Record<'DATA_PAGE' | 'DICTIONARY_PAGE', number>>;

  /** A value that can be written as Thrift. */
  export interface Struct {
    write(output: unknown): void;
  }
  abstract class Base implements Struct {
    write(output: unknown): void;
  }

  export class StringType extends Base {}
  export class MapType extends Base {}
  export class ListType extends Base {}
  export class DateType extends Base {}
  export class MicroSeconds extends Base {}
  export class TypeDefinedOrder extends Base {}
  export class KeyValue extends Base {
    constructor(fields: { key: string; value: string });
  }
  export class TimeUnit extends Base {
    constructor(fields: { MICROS: MicroSeconds });
  }
  export class TimestampType extends Base {
    constructor(fields: { isAdjustedToUTC: boolean; unit: TimeUnit });
  }
  export class IntType extends Base {
    constructor(fields: { bitWidth: number; isSigned: boolean });
  }
  export class LogicalType extends Base {
    constructor(fields: {
      STRING?: StringType;
      MAP?: MapType;
      LIST?: ListType;
      DATE?: DateType;
      TIMESTAMP?: TimestampType;
      INTEGER?: IntType;
    });
  }
  export class SchemaElement extends Base {
    constructor(fields: {
      name: string;
      type?: number | undefined;
      repetition_type?: number;
      num_children?: number | undefined;
      converted_type?: number | undefined;
      logicalType?: LogicalType | undefined;
    });
  }
  export class Statistics extends Base {
    constructor(fields: {
      null_count: number;
      min_value?: Uint8Array | undefined;
      max_value?: Uint8Array | undefined;
    });
  }
  export class DataPageHeader extends Base {
    constructor(fields: {
      num_values: number;
      encoding: number;
      definition_level_encoding: number;
      repetition_level_encoding: number;
    });
  }
  export class DictionaryPageHeader extends Base {
    constructor(fields: { num_values: number; encoding: number });
  }
  export class PageHeader extends Base {
    constructor(fields: {
      type: number;
      uncompressed_page_size: number;
      compressed_page_size: number;
      crc?: number;
      data_page_header?: DataPageHeader;
      dictionary_page_header?: DictionaryPageHeader;
    });
  }
  export class ColumnMetaData extends Base {
    constructor(fields: {
      type: number;
      encodings: number[];
      path_in_schema: string[];
      codec: number;
      num_values: number;
      total_uncompressed_size: number;
      total_compressed_size: number;
      data_page_offset: number;
      dictionary_page_offset?: number;
      statistics?: Statistics | undefined;
    });
  }
  export class ColumnChunk extends Base {
    constructor(fields: { file_offset: number; meta_data: ColumnMetaData });
  }
  export class RowGroup extends Base {
    constructor(fields: { columns: ColumnChunk[]; total_byte_size: number; num_rows: number });
  }
  export class ColumnOrder extends Base {
    constructor(fields: { TYPE_ORDER: TypeDefinedOrder });
  }
  export class FileMetaData extends Base {
    constructor(fields: {
      version: number;
      schema: SchemaElement[];
      num_rows: number;
      row_groups: RowGroup[];
      key_value_metadata?: KeyValue[];
      created_by: string;
      column_orders: ColumnOrder[];
    });
  }
}
