import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { NumberColumn } from '../../../../src/lib/delta/numberColumn';
import { columnChunks } from '../../../../src/lib/delta/parquet/columnChunks';
import { encodeParquet } from '../../../../src/lib/delta/parquet/encode';
import { readParquet } from '../../../../src/lib/delta/parquet/read';
import { field } from '../../../../src/lib/delta/schema';
import { sourceOf } from './byteSource';

const rows = 3000;
const fields = [field('few', 'long'), field('many', 'double'), field('text', 'string')];
const { bytes: ours } = encodeParquet({
  fields,
  columns: [
    new NumberColumn(Float64Array.from({ length: rows }, (_, row) => row % 5)),
    new NumberColumn(Float64Array.from({ length: rows }, (_, row) => Math.sqrt(row))),
    Array.from({ length: rows }, (_, row) => `text ${row}`),
  ],
  maxRowGroupRows: 2000,
});
const theirs = new Uint8Array(
  parquetWriteBuffer({
    columnData: [
      { name: 'few', data: Array.from({ length: rows }, (_, row) => `word ${row % 5}`), type: 'STRING' },
      { name: 'many', data: Array.from({ length: rows }, (_, row) => row * 7), type: 'INT32' },
    ],
    rowGroupSize: 2000,
  }),
);

describe('the chunks of a file', () => {
  it.each([
    ['of ours', ours, ['few', 'many', 'text']],
    ['of another writer', theirs, ['few', 'many']],
  ])('are those of each column and row group, and lie behind each other: %s', async (_, bytes, names) => {
    const chunks = await columnChunks(sourceOf(bytes), 'a file');
    expect(chunks.map(({ column }) => column)).toEqual([...names, ...names]);
    // Dictionaries included, there is nothing before or between them.
    expect(chunks[0]?.start).toBe('PAR1'.length);
    for (const [index, { start, end }] of chunks.entries()) {
      expect(end).toBeGreaterThan(start);
      if (index > 0) expect(start).toBe(chunks[index - 1]?.end);
    }
  });

  it('have all that is read of a column', async () => {
    const chunks = await columnChunks(sourceOf(ours), 'a file');
    // A copy in which everything else is lost.
    const copy = new Uint8Array(ours.length);
    const footer = ours.readUInt32LE(ours.length - 8) + 8;
    copy.set(ours.subarray(0, 4));
    copy.set(ours.subarray(ours.length - footer), ours.length - footer);
    for (const { column, start, end } of chunks)
      if (column === 'few') copy.set(ours.subarray(start, end), start);
    const read = (bytes: Uint8Array) =>
      readParquet({ source: sourceOf(bytes), columns: ['few'], where: 'a file' });
    expect((await read(copy)).columns).toEqual((await read(ours)).columns);
  });

  it('are not told of a file that is damaged', async () => {
    const cut = Uint8Array.from(ours);
    cut.fill(0xff, cut.length - 40, cut.length - 8);
    await expect(columnChunks(sourceOf(cut), 'a file')).rejects.toMatchObject({
      code: 'parquet.invalid',
      message: expect.stringContaining('a file'),
    });
  });
});
