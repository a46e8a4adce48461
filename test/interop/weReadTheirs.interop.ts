import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readParquet } from '../../src/lib/delta/parquet/read';
import type { Value } from '../../src/lib/delta/schema';
import type { PeerSchema } from '../kit/peer';
import { sourceOf } from '../lib/delta/parquet/byteSource';
import { everyType, everyTypeFiles } from './everyType';
import { openSharedLake, type SharedLake } from './lake';
import { readColumns, readTexts, snapshotOf, sortedRows } from './ourTable';
import { normalText, toText } from './texts';

let lake: SharedLake;

beforeAll(async () => {
  lake = await openSharedLake();
});

afterAll(() => lake?.close());

const everyTypeSchema: PeerSchema = everyType.map(({ name, type }) => [name, String(type)]);

const columnsOf = (rows: readonly (readonly Value[])[], width: number) =>
  Array.from({ length: width }, (_, column) => rows.map((row) => toText(row[column] ?? null)));

/** The values that delta-rs itself reads, in our text form. */
async function peerTexts(table: string, version?: number): Promise<Map<string, (string | null)[]>> {
  const seen = await lake.peer.call<{
    schema: { name: string; type: string }[];
    columns: Record<string, (string | null)[]>;
  }>('read', { uri: lake.uri(table), ...(version === undefined ? {} : { version }) });
  return new Map(
    seen.schema.map(({ name, type }) => [
      name,
      (seen.columns[name] ?? []).map((text) => normalText(type as 'string', text)),
    ]),
  );
}

const simple: PeerSchema = [
  ['id', 'long'],
  ['name', 'string'],
];
const write = (table: string, schema: PeerSchema, columns: unknown, more: Record<string, unknown> = {}) =>
  lake.peer.call<number>('write', { uri: lake.uri(table), schema, columns, ...more });
const ids = (from: number, count: number) => Array.from({ length: count }, (_, i) => String(from + i));
const named = (from: number, count: number, name = 'n') => [
  ids(from, count),
  ids(from, count).map((id) => `${name}${id}`),
];

async function expectToReadAlike(table: string, version?: number): Promise<Map<string, (string | null)[]>> {
  const ours = await readTexts(lake.at(table), version);
  expect(sortedRows(ours)).toEqual(sortedRows(await peerTexts(table, version)));
  return ours;
}

