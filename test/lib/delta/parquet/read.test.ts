import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { ParquetSchema, ParquetWriter } from 'parquetjs-lite';
import { describe, expect, it } from 'vitest';
import { encodeParquet } from '../../../../src/lib/delta/parquet/encode';
import { FileWriter } from '../../../../src/lib/delta/parquet/fileWriter';
import { readParquet, readRowGroups } from '../../../../src/lib/delta/parquet/read';
import { field } from '../../../../src/lib/delta/schema';
import { sourceOf } from './byteSource';
import { duckDbOfTests } from './duckdb';

const { duckdb, folder } = duckDbOfTests();

/** Reads what DuckDB writes for a query. */
async function readFromDuckDb(query: string, options = '') {
  const path = join(folder, 'duckdb.parquet');
  await duckdb.run(`copy (${query}) to '${path}' (format parquet ${options})`);
  return readParquet({ source: sourceOf(readFileSync(path)), where: path });
}

const read = (bytes: Uint8Array, columns?: string[]) =>
  readParquet({
    source: sourceOf(bytes),
    where: 'lake/clicks version 3, file x.parquet',
    ...(columns ? { columns } : {}),
  });

const readRowCount = async (bytes: Uint8Array) => (await read(bytes, [])).numRecords;

describe('files of other writers', () => {
  const query = `select i as n, 'product ' || (i % 7) as s, case when i % 3 = 0 then null else i * 1.5 end as d
    from range(5000) t(i)`;
  const expected = {
    n: Array.from({ length: 5000 }, (_, i) => i),
    s: Array.from({ length: 5000 }, (_, i) => `product ${i % 7}`),
  };

  it.each(['uncompressed', 'snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw'])(
    'are read when packed with %s',
    async (codec) => {
      for (const version of ['v1', 'v2']) {
        const { columns, numRecords } = await readFromDuckDb(
          query,
          `, codec ${codec}, parquet_version ${version}, row_group_size 2048`,
        );
        expect(numRecords).toBe(5000);
        expect(columns.get('n')).toEqual(expected.n);
        expect(columns.get('s')).toEqual(expected.s);
        expect(columns.get('d')?.slice(0, 3)).toEqual([null, '1.5', '3.0']);
      }
    },
  );

  it('are read with data pages v2 and dictionaries', async () => {
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: 's', data: expected.s, type: 'STRING' },
        { name: 'n', data: expected.n, type: 'INT32' },
      ],
    });
    const { columns } = await read(new Uint8Array(bytes));
    expect(columns).toEqual(
      new Map<string, unknown>([
        ['s', expected.s],
        ['n', expected.n],
      ]),
    );
  });

  it('are read where a page is empty, as that of a column of nulls, and packed with lz4_raw', async () => {
    // pyarrow writes such pages as one byte. A block of literals alone, whose length is 15 and more in a second byte.
    const pack = (page: Uint8Array) =>
      page.length === 0 ? Uint8Array.of(0) : Uint8Array.of(0xf0, page.length - 15, ...page);
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: 'n', data: [1, 2, 3, 4, 5], type: 'INT32', nullable: false },
        { name: 's', data: [null, null, null, null, null], type: 'STRING' },
      ],
      codec: 'LZ4_RAW',
      compressors: { LZ4_RAW: pack },
    });
    const { columns } = await read(new Uint8Array(bytes));
    expect(columns.get('n')).toEqual([1, 2, 3, 4, 5]);
    expect(columns.get('s')).toEqual([null, null, null, null, null]);
  });

  it('keep every digit of decimals of any physical type', async () => {
    const { columns } = await readFromDuckDb(
      `select x::decimal(4,1) as small, x::decimal(9,3) as four_bytes, x::decimal(18,6) as eight_bytes,
        (x::decimal(38,10) * 1000000000000000000) as sixteen_bytes, x::decimal(18,0) as whole
       from (values (-12.34), (0), (0.005), (999.9), (-0.4), (null)) t(x)`,
    );
    expect(columns.get('small')).toEqual(['-12.3', '0.0', '0.0', '999.9', '-0.4', null]);
    expect(columns.get('four_bytes')).toEqual(['-12.340', '0.000', '0.005', '999.900', '-0.400', null]);
    expect(columns.get('eight_bytes')?.[0]).toBe('-12.340000');
    expect(columns.get('sixteen_bytes')?.[0]).toBe('-12340000000000000000.0000000000');
    expect(columns.get('whole')).toEqual(['-12', '0', '0', '1000', '0', null]);
  });

  it('keep microseconds of timestamps of every unit, before 1970 too', async () => {
    const { columns } = await readFromDuckDb(
      `select make_timestamp(1700000000123456) as micros, make_timestamptz(-1) as before,
        make_timestamp_ns(-1) as nanos, '2024-01-02 03:04:05.678'::timestamp_ms as millis,
        make_timestamptz(253402300799999999) as last`,
    );
    expect(Object.fromEntries(columns)).toEqual({
      micros: [1_700_000_000_123_456],
      before: [-1],
      nanos: [-1],
      millis: [Date.UTC(2024, 0, 2, 3, 4, 5, 678) * 1000],
      last: [253_402_300_799_999_999n],
    });
  });

  it('give INT96 timestamps as microseconds', async () => {
    const schema = new ParquetSchema({ at: { type: 'INT96' } });
    const writer = new FileWriter(schema);
    const value = (days: number, nanos: bigint) => {
      const bytes = Buffer.alloc(12);
      bytes.writeBigInt64LE(nanos);
      bytes.writeInt32LE(2_440_588 + days, 8);
      return bytes;
    };
    const parts = [Buffer.concat([value(1, 1_999n), value(-1, 86_399_999_999_999n), value(0, 0n)])];
    writer.writeRowGroup(3, [{ numValues: 3, nullCount: 0, parts }]);
    const { columns } = await read(writer.finish());
    expect(columns.get('at')).toEqual([86_400_000_001, -1, 0]);
  });

  it('give longs beyond 2^53 as bigints, unsigned ones too', async () => {
    const { columns } = await readFromDuckDb(
      `select 9007199254740993 as l, 18446744073709551615::ubigint as u, 4294967295::uinteger as u4, 200::utinyint as u1`,
    );
    expect(Object.fromEntries(columns)).toEqual({
      l: [9_007_199_254_740_993n],
      u: [18_446_744_073_709_551_615n],
      u4: [4_294_967_295],
      u1: [200],
    });
  });

  it('give dates as days, enums as text, bytes as bytes of their own', async () => {
    const { columns } = await readFromDuckDb(
      `select date '1969-12-31' as day, 'b'::enum('a', 'b') as choice, '\\x00\\xFF'::blob as raw, true as flag,
        0.1::float as single`,
    );
    expect(Object.fromEntries(columns)).toEqual({
      day: [-1],
      choice: ['b'],
      raw: [Uint8Array.of(0, 255)],
      flag: [true],
      single: [Math.fround(0.1)],
    });
    const [raw] = columns.get('raw') ?? [];
    expect(raw instanceof Uint8Array && raw.buffer.byteLength).toBe(2);
  });

  it('give structs and maps as objects and lists as arrays, nulls at every depth', async () => {
    const { columns } = await readFromDuckDb(
      `select * from (values
        ({'a': 1::bigint, 'l': [1.50::decimal(4,2), null]}, map {'k': 'v', 'n': null}, [[1, null], null, []], [{'x': date '1970-01-02'}]),
        (null, null, null, null),
        ({'a': null, 'l': null}, map {}, [], [null]),
        ({'a': 9007199254740993, 'l': []}, map {'z': 'y'}, [[]], [{'x': null}])
      ) t(s, m, ll, ls)`,
    );
    expect(columns.get('s')).toEqual([
      { a: 1, l: ['1.50', null] },
      null,
      { a: null, l: null },
      { a: 9_007_199_254_740_993n, l: [] },
    ]);
    expect(columns.get('m')).toEqual([{ k: 'v', n: null }, null, {}, { z: 'y' }]);
    expect(columns.get('ll')).toEqual([[[1, null], null, []], null, [], [[]]]);
    expect(columns.get('ls')).toEqual([[{ x: 1 }], null, [null], [{ x: null }]]);
  });
});

