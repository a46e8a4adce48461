import { parquetMetadata, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { NumberColumn } from '../../../../src/lib/delta/numberColumn';
import { encodeParquet } from '../../../../src/lib/delta/parquet/encode';
import { LeafReader } from '../../../../src/lib/delta/parquet/leafColumn';
import { chunkOf } from '../../../../src/lib/delta/parquet/pageChecksums';
import { field } from '../../../../src/lib/delta/schema';

/** The first column of a file's only row group, as the reader takes it. */
function chunkIn(file: Uint8Array, more = 0) {
  const bytes = new Uint8Array(file).buffer;
  const metadata = parquetMetadata(bytes);
  const [group] = metadata.row_groups;
  const data = group?.columns[0]?.meta_data;
  if (!group || !data) throw new Error('no column');
  const root = parquetSchema(metadata);
  const { start, end } = chunkOf(data);
  return {
    bytes: bytes.slice(start, end),
    data,
    schemaPath: [root, ...root.children.slice(0, 1)],
    rows: Number(group.num_rows) + more,
    compressors,
  };
}

const rows = 3000;
const numbers = Array.from({ length: rows }, (_, row) => (row % 4 === 3 ? null : row % 5));

function ours(isNullable: boolean): Uint8Array {
  const values = Float64Array.from(numbers, (value) => value ?? 0);
  const defined = Uint8Array.from(numbers, (value) => (value === null ? 0 : 1));
  const column = isNullable ? new NumberColumn(values, defined) : new NumberColumn(values);
  return encodeParquet({ fields: [field('n', 'long', isNullable)], columns: [column] }).bytes;
}

const theirs = new Uint8Array(
  parquetWriteBuffer({
    columnData: [
      { name: 's', data: numbers.map((value) => (value === null ? null : `text ${value}`)), type: 'STRING' },
    ],
    pageSize: 500,
    rowGroupSize: rows,
  }),
);

describe('a leaf column', () => {
  it('of numbers, as a dictionary, has a definition for each row and the values that are there', async () => {
    const reader = await LeafReader.load();
    const found = reader.read(chunkIn(ours(true)));
    expect(found.highest).toBe(1);
    expect([...found.definitions]).toEqual(numbers.map((value) => (value === null ? 0 : 1)));
    expect(found.values.map(Number)).toEqual(numbers.filter((value) => value !== null));
    const required = reader.read(chunkIn(ours(false)));
    expect(required.highest).toBe(0);
    expect(required.values.map(Number)).toEqual(numbers.map((value) => value ?? 0));
  });

  it('of texts of another writer, with a dictionary, is read likewise', async () => {
    const { definitions, values } = (await LeafReader.load()).read(chunkIn(theirs));
    expect([...definitions]).toEqual(numbers.map((value) => (value === null ? 0 : 1)));
    const texts = values.map((bytes) => Buffer.from(bytes as Uint8Array).toString());
    expect(texts).toEqual(numbers.flatMap((value) => (value === null ? [] : [`text ${value}`])));
  });

  it.each([1, -1])('with another number of rows than its row group is damaged: %d', async (more) => {
    const reader = await LeafReader.load();
    expect(() => reader.read(chunkIn(ours(true), more))).toThrow(
      `column n has ${rows} values in a row group of ${rows + more} rows`,
    );
  });

  it('tells whether all of its pages have checksums', async () => {
    const reader = await LeafReader.load();
    expect(reader.hasChecksums(chunkIn(ours(true)).bytes)).toBe(true);
    expect(reader.hasChecksums(chunkIn(theirs).bytes)).toBe(false);
  });
});