describe('we read what delta-rs wrote', () => {
  for (const compression of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD', 'BROTLI', 'LZ4_RAW']) {
    it(`every type, compressed with ${compression}`, async () => {
      const rows = everyTypeFiles.flat();
      const table = `codec-${compression}`;
      await write(table, everyTypeSchema, columnsOf(rows, everyType.length), { compression });
      const seen = await expectToReadAlike(table);
      const wanted = everyType.map(({ name }, column): [string, (string | null)[]] => [
        name,
        rows.map((row) => toText(row[column] ?? null)),
      ]);
      expect(sortedRows(seen)).toEqual(sortedRows(new Map(wanted)));
    });
  }

  it('dictionary pages, in files of more than one row group and page', async () => {
    const count = 50_000;
    const names = Array.from({ length: count }, (_, i) => (i % 11 === 0 ? null : `product ${i % 97} 😀`));
    await write('dictionary', simple, [ids(0, count), names]);
    const columns = await readColumns(lake.at('dictionary'));
    expect(columns.get('id')).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(columns.get('name')).toEqual(names);
  });

  it('decimals of every width, with all their digits', async () => {
    const schema: PeerSchema = [
      ['small', 'decimal(9,2)'],
      ['medium', 'decimal(18,0)'],
      ['large', 'decimal(38,10)'],
    ];
    const columns = [
      ['-0.01', '9999999.99', null, '-9999999.99'],
      ['999999999999999999', '-1', '0', null],
      [null, '-9999999999999999999999999999.9999999999', '0.0000000001', '9007199254740993.0000000000'],
    ];
    await write('decimals', schema, columns);
    const seen = await readTexts(lake.at('decimals'));
    expect([...seen.values()]).toEqual(columns);
  });

  it('structs, lists and maps', async () => {
    await lake.peer.call('write_nested', { uri: lake.uri('nested') });
    const columns = await readColumns(lake.at('nested'));
    expect(columns.get('point')).toEqual([{ x: 1, label: 'é' }, null, { x: null, label: '😀' }]);
    expect(columns.get('tags')).toEqual([['a', null], [], null]);
    expect(columns.get('counts')).toEqual([{ k: 1 }, null, {}]);
  });

  it('a table partitioned by text, date and number, whose values are in the log alone', async () => {
    const schema: PeerSchema = [...simple, ['day', 'date'], ['shop', 'string'], ['size', 'integer']];
    const shops = ['a b/ü=%', 'plain', null, '😀', 'a b/ü=%', 'x'];
    const columns = [
      ...named(0, 6),
      ['-1', '0', '20000', null, '-1', '0'],
      shops,
      ['-7', '0', '7', '7', null, '0'],
    ];
    await write('partitioned', schema, columns, { partition_by: ['day', 'shop', 'size'] });
    const seen = await expectToReadAlike('partitioned');
    expect(new Set(seen.get('shop'))).toEqual(new Set(shops));
  });

  it('checkpointed, with its early commits gone, and vacuumed, after a delete and a merge', async () => {
    const table = 'changed';
    for (let batch = 0; batch < 5; batch++) await write(table, simple, named(batch * 100, 100));
    const before = await snapshotOf(lake.at(table));
    await lake.peer.call('delete', { uri: lake.uri(table), predicate: 'id % 3 = 0' });
    await lake.peer.call('merge', {
      uri: lake.uri(table),
      schema: simple,
      columns: named(450, 100, 'merged '),
      predicate: 's.id = t.id',
    });
    const changed = await expectToReadAlike(table);
    expect(changed.get('id')).toHaveLength(400);

    await lake.peer.call('checkpoint', { uri: lake.uri(table) });
    await write(table, simple, named(1000, 10));
    await lake.peer.call('vacuum', { uri: lake.uri(table) });
    for (let version = 0; version <= before.version; version++)
      await lake.store.delete(`${table}/_delta_log/${String(version).padStart(20, '0')}.json`);
    const after = await expectToReadAlike(table);
    expect(after.get('id')).toHaveLength(410);
    expect(after.get('name')?.filter((name) => name?.startsWith('merged '))).toHaveLength(100);
  });

  it('an older version, and one whose schema grew since', async () => {
    const table = 'evolved';
    await write(table, simple, named(0, 3));
    const wider: PeerSchema = [...simple, ['price', 'double']];
    await write(table, wider, [...named(3, 2), ['1.5', 'nan']], { schema_mode: 'merge' });
    const seen = await expectToReadAlike(table);
    expect(seen.get('price')?.toSorted()).toEqual([null, null, null, '1.5', 'nan'].toSorted());
    await expectToReadAlike(table, 0);
  });

  it('its txns, and refuse unknown features by name', async () => {
    await write('their-txns', simple, named(0, 1), { txn: ['their app', 7] });
    const { txns } = await snapshotOf(lake.at('their-txns'));
    expect(txns.get('their app')?.version).toBe(7);

    await write('zoneless', [['at', 'timestamp_ntz']], [['0']]);
    await expect(snapshotOf(lake.at('zoneless'))).rejects.toThrow(/timestampNtz/);
  });

  it('pages with checksums, of which a changed bit is found', async () => {
    const file = Buffer.from(await lake.peer.call<string>('checksummed_file'), 'base64');
    const read = () => readParquet({ source: sourceOf(file), where: 'theirs' });
    const { numRecords, columns } = await read();
    expect([numRecords, columns.get('few')?.[13], columns.get('texts')?.[999]]).toEqual([1000, 6, '999']);
    const page = file.length >> 1;
    file.writeUInt8(file.readUInt8(page) ^ 1, page);
    await expect(read()).rejects.toMatchObject({ code: 'parquet.invalid' });
  });
});
