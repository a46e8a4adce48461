import fc from 'fast-check';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { describe, expect, it } from 'vitest';
import { type Dictionary, dictionaryOf } from '../../../../src/lib/delta/parquet/dictionary';
import { bitWidthOf } from '../../../../src/lib/delta/parquet/rleHybrid';

function dictionary(numbers: readonly number[], width = 8): Dictionary | undefined {
  const runs = numbers.filter((value, row) => row === 0 || !Object.is(value, numbers[row - 1])).length;
  const min = numbers.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const max = numbers.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const isWhole = numbers.every((value) => Number.isInteger(value) && !Object.is(value, -0));
  return dictionaryOf(Float64Array.from(numbers), { min, max, runs }, isWhole, width);
}

/** The numbers that entries and indices stand for, by hyparquet's decoder. */
function decoded({ entries, indices }: Dictionary, rows: number): (number | undefined)[] {
  const [bitWidth = 0] = indices;
  expect(bitWidth).toBe(bitWidthOf(entries.length));
  const output = new Array<number>(rows).fill(-1);
  const view = new DataView(indices.buffer, indices.byteOffset, indices.byteLength);
  readRleBitPackedHybrid({ view, offset: 1 }, bitWidth, output, indices.length - 1);
  return output.map((index) => entries[index]);
}

const cycle = (rows: number, different: number, value = (n: number) => n): number[] =>
  Array.from({ length: rows }, (_, row) => value(row % different));

const stretches = (rows: number, different: number, value = (n: number) => n): number[] =>
  Array.from({ length: rows }, (_, row) => value(Math.floor((row * different) / rows)));

describe('a dictionary', () => {
  const number = fc.oneof(
    fc.integer({ min: -40, max: 40 }),
    fc.constantFrom(0.5, -0.5, 1e300, 2 ** 52, -(2 ** 52)),
  );
  const columns = fc
    .array(fc.tuple(number, fc.integer({ min: 1, max: 60 })), { minLength: 1, maxLength: 30 })
    .map((parts) => parts.flatMap(([value, count]) => new Array<number>(count).fill(value)));

  it('has each number once, in the order in which they come, and indices that lead back to all rows', () => {
    let made = 0;
    fc.assert(
      fc.property(columns, (numbers) => {
        const found = dictionary(numbers);
        if (!found) return;
        made++;
        expect([...found.entries]).toEqual([...new Set(numbers)]);
        expect(decoded(found, numbers.length)).toEqual(numbers);
      }),
      { numRuns: 300 },
    );
    expect(made).toBeGreaterThan(50);
  });

  it.each<[string, number[]]>([
    ['whole numbers in any order', cycle(8192, 100, (n) => n * 3 - 50)],
    ['as many as there can be', cycle(65_536, 4096)],
    ['in stretches, as many as there can be', stretches(65_536, 4096, (n) => n * 1e6)],
    ['fractions in stretches', stretches(4000, 100, (n) => n + 0.5)],
    ['of the widest range', [...cycle(65_536, 50), 65_535]],
  ])('is made of %s', (_, numbers) => {
    const found = dictionary(numbers);
    expect([...(found?.entries ?? [])]).toEqual([...new Set(numbers)]);
    expect(found && decoded(found, numbers.length)).toEqual(numbers);
  });

  it.each<[string, number[]]>([
    ['of more numbers than it takes', cycle(65_536, 4097)],
    ['of more than that in stretches', stretches(65_536, 4097, (n) => n * 1e6)],
    ['of a wider range than it takes', [...cycle(70_000, 50), 65_536]],
    ['where there are fewer numbers than the range is wide', [...cycle(500, 50), 501]],
    ['of fractions that seldom repeat', cycle(8192, 100, (n) => n + 0.5)],
    ['of few rows', cycle(16, 2)],
    ['of numbers that are all different', cycle(2000, 2000)],
  ])('is not made %s', (_, numbers) => {
    expect(dictionary(numbers)).toBeUndefined();
  });

  it('has to save 64 bytes of half of the plain numbers', () => {
    // Half of 8 bytes a row, less a bit a row and two entries of 8 bytes: 64 bytes are saved from 21 rows on.
    const least = [20, 21].map((rows) => dictionary(cycle(rows, 2)) !== undefined);
    expect(least).toEqual([false, true]);
    // With 4 bytes a row, and two entries of 4, from 39 rows on.
    expect([38, 39].map((rows) => dictionary(cycle(rows, 2), 4) !== undefined)).toEqual([false, true]);
    // In stretches, of which each takes 3 bytes: two, and from 22 rows on.
    expect([21, 22].map((rows) => dictionary(stretches(rows, 2, (n) => n * 1e6)) !== undefined)).toEqual([
      false,
      true,
    ]);
  });

  it('tells 0 from -0', () => {
    const numbers = stretches(400, 4, (n) => (n % 2 === 0 ? 0 : -0));
    const found = dictionary(numbers);
    expect(found && decoded(found, numbers.length)).toEqual(numbers);
  });

  it('is made of fractions in stretches of eight rows and more', () => {
    const fraction = (n: number) => n + 0.5;
    expect(dictionary(stretches(800, 100, fraction))).toBeDefined();
    expect(dictionary(stretches(799, 100, fraction))).toBeUndefined();
  });
});
