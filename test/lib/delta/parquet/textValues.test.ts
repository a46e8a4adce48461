import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { ColumnBuilder } from '../../../../src/lib/delta/columnBuilder';
import { encodeParquet } from '../../../../src/lib/delta/parquet/encode';
import { readParquet } from '../../../../src/lib/delta/parquet/read';
import { field, type Value } from '../../../../src/lib/delta/schema';
import { compareUtf8, truncateMax, truncateMin } from '../../../../src/lib/delta/statistics';
import { seededRandom } from '../../../../src/lib/sources/seededRandom';
import { sourceOf } from './byteSource';

function built(values: readonly Value[]) {
  const builder = new ColumnBuilder('string');
  for (const value of values) builder.push(value);
  return builder.finish();
}

/** hyparquet drops a byte order mark from bounds. */
const withoutMark = (bound: string | null): string | null => bound?.replace(/^\ufeff/, '') ?? null;

const groupsOf = ({ bytes }: { bytes: Buffer }) =>
  parquetMetadata(Uint8Array.from(bytes).buffer).row_groups.map(({ columns }) => columns[0]?.meta_data);

const isDictionary = (values: readonly Value[]) => {
  const file = encodeParquet({ fields: [field('t', 'string')], columns: [built(values)] });
  return groupsOf(file)[0]?.encodings.includes('RLE_DICTIONARY');
};

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\0', '\ufeff', '\uffff', '😀', `${'é'.repeat(31)}😀x`, '\u{10ffff}'.repeat(40)),
);
/** Some columns have few different texts, and so a dictionary. */
const columns = fc.oneof(
  fc.array(fc.option(text, { freq: 5 }), { minLength: 1, maxLength: 60 }),
  fc
    .array(fc.option(text, { freq: 5 }), { minLength: 1, maxLength: 4 })
    .chain((few) => fc.array(fc.constantFrom(...few), { minLength: 100, maxLength: 400 })),
);

describe('texts in a buffer', () => {
  it('are read back, and are between the bounds by their bytes, in each row group', async () => {
    let dictionaries = 0;
    await fc.assert(
      fc.asyncProperty(columns, fc.integer({ min: 1, max: 400 }), async (values, maxRowGroupRows) => {
        const fields = [field('t', 'string')];
        const file = encodeParquet({ fields, columns: [built(values)], maxRowGroupRows });
        const read = await readParquet({ source: sourceOf(file.bytes), where: 'test' });
        expect(read.columns.get('t')).toEqual(values);
        const sorted = values.filter((value) => value !== null).sort(compareUtf8);
        const nullCount = values.length - sorted.length;
        expect(file.bounds).toEqual([
          sorted.length > 0 ? { nullCount, min: sorted[0], max: sorted.at(-1) } : { nullCount },
        ]);
        for (const [index, data] of groupsOf(file).entries()) {
          const group = values.slice(index * maxRowGroupRows, (index + 1) * maxRowGroupRows);
          const there = group.filter((value) => value !== null).sort(compareUtf8);
          const { min_value: min, max_value: max, null_count: nulls } = data?.statistics ?? {};
          expect(Number(nulls)).toBe(group.length - there.length);
          expect(min ?? null).toBe(there[0] === undefined ? null : withoutMark(truncateMin(there[0])));
          expect(max ?? null).toBe(withoutMark(truncateMax(there.at(-1) ?? '\u{10ffff}'.repeat(40)) ?? null));
          if (data?.encodings.includes('RLE_DICTIONARY')) dictionaries++;
        }
      }),
      { numRuns: 500 },
    );
    expect(dictionaries).toBeGreaterThan(50);
  });

  const random = seededRandom(1);
  const draws = Array.from({ length: 40_000 }, () => random());
  const drawn = (row: number, below: number) => Math.floor((draws[row] ?? 0) * below);
  const texts = (count: number, value: (row: number) => string) =>
    Array.from({ length: count }, (_, row) => value(row));

  it.each<[string, boolean, Value[]]>([
    ['few', true, texts(1000, (row) => `store ${row % 20}`)],
    [
      'few, with nulls between',
      true,
      texts(1000, (row) => `store ${row % 20}`).flatMap((one) => [null, one]),
    ],
    ['thousands', true, texts(40_000, (row) => `product number ${drawn(row, 4000)}`)],
    [
      'more than a dictionary has room for',
      false,
      texts(40_000, (row) => `product number ${drawn(row, 5000)}`),
    ],
    ['all different', false, texts(1000, (row) => `order ${row}`)],
    ['too few rows to save anything', false, texts(10, () => 'store')],
    ['short ones of which each is there twice', false, texts(1000, (row) => `${row >> 1}`)],
    // Their beginnings, ends and lengths are the same, which is all that is looked at to find one again.
    [
      'made to be hard to tell apart',
      false,
      texts(1000, (row) => `${'x'.repeat(20)}${100 + (row % 50)}${'y'.repeat(20)}`),
    ],
  ])('have a dictionary where that is smaller: %s', (_, expected, values) => {
    expect(isDictionary(values)).toBe(expected);
  });

  it('are refused in a column of another type, with the row', () => {
    const columns = [built(['a', 'b'])];
    expect(() => encodeParquet({ fields: [field('n', 'long')], columns, where: 'lake/t' })).toThrow(
      'lake/t: column n, row 0: expected a whole number or a bigint, got the text "a"',
    );
  });

  it.each<[string, Value[], string]>([
    ['a lone surrogate', ['a', 'b\ud800'], 'row 1: the text holds a lone surrogate'],
    ['null', ['a', 'b', null], 'row 2: null in a column that takes no nulls'],
    ['null before another fault', ['a', null, 5], 'row 1: null in a column that takes no nulls'],
    ['a number', ['a', 5, null], 'row 1: expected text, got the number 5'],
  ])('are refused with the row of %s, in a buffer and in a list', (_, values, message) => {
    const fields = [field('t', 'string', false)];
    for (const column of [built(values), values])
      expect(() => encodeParquet({ fields, columns: [column] })).toThrow(message);
  });
});
