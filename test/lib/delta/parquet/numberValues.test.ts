import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { ColumnValues } from '../../../../src/lib/delta/columnValues';
import { NumberColumn } from '../../../../src/lib/delta/numberColumn';
import { encodeParquet } from '../../../../src/lib/delta/parquet/encode';
import { readParquet } from '../../../../src/lib/delta/parquet/read';
import { type DataType, field } from '../../../../src/lib/delta/schema';
import { sourceOf } from './byteSource';
import { duckDbOfTests } from './duckdb';

const { duckdb, folder } = duckDbOfTests();

/** More than a row group. */
const rows = 70_000;
const numbers = (value: (row: number) => number) =>
  Float64Array.from({ length: rows }, (_, row) => value(row));
const isAbsent = (row: number) => row % 7 === 3;

/** Columns with what they hold in each row, and whether they are written with a dictionary. */
const columns: readonly [name: string, DataType, Float64Array, hasDictionary: boolean][] = [
  ['constant', 'timestamp', numbers(() => 1_767_225_600_000_000), true],
  ['batches', 'integer', numbers((row) => Math.floor(row / 1000)), true],
  ['few', 'short', numbers((row) => ((row * 7919) % 13) - 6), true],
  ['thousands', 'integer', numbers((row) => (row * 7919) % 3001), true],
  ['ascending', 'long', numbers((row) => row + 2 ** 40), false],
  ['scattered', 'integer', numbers((row) => (row * 1_103_515_245) % 2 ** 31), false],
  ['zeros', 'double', numbers((row) => (row % 40_000 < 20_000 ? -0 : 0)), true],
  ['steps', 'float', numbers((row) => Math.floor(row / 500) / 2), true],
  ['fractions', 'double', numbers((row) => row / 3), false],
  ['not-ordered', 'double', numbers((row) => (row === 9 ? Number.NaN : row)), false],
];
const fields = columns.map(([name, type]) => field(name, type));

describe.each([
  ['without nulls', () => false],
  ['with nulls', isAbsent],
])('numbers in typed arrays, %s', (_, isNull) => {
  const defined = Uint8Array.from({ length: rows }, (_, row) => (isNull(row) ? 0 : 1));
  const typed = columns.map(([, , values]) => new NumberColumn(values, defined));
  const lists = columns.map(([, , values]) =>
    Array.from(values, (value, row) => (isNull(row) ? null : value)),
  );
  const written = encodeParquet({ fields, columns: typed });

  it('make a file with the rows and the bounds of the same numbers in lists', async () => {
    const expected = encodeParquet({ fields, columns: lists });
    expect(written.bounds).toEqual(expected.bounds);
    const read = await readParquet({ source: sourceOf(written.bytes), where: 'test' });
    for (const [index, { name }] of fields.entries()) expect(read.columns.get(name)).toEqual(lists[index]);
    const path = join(folder, 'typed.parquet');
    const other = join(folder, 'lists.parquet');
    writeFileSync(path, written.bytes);
    writeFileSync(other, expected.bytes);
    const digest = (file: string) => `select md5(string_agg(columns(*)::varchar, ',')) from '${file}'`;
    expect(await duckdb.rows(digest(path))).toEqual(await duckdb.rows(digest(other)));
    expect(written.bytes.length).toBeLessThan(expected.bytes.length);
  });

  it('are written as a dictionary where that is smaller', () => {
    const { buffer, byteOffset, byteLength } = written.bytes;
    const file = new Uint8Array(buffer, byteOffset, byteLength).slice().buffer;
    const [group] = parquetMetadata(file).row_groups;
    expect(
      group?.columns.map(({ meta_data: data }) => [
        data?.path_in_schema[0],
        data?.encodings.includes('RLE_DICTIONARY'),
      ]),
    ).toEqual(columns.map(([name, , , hasDictionary]) => [name, hasDictionary]));
  });
});

it.each(['double', 'float', 'long'] as const)(
  'the bounds of type %s are the smallest and the largest number',
  (type) => {
    for (const numbers of [[2, -1, 5, 3], [-1, 2, 3, 5], [5, 3, 2, -1], [4]]) {
      const column = new NumberColumn(Float64Array.from(numbers));
      const { bounds } = encodeParquet({ fields: [field('n', type)], columns: [column] });
      expect(bounds).toMatchObject([{ min: Math.min(...numbers), max: Math.max(...numbers) }]);
    }
  },
);

describe('a number that its column cannot hold', () => {
  const encode = (type: DataType, nullable: boolean, column: ColumnValues) =>
    encodeParquet({ fields: [field('n', type, nullable)], columns: [column], where: 'lake/table' });
  const at = (values: number[], absent?: number) => {
    const defined = absent === undefined ? undefined : new Uint8Array(values.length).fill(1);
    defined?.fill(0, absent, (absent ?? 0) + 1);
    return new NumberColumn(Float64Array.from(values), defined);
  };

  it.each<[string, DataType, boolean, NumberColumn, string]>([
    ['a fraction', 'integer', true, at([1, 1.5], 0), 'column n, row 1: expected a whole number'],
    ['too large', 'byte', true, at([1, 2, 128]), 'column n, row 2: 128 is out of range for byte'],
    ['too small', 'byte', true, at([1, -128, -129]), 'column n, row 2: -129 is out of range for byte'],
    ['no longer exact', 'long', false, at([0, 2 ** 53]), 'column n, row 1: 9007199254740992 is beyond 2^53'],
    ['not a number', 'date', false, at([Number.NaN]), 'column n, row 0: expected a whole number'],
    [
      'infinite in single precision',
      'float',
      false,
      at([0, 1e300]),
      'column n, row 1: 1e+300 is out of range',
    ],
    ['null', 'long', false, at([1, 2, 3], 1), 'column n, row 1: null in a column that takes no nulls'],
  ])('is refused with its row: %s', (_, type, nullable, column, message) => {
    expect(() => encode(type, nullable, column)).toThrow(`lake/table: ${message}`);
  });
});
