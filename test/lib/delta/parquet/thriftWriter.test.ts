import fc from 'fast-check';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import {
  ColumnChunk,
  ColumnMetaData,
  ColumnOrder,
  FileMetaData,
  IntType,
  KeyValue,
  LogicalType,
  RowGroup,
  SchemaElement,
  Statistics,
  type Struct,
  TypeDefinedOrder,
} from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { serializeThrift as asParquetjsLite } from 'parquetjs-lite/lib/util.js';
import { expect, it } from 'vitest';
import { serializeThrift } from '../../../../src/lib/delta/parquet/thriftWriter';

const int32 = fc.integer();
const size = fc.nat({ max: 2 ** 52 - 1 });
const text = fc.string({ unit: 'binary', maxLength: 400 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const element = fc
  .record({ name: text, type: optional(int32), num_children: optional(fc.nat()), isSigned: fc.boolean() })
  .map(
    ({ isSigned, ...fields }) =>
      new SchemaElement({
        ...fields,
        logicalType: new LogicalType({ INTEGER: new IntType({ bitWidth: 8, isSigned }) }),
      }),
  );
const chunk = fc
  .record({
    type: int32,
    encodings: fc.array(fc.nat(8), { maxLength: 20 }),
    path_in_schema: fc.array(text, { minLength: 1, maxLength: 3 }),
    codec: fc.nat(6),
    num_values: size,
    total_uncompressed_size: size,
    total_compressed_size: size,
    data_page_offset: size,
    null_count: size,
    min_value: optional(bytes),
  })
  .map(
    ({ null_count, min_value, ...fields }) =>
      new ColumnChunk({
        file_offset: fields.data_page_offset,
        meta_data: new ColumnMetaData({ ...fields, statistics: new Statistics({ null_count, min_value }) }),
      }),
  );
const footer: fc.Arbitrary<Struct> = fc
  .record({
    schema: fc.array(element, { minLength: 1, maxLength: 20 }),
    chunks: fc.array(chunk, { maxLength: 20 }),
    num_rows: size,
    pairs: fc.array(fc.record({ key: text, value: text }), { maxLength: 3 }),
    created_by: text,
  })
  .map(
    ({ schema, chunks, num_rows, pairs, created_by }) =>
      new FileMetaData({
        version: 1,
        schema,
        num_rows,
        row_groups: [new RowGroup({ columns: chunks, total_byte_size: num_rows, num_rows })],
        key_value_metadata: pairs.map((pair) => new KeyValue(pair)),
        created_by,
        column_orders: chunks.map(() => new ColumnOrder({ TYPE_ORDER: new TypeDefinedOrder() })),
      }),
  );

it('writes what the serializer of parquetjs-lite writes', () => {
  fc.assert(
    fc.property(footer, (struct) => {
      expect(serializeThrift(struct).equals(asParquetjsLite(struct))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

it('refuses a number that a double does not hold exactly', () => {
  const group = new RowGroup({ columns: [], total_byte_size: 2 ** 53, num_rows: 1 });
  expect(() => serializeThrift(group)).toThrow('9007199254740992 cannot be written as Thrift');
});

/** What a structure writes itself to. */
interface Output {
  writeStructBegin(): void;
  writeFieldBegin(name: string, type: number, id: number): void;
  writeBool(value: boolean): void;
  writeI32(value: number): void;
  writeListBegin(type: number, size: number): void;
  writeFieldStop(): void;
  writeStructEnd(): void;
}

/** A structure with these fields in this order. */
const structOf = (fields: readonly (readonly [id: number, value: number | boolean])[]): Struct => ({
  write(output) {
    const out = output as Output;
    out.writeStructBegin();
    for (const [id, value] of fields) {
      out.writeFieldBegin('field', typeof value === 'boolean' ? 2 : 8, id);
      if (typeof value === 'boolean') out.writeBool(value);
      else out.writeI32(value);
    }
    out.writeFieldStop();
    out.writeStructEnd();
  },
});

it('writes fields whose ids are any distance apart', () => {
  const fieldsOf = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.oneof(int32, fc.boolean())), {
    selector: ([id]) => id,
    maxLength: 8,
  });
  fc.assert(
    fc.property(fieldsOf, (fields) => {
      const bytes = new Uint8Array(serializeThrift(structOf(fields)));
      const reader = { view: new DataView(bytes.buffer), offset: 0 };
      const wanted = Object.fromEntries(fields.map(([id, value]) => [`field_${id}`, value]));
      expect(deserializeTCompactProtocol(reader)).toEqual(wanted);
      expect(reader.offset).toBe(bytes.length);
    }),
    {
      numRuns: 300,
      examples: [
        [
          [
            [15, 1],
            [30, 2],
            [46, 3],
          ],
        ],
        [
          [
            [1, true],
            [17, false],
            [2, true],
          ],
        ],
      ],
    },
  );
});

it('spends one byte on a field up to 15 ids after the last one, and more beyond', () => {
  const sizes = [15, 16, 17].map(
    (id) =>
      serializeThrift(
        structOf([
          [1, 0],
          [id, 0],
        ]),
      ).length,
  );
  // Head and value of both fields, the end of the structure; with 16 the distance is 15.
  expect(sizes).toEqual([5, 5, 6]);
});

it('refuses a type that Thrift does not have', () => {
  const struct: Struct = { write: (out) => (out as Output).writeFieldBegin('field', 7, 1) };
  expect(() => serializeThrift(struct)).toThrow('Thrift has no type 7');
});

it('writes truth values in a list', () => {
  const values = [true, false, true];
  const struct: Struct = {
    write(output) {
      const out = output as Output;
      out.writeStructBegin();
      out.writeFieldBegin('field', 15, 1);
      out.writeListBegin(2, values.length);
      for (const value of values) out.writeBool(value);
      out.writeFieldStop();
      out.writeStructEnd();
    },
  };
  const view = new DataView(new Uint8Array(serializeThrift(struct)).buffer);
  expect(deserializeTCompactProtocol({ view, offset: 0 })).toEqual({ field_1: values });
});
