import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ColumnBuilder } from '../../../src/lib/delta/columnBuilder';
import { type ColumnValues, holdsOnlyNulls, valueAt } from '../../../src/lib/delta/columnValues';
import { NumberColumn } from '../../../src/lib/delta/numberColumn';
import type { Value } from '../../../src/lib/delta/schema';
import { TextColumn } from '../../../src/lib/delta/textColumn';

const number = fc.oneof(fc.integer(), fc.double({ noNaN: true }));
const numberOrNull = fc.oneof({ weight: 3, arbitrary: number }, { weight: 1, arbitrary: fc.constant(null) });
const wellFormed = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.string({ unit: 'binary', maxLength: 70 }),
  fc.constantFrom('', '\ufeff', 'é'.repeat(32), 'x'.repeat(2000), '😀'.repeat(600)),
);
const textOrNull = fc.oneof(
  { weight: 3, arbitrary: wellFormed },
  { weight: 1, arbitrary: fc.constant(null) },
);
const other = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.constantFrom('\ud800', `${'x'.repeat(40)}\udc00`),
  fc.boolean(),
  fc.bigInt({ min: 2n ** 60n }),
);

const listOf = (column: ColumnValues): (Value | undefined)[] =>
  Array.from({ length: column.length }, (_, row) => column.at(row));

function columnOf(values: readonly Value[], type: 'long' | 'string' = 'long'): ColumnValues {
  const builder = new ColumnBuilder(type);
  for (const value of values) builder.push(value);
  return builder.finish();
}

/** A way to add values, and which ones these are. */
interface Addition {
  readonly add: (builder: ColumnBuilder) => void;
  readonly values: readonly Value[];
}

const additions = (value: fc.Arbitrary<Value>): fc.Arbitrary<Addition> =>
  fc.oneof(
    value.map((one) => ({ add: (builder: ColumnBuilder) => builder.push(one), values: [one] })),
    wellFormed.map((one) => {
      const bytes = Buffer.from(`"${one}"`);
      return {
        add: (builder: ColumnBuilder) => builder.pushUtf8(bytes, 1, bytes.length - 1),
        values: [one],
      };
    }),
    number.map((one) => ({ add: (builder: ColumnBuilder) => builder.pushNumber(one), values: [one] })),
    fc.tuple(value, fc.nat(40)).map(([one, count]) => ({
      add: (builder: ColumnBuilder) => builder.fill(one, count),
      values: new Array<Value>(count).fill(one),
    })),
    fc
      .record({
        values: fc.array(value, { maxLength: 40 }),
        ends: fc.tuple(fc.nat(40), fc.nat(40)),
        isBuilt: fc.boolean(),
      })
      .map(({ values, ends, isBuilt }) => {
        const [start = 0, end = 0] = ends.map((each) => Math.min(each, values.length)).sort((a, b) => a - b);
        const column = isBuilt ? columnOf(values) : values;
        return {
          add: (builder: ColumnBuilder) => builder.append(column, start, end),
          values: values.slice(start, end),
        };
      }),
    fc
      .record({ table: fc.array(numberOrNull, { maxLength: 60 }), stride: fc.integer({ min: 1, max: 4 }) })
      .chain(({ table, stride }) =>
        fc.nat(stride - 1).map((first) => {
          const values = table.filter((_, index) => index % stride === first);
          const numbers = Float64Array.from(table, (one) => one ?? Number.NaN);
          return {
            add: (builder: ColumnBuilder) => builder.appendEvery(numbers, first, stride, values.length),
            values,
          };
        }),
      ),
  );