it('bytes that the footer calls a geometry stay bytes', async () => {
  // The point 1, 2 as WKB.
  const point = Buffer.from('0101000000000000000000f03f0000000000000040', 'hex');
  const geo = {
    version: '1.1.0',
    primary_column: 'place',
    columns: { place: { encoding: 'WKB', geometry_types: [] } },
  };
  const bytes = parquetWriteBuffer({
    columnData: [{ name: 'place', data: [new Uint8Array(point)], type: 'BYTE_ARRAY' }],
    kvMetadata: [{ key: 'geo', value: JSON.stringify(geo) }],
  });
  const { columns } = await read(new Uint8Array(bytes));
  expect(columns.get('place')).toEqual([new Uint8Array(point)]);
});

describe('projection', () => {
  const fields = [field('a', 'long'), field('b', 'string'), field('c', 'double')];
  const rows = 50_000;
  const columns = [
    Array.from({ length: rows }, (_, row) => row * 7919),
    Array.from({ length: rows }, (_, row) => `${(row * 2_654_435_761) % 4_294_967_296} ${row}`),
    Array.from({ length: rows }, (_, row) => Math.sin(row)),
  ];
  const { bytes } = encodeParquet({ fields, columns, maxRowGroupRows: 20_000 });

  it('reads the footer and the chunks of the wanted columns of a large file', async () => {
    const source = sourceOf(bytes);
    const result = await readParquet({ source, where: 'large', columns: ['a'] });
    expect(result.columns).toEqual(new Map([['a', columns[0]]]));
    expect(bytes.length).toBeGreaterThan(1_000_000);
    const fetched = source.reads.reduce((sum, { length }) => sum + length, 0);
    expect(fetched).toBeLessThan(bytes.length / 2);
    expect(source.reads).toHaveLength(4);
  });

  it('asks for no chunk that came with the footer', async () => {
    // The last chunk of the file is small, and lies right before the footer.
    const small = Array.from({ length: rows }, (_, row) => (row < rows - 100 ? null : row * 7919));
    const file = encodeParquet({
      fields: [field('b', 'string'), field('last', 'long')],
      columns: [columns[1] ?? [], small],
    });
    expect(file.bytes.length).toBeGreaterThan(512 * 1024);
    const source = sourceOf(file.bytes);
    const { columns: result } = await readParquet({ source, where: 'large', columns: ['last'] });
    expect(result.get('last')).toEqual(small);
    expect(source.reads).toEqual([{ start: file.bytes.length - 64 * 1024, length: 64 * 1024 }]);
  });

  it('reads a small file in one request', async () => {
    const small = encodeParquet({ fields, columns: columns.map((values) => values.slice(0, 1000)) });
    const source = sourceOf(small.bytes);
    const { columns: result } = await readParquet({ source, where: 'small' });
    expect([...result.keys()]).toEqual(['a', 'b', 'c']);
    expect(source.reads).toEqual([{ start: 0, length: small.bytes.length }]);
  });

  it('leaves out a wanted column that the file does not have', async () => {
    const result = await read(bytes, ['c', 'nowhere']);
    expect(result.numRecords).toBe(rows);
    expect([...result.columns.keys()]).toEqual(['c']);
  });

  it('reads a list in the oldest form, a column that is simply repeated', async () => {
    const chunks: Buffer[] = [];
    const stream = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk));
    const schema = new ParquetSchema({ n: { type: 'INT64', repeated: true } });
    const writer = await ParquetWriter.openStream(schema, stream, { useDataPageV2: false });
    for (const n of [[1, 2], [3]]) await writer.appendRow({ n });
    await writer.close();
    expect((await read(Buffer.concat(chunks))).columns.get('n')).toEqual([[1, 2], [3]]);
  });

  it('counts rows without reading columns', async () => {
    const source = sourceOf(bytes);
    expect(await readParquet({ source, where: 'count', columns: [] })).toEqual({
      numRecords: rows,
      columns: new Map(),
      keyValues: new Map(),
    });
    expect(source.reads).toHaveLength(1);
  });

  it('goes through row groups one at a time', async () => {
    const counts: number[] = [];
    for await (const group of readRowGroups({ source: sourceOf(bytes), where: 'groups', columns: ['a'] })) {
      expect(group.columns.get('a')).toHaveLength(group.numRecords);
      counts.push(group.numRecords);
    }
    expect(counts).toEqual([20_000, 20_000, 10_000]);
  });

  it('fetches a footer that is larger than the first guess', async () => {
    const wide = Array.from({ length: 300 }, (_, index) => field(`column_${index}`, 'string'));
    const file = encodeParquet({
      fields: wide,
      columns: wide.map(() => [randomBytes(2000).toString('hex'), 'y'.repeat(30)]),
      maxRowGroupRows: 1,
    });
    const footer = file.bytes.readUInt32LE(file.bytes.length - 8);
    expect(footer).toBeGreaterThan(64 * 1024);
    const source = sourceOf(file.bytes);
    const { columns: result } = await readParquet({ source, where: 'wide', columns: ['column_299'] });
    expect(result.get('column_299')?.[1]).toBe('y'.repeat(30));
    expect(source.reads[1]).toEqual({ start: file.bytes.length - footer - 8, length: footer + 8 });
  });
});

