import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import {
  type EncodeOptions,
  encodeParquet,
  encodeParquetInSlices,
  ParquetEncoder,
} from '../../../../src/lib/delta/parquet/encode';
import { readParquet } from '../../../../src/lib/delta/parquet/read';
import { field, type Value } from '../../../../src/lib/delta/schema';
import { turnsDuring } from '../../../kit/turnsDuring';
import { sourceOf } from './byteSource';
import { duckDbOfTests } from './duckdb';

const { duckdb, folder } = duckDbOfTests();

let files = 0;
function write(options: EncodeOptions): string {
  const path = join(folder, `${++files}.parquet`);
  writeFileSync(path, encodeParquet(options).bytes);
  return `'${path}'`;
}

const error = (options: EncodeOptions) => {
  try {
    encodeParquet(options);
  } catch (thrown) {
    return thrown;
  }
  return undefined;
};

describe('the footer', () => {
  it('gives every column the type that DuckDB should see', async () => {
    const fields = [
      field('s', 'string'),
      field('l', 'long'),
      field('i', 'integer', false),
      field('sh', 'short'),
      field('b', 'byte'),
      field('f', 'float'),
      field('d', 'double'),
      field('bo', 'boolean'),
      field('bi', 'binary'),
      field('da', 'date'),
      field('t', 'timestamp'),
    ];
    const file = write({ fields, columns: fields.map(({ name }) => (name === 'i' ? [1] : [null])) });
    const described = await duckdb.objects(`describe select * from ${file}`);
    expect(Object.fromEntries(described.map((row) => [row.column_name, row.column_type]))).toEqual({
      s: 'VARCHAR',
      l: 'BIGINT',
      i: 'INTEGER',
      sh: 'SMALLINT',
      b: 'TINYINT',
      f: 'FLOAT',
      d: 'DOUBLE',
      bo: 'BOOLEAN',
      bi: 'BLOB',
      da: 'DATE',
      t: 'TIMESTAMP WITH TIME ZONE',
    });
    const schema = await duckdb.objects(
      `select name, repetition_type, converted_type, logical_type from parquet_schema(${file})`,
    );
    expect(schema.find(({ name }) => name === 'i')).toMatchObject({ repetition_type: 'REQUIRED' });
    expect(schema.find(({ name }) => name === 't')).toMatchObject({
      repetition_type: 'OPTIONAL',
      converted_type: 'TIMESTAMP_MICROS',
      logical_type: expect.stringMatching(/isAdjustedToUTC=1.*MICROS=MicroSeconds/),
    });
    expect(schema.find(({ name }) => name === 's')).toMatchObject({ logical_type: 'StringType()' });
    expect(schema.find(({ name }) => name === 'da')).toMatchObject({ logical_type: 'DateType()' });
  });

  it('has the true sizes, nulls and bounds of each row group', async () => {
    const file = write({
      fields: [field('n', 'long'), field('s', 'string')],
      columns: [
        [7, null, -3, 5, null, null],
        ['b', 'a', 'c', 'x'.repeat(100_000), '😀', '\uffff'],
      ],
      maxRowGroupRows: 3,
    });
    const [[created]] = (await duckdb.rows(`select created_by from parquet_file_metadata(${file})`)) as [
      [string],
    ];
    expect(created).toMatch(/^tributary version \d+\.\d+\.\d+ \(build /);
    const chunks = await duckdb.objects(
      `select row_group_num_rows as rows, path_in_schema as name, compression, stats_null_count as nulls,
        stats_min_value as min, stats_max_value as max, total_uncompressed_size as bytes,
        total_compressed_size as packed, encodings from parquet_metadata(${file})`,
    );
    expect(chunks).toMatchObject([
      { rows: '3', name: 'n', compression: 'SNAPPY', nulls: '1', min: '-3', max: '7' },
      { rows: '3', name: 's', nulls: '0', min: 'a', max: 'c' },
      { rows: '3', name: 'n', nulls: '2', min: '5', max: '5' },
      { rows: '3', name: 's', nulls: '0', min: 'x'.repeat(32), max: '😀' },
    ]);
    expect(Number(chunks[3]?.bytes)).toBeGreaterThan(100_000);
    expect(Number(chunks[3]?.packed)).toBeLessThan(10_000);
  });

  it('says the type of every column in the older and in the newer way', () => {
    const types = [
      'string',
      'short',
      'byte',
      'date',
      'timestamp',
      'long',
      'integer',
      'double',
      'binary',
    ] as const;
    const { bytes } = encodeParquet({
      fields: types.map((type) => field(type, type)),
      columns: types.map(() => [null]),
    });
    const { schema } = parquetMetadata(new Uint8Array(bytes).buffer);
    expect(
      schema.slice(1).map(({ name, converted_type, logical_type }) => [name, converted_type, logical_type]),
    ).toEqual([
      ['string', 'UTF8', { type: 'STRING' }],
      ['short', 'INT_16', { type: 'INTEGER', bitWidth: 16, isSigned: true }],
      ['byte', 'INT_8', { type: 'INTEGER', bitWidth: 8, isSigned: true }],
      ['date', 'DATE', { type: 'DATE' }],
      ['timestamp', 'TIMESTAMP_MICROS', { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' }],
      ...['long', 'integer', 'double', 'binary'].map((name) => [name, undefined, undefined]),
    ]);
  });

  it('declares the order that the bounds follow', async () => {
    const { ParquetReader } = await import('parquetjs-lite');
    const { bytes } = encodeParquet({ fields: [field('n', 'long')], columns: [[1]] });
    const reader = await ParquetReader.openBuffer(bytes);
    expect(reader.metadata.column_orders).toHaveLength(1);
    expect(reader.metadata.column_orders[0]?.TYPE_ORDER).toBeTruthy();
  });
});

describe('filters', () => {
  it('find the row of an emoji, which UTF-16 order would hide', async () => {
    const file = write({ fields: [field('product', 'string')], columns: [['\uffff', '😀', 'a']] });
    expect(await duckdb.rows(`select count(*) from ${file} where product = '😀'`)).toEqual([[1n]]);
    expect(await duckdb.rows(`select count(*) from ${file} where product > '\uffff'`)).toEqual([[1n]]);
  });

  it('find long texts that agree in their first 32 characters', async () => {
    const prefix = 'é'.repeat(40);
    const values = [`${prefix}a`, `${prefix}b`, `${prefix}😀`];
    const file = write({ fields: [field('s', 'string')], columns: [values] });
    for (const value of values)
      expect(await duckdb.rows(`select count(*) from ${file} where s = '${value}'`)).toEqual([[1n]]);
  });

  it('find NaN, infinities and both zeros', async () => {
    const columns = [[1, Number.NaN, Number.POSITIVE_INFINITY, -0, 5]];
    for (const type of ['double', 'float'] as const) {
      const file = write({ fields: [field('d', type)], columns });
      const count = async (filter: string) =>
        (await duckdb.rows(`select count(*) from ${file} where ${filter}`))[0];
      expect(await count(`d = 'NaN'::DOUBLE`)).toEqual([1n]);
      expect(await count(`d = 'Infinity'::DOUBLE`)).toEqual([1n]);
      expect(await count('d > 5')).toEqual([2n]);
      expect(await count('d = 0')).toEqual([1n]);
    }
    const zeros = write({ fields: [field('d', 'double')], columns: [[0, 0]] });
    expect(await duckdb.rows(`select count(*) from ${zeros} where d = '-0.0'::DOUBLE`)).toEqual([[2n]]);
    // Some readers distinguish 0 and -0, so the bounds must include both.
    const bounds = `select stats_min_value, stats_max_value from parquet_metadata(${zeros})`;
    expect(await duckdb.rows(bounds)).toEqual([['-0.0', '0.0']]);
  });
});

describe('bounds', () => {
  it('are exact, over all row groups, in the order of the fields', () => {
    const { bounds, numRecords } = encodeParquet({
      fields: [
        field('9', 'integer'),
        field('s', 'string'),
        field('l', 'long'),
        field('d', 'double'),
        field('1', 'byte'),
      ],
      columns: [
        [3, null, 1, 2],
        [null, null, '😀', '\uffff'],
        [1, -(2n ** 62n), 2n ** 62n, 0],
        [1, 2, Number.NaN, 0],
        [null, null, null, null],
      ],
      maxRowGroupRows: 2,
    });
    expect(numRecords).toBe(4);
    expect(bounds).toEqual([
      { nullCount: 1, min: 1, max: 3 },
      { nullCount: 2, min: '\uffff', max: '😀' },
      { nullCount: 0, min: -(2n ** 62n), max: 2n ** 62n },
      { nullCount: 0 },
      { nullCount: 4 },
    ]);
  });

  it('of a float are the single-precision numbers that are stored', () => {
    const { bounds } = encodeParquet({ fields: [field('f', 'float')], columns: [[0.1]] });
    expect(bounds).toEqual([{ nullCount: 0, min: Math.fround(0.1), max: Math.fround(0.1) }]);
  });
});

describe('row groups', () => {
  const rowsPerGroup = async (options: EncodeOptions) => {
    const rows = await duckdb.rows(
      `select distinct row_group_id, row_group_num_rows from parquet_metadata(${write(options)}) order by 1`,
    );
    return rows.map(([, count]) => Number(count));
  };

  it('are capped by rows', async () => {
    const columns = [Array.from({ length: 10 }, (_, row) => row)];
    expect(await rowsPerGroup({ fields: [field('n', 'long')], columns, maxRowGroupRows: 4 })).toEqual([
      4, 4, 2,
    ]);
  });

  it('are capped by bytes of values of a fixed width, those of all columns together', async () => {
    const values = Array.from({ length: 10 }, (_, row) => row);
    const long = field('l', 'long');
    expect(await rowsPerGroup({ fields: [long], columns: [values], maxRowGroupBytes: 32 })).toEqual([
      4, 4, 2,
    ]);
    const fields = [long, field('i', 'integer'), field('s', 'string')];
    const columns = [values, values, values.map(() => 'abcd')];
    // 8 and 4 bytes, and a text of 4 with its length in 4.
    expect(await rowsPerGroup({ fields, columns, maxRowGroupBytes: 60 })).toEqual([3, 3, 3, 1]);
    expect(await rowsPerGroup({ fields, columns, maxRowGroupBytes: 59 })).toEqual([2, 2, 2, 2, 2]);
  });

  it('are capped by bytes of UTF-8, and a larger row has one of its own', async () => {
    const columns = [['é'.repeat(10), 'é'.repeat(10), 'x'.repeat(500), 'é', 'é']];
    const fields = [field('s', 'string')];
    expect(await rowsPerGroup({ fields, columns, maxRowGroupBytes: 50 })).toEqual([2, 1, 2]);
  });

  it('take texts and bytes of any length', async () => {
    const texts = ['', 'x'.repeat(5000), 'é'.repeat(3000), 'y'];
    const columns = [texts, texts.map((text) => Buffer.from(text))];
    const { bytes } = encodeParquet({ fields: [field('t', 'string'), field('b', 'binary')], columns });
    const read = await readParquet({ source: sourceOf(bytes), where: 'long values' });
    const asText = (value: unknown) => Buffer.from(value as string | Uint8Array).toString();
    expect([...read.columns.values()].map((values) => values.map(asText))).toEqual([texts, texts]);
  });

  it('do not exist in a file without rows, which still has its columns', async () => {
    const { bytes, numRecords, bounds } = encodeParquet({ fields: [field('n', 'long')], columns: [[]] });
    expect({ numRecords, bounds }).toEqual({ numRecords: 0, bounds: [{ nullCount: 0 }] });
    expect(parquetMetadata(new Uint8Array(bytes).buffer).row_groups).toEqual([]);
    const read = await readParquet({ source: sourceOf(bytes), where: 'empty' });
    expect(read).toEqual({ numRecords: 0, columns: new Map([['n', []]]), keyValues: new Map() });
    const file = write({ fields: [field('n', 'long')], columns: [[]] });
    expect(await duckdb.rows(`select count(*), max(n) from ${file}`)).toEqual([[0n, null]]);
  });
});

describe('a value that does not fit', () => {
  it.each([
    ['timestamp_ntz', 'timestamp_ntz'],
    [{ type: 'array', elementType: 'long' }, 'array'],
  ] as const)('is any of the type %j, which is not written', (type, named) => {
    expect(error({ fields: [field('c', type)], columns: [[]], where: 'lake/clicks' })).toMatchObject({
      code: 'parquet.value',
      message: `lake/clicks: column c has type ${named}, which is not written.`,
    });
  });

  it('is a number of a long beyond the safe integers, on either side, but no bigint', () => {
    const long = (value: Value) => ({ fields: [field('c', 'long')], columns: [[value]] });
    for (const value of [2 ** 53, -(2 ** 53), 2 ** 60, -(2 ** 60)])
      expect(error(long(value))).toMatchObject({ message: expect.stringContaining('beyond 2^53') });
    for (const value of [2n ** 53n, -(2n ** 53n), Number.MIN_SAFE_INTEGER, -(2n ** 63n)])
      expect(encodeParquet(long(value)).bounds).toEqual([{ nullCount: 0, min: value, max: value }]);
  });

  it.each([
    ['integer', 1.7, 'expected a whole number, got the number 1.7'],
    ['integer', undefined, 'there is no value; a missing value is null'],
    ['integer', 2 ** 31, 'out of range for integer'],
    ['short', 2 ** 15, 'out of range for short'],
    ['long', 2 ** 53, 'beyond 2^53'],
    ['long', Number.NaN, 'expected a whole number'],
    ['long', Number.POSITIVE_INFINITY, 'expected a whole number'],
    ['long', 2n ** 63n, 'out of range for long'],
    ['timestamp', 1.5, 'expected a whole number'],
    ['timestamp', 253_402_300_800_000_000n, 'out of range for timestamp'],
    ['date', 2_932_897, 'out of range for date'],
    ['double', '1', 'expected a number'],
    ['float', 1e39, 'out of range for float'],
    ['boolean', 0, 'expected true or false'],
    ['string', 'a\udc00', 'lone surrogate'],
    ['string', 1, 'expected text'],
    ['binary', 'x', 'expected bytes, got the text "x"'],
    ['string', Uint8Array.of(1, 2, 3), 'expected text, got 3 bytes'],
    ['boolean', [true], 'expected true or false, got an array'],
    ['double', {}, 'expected a number, got an object'],
  ] as const)('%s: %s is refused with column and row', (type, value, why) => {
    const good = encodeParquet({ fields: [field('c', type)], columns: [[null, null]] });
    expect(good.bounds).toEqual([{ nullCount: 2 }]);
    // As from a caller whose types lie.
    const columns = [[null, null, value as unknown as Value]];
    expect(
      error({ fields: [field('c', type)], columns, maxRowGroupRows: 2, where: 'lake/clicks' }),
    ).toMatchObject({
      code: 'parquet.value',
      message: expect.stringMatching(/^lake\/clicks: column c, row 2: /),
    });
    expect(error({ fields: [field('c', type)], columns })).toMatchObject({
      message: expect.stringContaining(why),
    });
  });

  it('is a null if the column takes no nulls', () => {
    expect(error({ fields: [field('c', 'string', false)], columns: [['x', null]] })).toMatchObject({
      code: 'parquet.value',
      message: expect.stringContaining('column c, row 1: null in a column that takes no nulls'),
    });
  });
});

describe('columns that do not belong together', () => {
  it.each([
    ['no columns', { fields: [], columns: [] }, /0 columns of values for 0 fields/],
    [
      'a column too few',
      { fields: [field('a', 'long'), field('b', 'long')], columns: [[1]] },
      /1 columns .* 2 fields/,
    ],
    [
      'columns of different length',
      { fields: [field('a', 'long'), field('b', 'long')], columns: [[1], [1, 2]] },
      /column b has 2 values, the first column 1/,
    ],
    [
      'a type that is not written',
      { fields: [field('a', 'decimal(4,2)')], columns: [['1.00']] },
      /decimal\(4,2\)/,
    ],
  ])('%s is an error', (_, options, message) => {
    expect(error(options)).toMatchObject({ code: 'parquet.value', message: expect.stringMatching(message) });
  });
});

it('a file is the same if other work goes on between its row groups', async () => {
  const options = {
    fields: [field('n', 'long')],
    columns: [Array.from({ length: 10 }, (_, n) => n)],
    maxRowGroupRows: 4,
  };
  const encoding = encodeParquetInSlices(options);
  let isDone = false;
  void encoding.finally(() => {
    isDone = true;
  });
  // It has not ended when the first turn of other work comes.
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
  expect((await encoding).bytes).toEqual(encodeParquet(options).bytes);
});

it('other work goes on between two columns of a large row group, and the file is the same', async () => {
  const fields = ['a', 'b', 'c', 'd'].map((name) => field(name, 'long'));
  const columns = fields.map((_, index) => Array.from({ length: 10_000 }, (_row, n) => n * index));
  let found: Awaited<ReturnType<typeof encodeParquetInSlices>> | undefined;
  const turns = await turnsDuring(async () => {
    found = await encodeParquetInSlices({ fields, columns });
  });
  expect(turns).toBeGreaterThanOrEqual(4);
  expect(found).toEqual(encodeParquet({ fields, columns }));
});

describe('a file that is encoded piece by piece', () => {
  const fields = [field('id', 'long', false), field('name', 'string')];
  const ids = Array.from({ length: 100 }, (_, id) => id - 50);
  const names = ids.map((id) => (id % 3 === 0 ? null : `name ${id}`));

  it('holds the rows of all pieces, with the bounds of them together', async () => {
    const encoder = new ParquetEncoder({ fields, maxRowGroupRows: 30 });
    const sizes = [encoder.size];
    for (const [start, end] of [
      [0, 45],
      [45, 46],
      [46, 100],
    ] as const) {
      for (const _ of encoder.append([ids.slice(start, end), names.slice(start, end)]));
      sizes.push(encoder.size);
    }
    const { bytes, numRecords, bounds } = encoder.finish();
    const whole = encodeParquet({ fields, columns: [ids, names] });
    expect([numRecords, bounds]).toEqual([100, whole.bounds]);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    const read = await readParquet({ source: sourceOf(bytes), where: 'pieces' });
    expect(Object.fromEntries(read.columns)).toEqual({ id: ids, name: names });
  });

  it('names column and row of a value that does not fit', () => {
    const encoder = new ParquetEncoder({ fields, where: 'lake/t' });
    expect(() =>
      encoder
        .append([
          [1, null],
          ['a', 'b'],
        ])
        .next(),
    ).toThrow('lake/t: column id, row 1: null in a column');
  });
});

it('names no pairs of metadata in the footer where there are none', async () => {
  const { bytes } = await encodeParquet({ fields: [field('id', 'long')], columns: [[1]] });
  expect(parquetMetadata(new Uint8Array(bytes).buffer)).not.toHaveProperty('key_value_metadata', []);
});