describe('ColumnBuilder', () => {
  it.each<[string, fc.Arbitrary<Value>]>([
    ['numbers', number],
    ['numbers and nulls', numberOrNull],
    ['texts and nulls', textOrNull],
    ['texts, truth values, large integers, numbers and nulls', fc.oneof(numberOrNull, other)],
  ])('keeps %s in their order, however they are added', (_, value) => {
    fc.assert(
      fc.property(
        fc.array(additions(value), { maxLength: 8 }),
        fc.nat(20),
        fc.constantFrom('long' as const, 'string' as const),
        (steps, capacity, type) => {
          const builder = new ColumnBuilder(type, capacity);
          const wanted: Value[] = [];
          for (const { add, values } of steps) {
            add(builder);
            wanted.push(...values);
            expect(builder.length).toBe(wanted.length);
          }
          const column = builder.finish();
          expect(listOf(column)).toEqual(wanted);
          for (const row of wanted.keys()) expect(valueAt(column, row)).toEqual(wanted[row]);
          expect(valueAt(column, wanted.length)).toBeUndefined();
          for (const [start, end] of [[0, wanted.length] as const, [1, wanted.length - 1] as const])
            expect(holdsOnlyNulls(column, start, end)).toBe(
              wanted.slice(start, Math.max(end, start)).every((one) => one === null),
            );
          expect(holdsOnlyNulls(column)).toBe(wanted.every((one) => one === null));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keeps numbers and nulls as numbers, and marks rows only if one is null', () => {
    const [plain, marked] = [columnOf([1, 2, 3]), columnOf([null, 2, null])];
    expect(plain).toBeInstanceOf(NumberColumn);
    expect(plain).toMatchObject({ defined: undefined });
    expect(marked).toBeInstanceOf(NumberColumn);
    expect([...((marked as NumberColumn).defined ?? [])]).toEqual([0, 1, 0]);
    expect(columnOf([1, 'a'])).toEqual([1, 'a']);
    expect(columnOf([null, 'a', null], 'string')).toBeInstanceOf(TextColumn);
  });

  it('takes NaN for null only among the numbers of several columns', () => {
    const builder = new ColumnBuilder('double');
    builder.push(Number.NaN);
    builder.fill(Number.NaN, 2);
    builder.appendEvery(Float64Array.of(Number.NaN, 5, Number.NaN, 6), 0, 2, 2);
    expect(listOf(builder.finish())).toEqual([Number.NaN, Number.NaN, Number.NaN, null, null]);
  });

  it('makes room for as many numbers as are expected, and for twice as many when these are there', () => {
    const roomOf = (builder: ColumnBuilder) =>
      (builder.finish() as NumberColumn).numbers.buffer.byteLength / 8;
    const builder = new ColumnBuilder('long', 100);
    expect(roomOf(builder)).toBe(100);
    builder.fill(7, 100);
    expect(roomOf(builder)).toBe(100);
    builder.push(8);
    expect(roomOf(builder)).toBe(200);
    builder.fill(null, 900);
    expect(roomOf(builder)).toBe(1001);
    const truths = new ColumnBuilder('boolean', 100);
    expect(roomOf(truths)).toBe(0);
    truths.push(null);
    expect(roomOf(truths)).toBe(16);
  });

  it('keeps texts and nulls in one buffer, with room for twice as many at the most', () => {
    const texts = new ColumnBuilder('string', 10);
    const roomOf = () => {
      const { bytes, ends } = texts.finish() as TextColumn;
      return [bytes.buffer.byteLength, ends.buffer.byteLength / 4];
    };
    expect(roomOf()).toEqual([0, 10]);
    const large = 'x'.repeat(100_000);
    texts.push(large);
    expect(roomOf()).toEqual([100_004, 10]);
    texts.push('a');
    expect(roomOf()).toEqual([200_008, 10]);
    const other = new ColumnBuilder('string');
    other.append(texts.finish(), 0, 2);
    expect((other.finish() as TextColumn).bytes.buffer.byteLength).toBe(100_009);
    texts.fill(null, 30);
    expect(roomOf()).toEqual([200_008, 32]);
  });

  it('takes a part of another column of texts, and goes on behind it', () => {
    const other = columnOf(['one', 'größer', null, 'four'], 'string');
    const texts = new ColumnBuilder('string');
    texts.push('first');
    for (const [start, end] of [[1, 3] as const, [0, 0] as const, [3, 4] as const])
      texts.append(other, start, end);
    texts.push('last');
    const column = texts.finish();
    expect(column).toBeInstanceOf(TextColumn);
    expect(listOf(column)).toEqual(['first', 'größer', null, 'four', 'last']);
  });

  it('makes a list of texts and a value that is no well-formed text, with all that were there before', () => {
    for (const value of ['\ud800', `${'x'.repeat(2000)}\ud800`, 1, true, 5n]) {
      const builder = new ColumnBuilder('string');
      for (const one of ['ä', null, value, '😀', null]) builder.push(one);
      expect(builder.finish()).toEqual(['ä', null, value, '😀', null]);
    }
  });

  it('leaves a column as it was taken if more is added later', () => {
    const builder = new ColumnBuilder('long');
    builder.fill(1, 16);
    const before = builder.finish();
    builder.push(null);
    builder.push('text');
    expect(listOf(before)).toEqual(new Array(16).fill(1));
  });
});