describe('a damaged file', () => {
  const { bytes } = encodeParquet({
    fields: [field('n', 'long'), field('s', 'string')],
    columns: [
      Array.from({ length: 1000 }, (_, row) => row),
      Array.from({ length: 1000 }, (_, row) => `text ${row}`),
    ],
  });
  const where = 'lake/clicks version 3, file x.parquet';

  it.each([
    ['empty', new Uint8Array(), /0 bytes are too few/],
    ['cut short', bytes.subarray(0, bytes.length - 100), /PAR1 is missing/],
    ['without its start', Buffer.concat([Buffer.alloc(4), bytes.subarray(4)]), /PAR1 is missing/],
    ['of another format', Buffer.from('{"a":1}\n'.repeat(20)), /PAR1 is missing/],
    ['encrypted', Buffer.concat([bytes.subarray(0, -4), Buffer.from('PARE')]), /encrypted/],
  ])('that is %s is an error that names it', async (_, damaged, message) => {
    await expect(read(damaged)).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: expect.stringMatching(message),
    });
    await expect(read(damaged)).rejects.toThrow(where);
  });

  /** Thrift's next field but one, a number of 64 bits: 77 in zigzag and as a varint. */
  const rows77 = Buffer.from([0x16, 0x9a, 0x01]);

  it('whose footer announces other rows than its row groups hold is an error', async () => {
    const column = { fields: [field('n', 'long')], columns: [Array.from({ length: 77 }, (_, n) => n)] };
    const damaged = Buffer.from(encodeParquet(column).bytes);
    const announced = damaged.indexOf(rows77, damaged.length - damaged.readUInt32LE(damaged.length - 8) - 8);
    expect(announced).toBeGreaterThan(0);
    damaged[announced + 1] = 0x9c;
    await expect(readRowCount(damaged)).rejects.toThrow(
      'the row groups hold 77 rows where 78 were announced',
    );
  });

  it('whose row group announces other rows than its columns hold is an error', async () => {
    const column = { fields: [field('n', 'long')], columns: [Array.from({ length: 77 }, (_, n) => n)] };
    const damaged = Buffer.from(encodeParquet(column).bytes);
    const footer = damaged.subarray(damaged.length - damaged.readUInt32LE(damaged.length - 8) - 8);
    // The first is that of the whole file, the last that of the row group: 77 in zigzag and as a varint.
    for (const at of [footer.indexOf(rows77), footer.lastIndexOf(rows77)]) footer[at + 1] = 0x9c;
    await expect(read(damaged)).rejects.toThrow('column n has 77 values in a row group of 78 rows');
  });

  it('shorter than its size is an error', async () => {
    const source = { ...sourceOf(bytes), size: bytes.length + 10 };
    await expect(readParquet({ source, where })).rejects.toThrow(
      `${where}: shorter than its ${bytes.length + 10} bytes: ${bytes.length} of ${bytes.length + 10} bytes came from 0`,
    );
    const large = { size: 600_000, read: async () => new Uint8Array(9) };
    await expect(readParquet({ source: large, where })).rejects.toThrow(
      `${where}: shorter than its 600000 bytes: 9 of 65536 bytes came from 534464`,
    );
  });

  it('with a footer longer than itself is an error', async () => {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt32LE(0x7fffffff, damaged.length - 8);
    await expect(read(damaged)).rejects.toThrow(/a footer of 2147483655 bytes does not fit/);
    // Before the footer is the magic number, after it are its length and the magic number.
    damaged.writeUInt32LE(bytes.length - 11, damaged.length - 8);
    await expect(read(damaged)).rejects.toThrow('does not fit');
    damaged.writeUInt32LE(bytes.length - 12, damaged.length - 8);
    await expect(read(damaged)).rejects.not.toThrow('does not fit');
  });

  it('never gives a wrong number of values or another exception, whichever byte of the footer is broken', async () => {
    const footer = bytes.readUInt32LE(bytes.length - 8) + 8;
    for (let at = bytes.length - footer; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x15;
      const outcome = await read(damaged).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'parquet.invalid' });
      else {
        const { numRecords, columns } = outcome as Awaited<ReturnType<typeof read>>;
        for (const values of columns.values()) expect(values).toHaveLength(numRecords);
      }
    }
  });

  it('with text that is not UTF-8 is an error, not question marks', async () => {
    const file = encodeParquet({ fields: [field('s', 'string')], columns: [['abc']] });
    const damaged = Buffer.from(file.bytes);
    damaged[damaged.indexOf('abc')] = 0xff;
    await expect(read(damaged)).rejects.toMatchObject({ code: 'parquet.invalid' });
  });
});
