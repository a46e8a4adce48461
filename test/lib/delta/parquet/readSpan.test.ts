import fc from 'fast-check';
import type { AsyncBuffer, ColumnMetaData, RowGroup } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { addMembers } from '../../../../src/lib/delta/fileRows';
import { encodeCheckpointRows } from '../../../../src/lib/delta/parquet/encodeCheckpoint';
import { type ReadColumns, readRowGroups } from '../../../../src/lib/delta/parquet/read';
import { readSpan, withSpan } from '../../../../src/lib/delta/parquet/readSpan';
import { sourceOf } from './byteSource';

/** A file that remembers which ranges were asked for. */
function fileOf(bytes: Uint8Array) {
  const asked: [number, number][] = [];
  const file: AsyncBuffer = {
    byteLength: bytes.length,
    async slice(start, end = bytes.length) {
      asked.push([start, end]);
      return Uint8Array.from(bytes.subarray(start, end)).buffer;
    },
  };
  return { file, asked };
}

const someBytes = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 7) % 251);

/** A row group with columns at these places, of which only what is looked at is told. */
const groupOf = (places: readonly (readonly [start: number, length: number])[], rows = 5) =>
  ({
    columns: places.map(([start, length], index) => ({
      meta_data: {
        path_in_schema: [`c${index}`],
        data_page_offset: BigInt(start),
        total_compressed_size: BigInt(length),
      } as ColumnMetaData,
    })),
    num_rows: BigInt(rows),
  }) as unknown as RowGroup;

const mebibytes = 1024 * 1024;

describe('a row group', () => {
  it('is read from its first to its last byte with one request, in whichever order its columns lie', async () => {
    const bytes = someBytes(100);
    const { file, asked } = fileOf(bytes);
    const group = groupOf([
      [30, 10],
      [20, 10],
      [60, 25],
    ]);
    const span = await readSpan(file, group, 'somebody');
    expect(asked).toEqual([[20, 85]]);
    expect(span).toMatchObject({ createdBy: 'somebody', start: 20, numRows: 5 });
    expect(span?.columns).toEqual(group.columns.map(({ meta_data: data }) => data));
    expect(new Uint8Array(span?.bytes ?? new ArrayBuffer())).toEqual(bytes.subarray(20, 85));
  });

  it('is not read at once if it has more than 32 MiB, or no columns', async () => {
    const { file, asked } = fileOf(new Uint8Array(10));
    expect(await readSpan(file, groupOf([[4, 32 * mebibytes + 1]]), undefined)).toBeUndefined();
    expect(await readSpan(file, groupOf([]), undefined)).toBeUndefined();
    expect(asked).toEqual([]);
    expect(await readSpan(file, groupOf([[4, 32 * mebibytes]]), undefined)).toBeDefined();
    expect(asked).toEqual([[4, 4 + 32 * mebibytes]]);
  });

  it('need not be read again, and the rest of its file can still be read', async () => {
    const bytes = someBytes(100);
    const [from, to] = [20, 85];
    const place = fc.tuple(fc.nat(100), fc.nat(100)).map((ends) => ends.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(place, async ([start = 0, end = 0]) => {
        const { file, asked } = fileOf(bytes);
        const span = await readSpan(file, groupOf([[from, to - from]]), undefined);
        if (!span) throw new Error('not read');
        const found = await withSpan(file, span).slice(start, end);
        expect(new Uint8Array(found)).toEqual(bytes.subarray(start, end));
        expect(asked.length).toBe(start >= from && end <= to ? 1 : 2);
      }),
      { numRuns: 300, examples: [[[from, to]], [[from - 1, to]], [[from, to + 1]]] },
    );
  });

  it('of a large checkpoint takes one request, after the one for the footer', async () => {
    const random = (n: number) => ((n * 2_654_435_761) % 2 ** 32).toString(36).repeat(1 + (n % 3));
    const rows = Array.from({ length: 6000 }, (_, n) => ({
      add: {
        path: `${random(n)}-${random(n + 1)}.parquet`,
        partitionValues: {},
        size: n,
        modificationTime: n,
        dataChange: false,
        stats: Array.from({ length: 20 }, (_, at) => random(n * 20 + at)).join(' '),
      },
    }));
    const { bytes } = encodeCheckpointRows(rows);
    expect(bytes.length).toBeGreaterThan(mebibytes);
    const source = sourceOf(bytes);
    const groups: ReadColumns[] = [];
    const options = { columns: ['add', 'remove'], skipNulls: true, members: addMembers, where: 'checkpoint' };
    for await (const group of readRowGroups({ source, ...options })) groups.push(group);
    expect(groups.map(({ numRecords }) => numRecords).reduce((sum, count) => sum + count)).toBe(rows.length);
    expect(groups.every(({ stored }) => stored)).toBe(true);
    expect(source.reads).toHaveLength(1 + groups.length);
  });
});
