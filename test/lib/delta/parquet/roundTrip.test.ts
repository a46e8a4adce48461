import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBBlobValue, DuckDBDateValue, DuckDBTimestampTZValue, type DuckDBValue } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ColumnBuilder } from '../../../../src/lib/delta/columnBuilder';
import { encodeParquet } from '../../../../src/lib/delta/parquet/encode';
import { readParquet } from '../../../../src/lib/delta/parquet/read';
import {
  type Field,
  field,
  type ReadValue,
  type Value,
  type WritableType,
} from '../../../../src/lib/delta/schema';
import { sourceOf } from './byteSource';
import { duckDbOfTests } from './duckdb';

const { duckdb, folder } = duckDbOfTests();
const path = join(folder, 'file.parquet');

const bigs = (min: bigint, max: bigint) => fc.bigInt({ min, max });
const safe = fc.maxSafeInteger();
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\0', '\ufeff', '😀', '\uffff', `${'é'.repeat(31)}😀x`, '\u{10ffff}'.repeat(40)),
);

const valuesOf: Record<WritableType, fc.Arbitrary<Value>> = {
  string: text,
  long: fc.oneof(safe, bigs(-(2n ** 63n), 2n ** 63n - 1n), fc.constantFrom(0, 2n ** 53n, -(2n ** 63n))),
  integer: fc.integer(),
  short: fc.integer({ min: -32_768, max: 32_767 }),
  byte: fc.integer({ min: -128, max: 127 }),
  float: fc.oneof(fc.float(), fc.constantFrom(0.1, -0, Number.NaN)),
  double: fc.oneof(fc.double(), fc.constantFrom(0.1, -0, Number.NaN)),
  boolean: fc.boolean(),
  binary: fc.uint8Array({ maxLength: 20 }),
  date: fc.integer({ min: -719_162, max: 2_932_896 }),
  timestamp: fc.oneof(
    safe,
    bigs(-62_135_596_800_000_000n, 253_402_300_799_999_999n),
    fc.constantFrom(-1, -1000),
  ),
};

interface Table {
  fields: Field[];
  columns: Value[][];
  maxRowGroupRows: number;
}

/** Few distinct values at times, so that runs and filters with several hits come up. */
const tables: fc.Arbitrary<Table> = fc
  .tuple(
    fc.array(
      fc.record({
        type: fc.constantFrom(...(Object.keys(valuesOf) as WritableType[])),
        nullable: fc.boolean(),
      }),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 20 }),
  )
  .chain(([shapes, rows, maxRowGroupRows]) => {
    const fields = shapes.map(({ type, nullable }, index) => field(`c${index}`, type, nullable));
    const columns = shapes.map(({ type, nullable }) => {
      const value = nullable ? fc.option(valuesOf[type], { nil: null }) : valuesOf[type];
      const few = fc
        .array(value, { minLength: 1, maxLength: 3 })
        .chain((choices) => fc.array(fc.constantFrom(...choices), { minLength: rows, maxLength: rows }));
      return fc.oneof(fc.array(value, { minLength: rows, maxLength: rows }), few);
    });
    return fc.record({
      fields: fc.constant(fields),
      columns: fc.tuple(...columns) as fc.Arbitrary<Value[][]>,
      maxRowGroupRows: fc.constant(maxRowGroupRows),
    });
  });

/** The value as it is read back: exact longs as numbers, floats in single precision. */
function stored(type: Field['type'], value: Value): ReadValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (type === 'float' && typeof value === 'number') return Math.fround(value);
  // Integers have one zero.
  if (value === 0 && type !== 'double') return 0;
  return value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

function fromDuckDb(type: Field['type'], value: DuckDBValue): ReadValue {
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimestampTZValue) return stored(type, value.micros);
  if (value instanceof DuckDBBlobValue)
    return type === 'string' ? Buffer.from(value.bytes).toString() : Uint8Array.from(value.bytes);
  return stored(type, value as Value);
}

const hex = (bytes: Uint8Array) =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** A constant that DuckDB knows while it plans, so that it prunes row groups by it. */
function literal(type: Field['type'], value: Value): string {
  switch (type) {
    case 'string':
      return `decode('${hex(Buffer.from(String(value)))}'::BLOB)`;
    case 'binary':
      return `'${hex(value as Uint8Array)}'::BLOB`;
    case 'date':
      return `(DATE '1970-01-01' + (${value})::INTEGER)`;
    case 'timestamp':
      return `make_timestamptz((${value})::BIGINT)`;
    case 'float':
      return `'${Math.fround(Number(value))}'::FLOAT`;
    case 'double':
      return `'${value}'::DOUBLE`;
    default:
      return `(${value})`;
  }
}

/** DuckDB's equality: NaN is itself, zeros are one. */
const isSame = (type: Field['type'], left: Value, right: Value): boolean => {
  if (left === null || right === null) return false;
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0;
  const [l, r] = [stored(type, left), stored(type, right)];
  return l === r || (Number.isNaN(l) && Number.isNaN(r));
};

/** The columns as decoding builds them. */
const built = ({ fields, columns, ...others }: Table) => ({
  ...others,
  fields,
  columns: columns.map((values, index) => {
    const builder = new ColumnBuilder(fields[index]?.type ?? 'string');
    for (const value of values) builder.push(value);
    return builder.finish();
  }),
});

describe.each([
  ['lists', (table: Table) => table],
  ['typed arrays', built],
])('a file written of %s', (_, given) => {
  it('comes back the same through our reader', async () => {
    await fc.assert(
      fc.asyncProperty(tables, async (table) => {
        const { bytes, numRecords } = encodeParquet(given(table));
        const read = await readParquet({ source: sourceOf(bytes), where: 'round trip' });
        expect(read.numRecords).toBe(numRecords);
        for (const [index, { name, type }] of table.fields.entries()) {
          const expected = table.columns[index]?.map((value) => stored(type, value));
          expect(read.columns.get(name)).toEqual(expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('holds the same for DuckDB, whose filters on every column find the right rows', async () => {
    await fc.assert(
      fc.asyncProperty(tables, fc.nat(), async (table, seed) => {
        writeFileSync(path, encodeParquet(given(table)).bytes);
        // Text as bytes, because DuckDB's client drops a byte order mark.
        const selected = table.fields.map(({ name, type }) => (type === 'string' ? `encode(${name})` : name));
        const rows = await duckdb.rows(`select ${selected.join(', ')} from '${path}'`);
        const expectedCounts: bigint[] = [];
        const filters: string[] = [];
        for (const [index, { name, type }] of table.fields.entries()) {
          const values = table.columns[index] ?? [];
          expect(rows.map((row) => fromDuckDb(type, row[index] ?? null))).toEqual(
            values.map((value) => stored(type, value)),
          );
          const wanted = values[seed % values.length] ?? null;
          filters.push(
            wanted === null
              ? `select count(*) from '${path}' where ${name} is null`
              : `select count(*) from '${path}' where ${name} = ${literal(type, wanted)}`,
          );
          const hits = values.filter((value) =>
            wanted === null ? value === null : isSame(type, value, wanted),
          );
          expectedCounts.push(BigInt(hits.length));
        }
        const counts = await duckdb.rows(filters.join(' union all '));
        expect(counts.flat()).toEqual(expectedCounts);
      }),
      { numRuns: 100 },
    );
  });
});
