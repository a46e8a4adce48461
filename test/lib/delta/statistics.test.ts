import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { field } from '../../../src/lib/delta/schema';
import {
  compareUtf8,
  deltaStats,
  mergeBounds,
  truncateMax,
  truncateMin,
} from '../../../src/lib/delta/statistics';

const anyText = fc.string({ unit: 'binary', maxLength: 80 });
/** Texts with equal beginnings that the two orders sort differently. */
const closeText = fc
  .array(fc.constantFrom('a', '\u007f', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'), {
    maxLength: 60,
  })
  .map((parts) => parts.join(''));
const texts = fc.oneof(anyText, closeText);

describe('compareUtf8', () => {
  it('orders like the UTF-8 bytes', () => {
    fc.assert(
      fc.property(texts, texts, (left, right) => {
        const expected = Buffer.compare(Buffer.from(left), Buffer.from(right));
        expect(Math.sign(compareUtf8(left, right))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('puts an emoji after U+FFFF, unlike JavaScript', () => {
    expect(compareUtf8('😀', '\uffff')).toBeGreaterThan(0);
    expect(compareUtf8('\u{10000}', '\uffff')).toBeGreaterThan(0);
    expect(compareUtf8('\ud7ff', '\ue000')).toBeLessThan(0);
    expect('😀' > '\uffff').toBe(false);
  });
});

describe('truncated bounds', () => {
  it('never exclude the text they were cut from, stay short and stay well formed', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(text);
        const min = truncateMin(text);
        const max = truncateMax(text);
        expect(Buffer.compare(Buffer.from(min), bytes)).toBeLessThanOrEqual(0);
        expect(min.isWellFormed()).toBe(true);
        expect(min.length).toBeLessThanOrEqual(32);
        if (max === undefined) return;
        expect(Buffer.compare(Buffer.from(max), bytes)).toBeGreaterThanOrEqual(0);
        expect(max.isWellFormed()).toBe(true);
        expect(max.length).toBeLessThanOrEqual(34);
      }),
      { numRuns: 500 },
    );
  });

  it('leave 32 characters alone', () => {
    const text = 'x'.repeat(32);
    expect([truncateMin(text), truncateMax(text)]).toEqual([text, text]);
  });

  it('extend a cut upper bound by U+007F before ASCII and by U+10FFFF before anything else', () => {
    expect(truncateMax('x'.repeat(33))).toBe(`${'x'.repeat(32)}\u007f`);
    expect(truncateMax(`${'x'.repeat(32)}é`)).toBe(`${'x'.repeat(32)}\u{10ffff}`);
    expect(truncateMax(`${'x'.repeat(32)}\u007f`)).toBe(`${'x'.repeat(32)}\u{10ffff}`);
  });

  it('split no surrogate pair', () => {
    expect(truncateMin(`${'x'.repeat(31)}😀😀`)).toBe('x'.repeat(31));
    expect(truncateMax(`${'x'.repeat(31)}😀😀`)).toBe(`${'x'.repeat(31)}\u{10ffff}`);
  });

  it('have no upper bound if no text sorts above the rest', () => {
    expect(truncateMax(`${'x'.repeat(32)}\u{10ffff}`)).toBeUndefined();
  });
});

describe('mergeBounds', () => {
  it('takes the wider bounds and adds the nulls', () => {
    const left = { nullCount: 1, min: 5, max: 2n ** 60n };
    expect(mergeBounds(left, 3, { nullCount: 2, min: -1n, max: 7 }, 4)).toEqual({
      nullCount: 3,
      min: -1n,
      max: 2n ** 60n,
    });
  });

  it('ignores a part of nulls alone', () => {
    const part = { nullCount: 0, min: 'a', max: 'b' };
    expect(mergeBounds(part, 2, { nullCount: 2 }, 2)).toEqual({ ...part, nullCount: 2 });
    expect(mergeBounds({ nullCount: 2 }, 2, part, 2)).toEqual({ ...part, nullCount: 2 });
  });

  it('has no bounds if a part with values has none, for example because of NaN', () => {
    expect(mergeBounds({ nullCount: 0, min: 1, max: 2 }, 2, { nullCount: 0 }, 1)).toEqual({ nullCount: 0 });
    expect(mergeBounds({ nullCount: 0 }, 1, { nullCount: 0, min: 1, max: 2 }, 2)).toEqual({ nullCount: 0 });
  });
});

describe('deltaStats', () => {
  it('writes each type as the protocol asks', () => {
    const fields = [
      field('text', 'string'),
      field('long', 'long'),
      field('small', 'byte'),
      field('double', 'double'),
      field('flag', 'boolean'),
      field('raw', 'binary'),
      field('day', 'date'),
      field('at', 'timestamp'),
    ];
    const stats = deltaStats(
      fields,
      [
        { nullCount: 1, min: 'a"b', max: '😀' },
        { nullCount: 0, min: -(2n ** 63n), max: 9007199254740993n },
        { nullCount: 0, min: -128, max: 127 },
        { nullCount: 0, min: -0.5, max: 1e300 },
        { nullCount: 2, min: false, max: true },
        { nullCount: 3 },
        { nullCount: 0, min: -1, max: 20_000 },
        { nullCount: 0, min: -1, max: 1_700_000_000_000_001 },
      ],
      3,
    );
    expect(stats).toContain('"long":-9223372036854775808');
    expect(stats).toContain('"long":9007199254740993');
    expect(JSON.parse(stats)).toMatchObject({
      numRecords: 3,
      minValues: {
        text: 'a"b',
        small: -128,
        double: -0.5,
        day: '1969-12-31',
        at: '1969-12-31T23:59:59.999Z',
      },
      maxValues: { text: '😀', small: 127, double: 1e300, day: '2024-10-04', at: '2023-11-14T22:13:20.001Z' },
      nullCount: { text: 1, long: 0, small: 0, double: 0, flag: 2, raw: 3, day: 0, at: 0 },
    });
    expect(JSON.parse(stats)).toMatchObject({ minValues: { flag: false }, maxValues: { flag: true } });
    expect(JSON.parse(stats).minValues).not.toHaveProperty('raw');
  });

  it('writes the first and last day of the calendar', () => {
    const fields = [field('day', 'date'), field('at', 'timestamp')];
    const stats = JSON.parse(
      deltaStats(
        fields,
        [
          { nullCount: 0, min: -719_162, max: 2_932_896 },
          { nullCount: 0, min: -62_135_596_800_000_000n, max: 253_402_300_799_999_000n },
        ],
        2,
      ),
    );
    expect(stats.minValues).toEqual({ day: '0001-01-01', at: '0001-01-01T00:00:00.000Z' });
    expect(stats.maxValues).toEqual({ day: '9999-12-31', at: '9999-12-31T23:59:59.999Z' });
  });

  it('writes no bounds at all if a column has values without bounds, but writes them if a column is all null', () => {
    const fields = [field('good', 'long'), field('bad', 'double')];
    const good = { nullCount: 0, min: 1, max: 2 };
    expect(JSON.parse(deltaStats(fields, [good, { nullCount: 1 }], 3))).toEqual({
      numRecords: 3,
      nullCount: { good: 0, bad: 1 },
    });
    expect(JSON.parse(deltaStats(fields, [good, { nullCount: 3 }], 3))).toEqual({
      numRecords: 3,
      minValues: { good: 1 },
      maxValues: { good: 2 },
      nullCount: { good: 0, bad: 3 },
    });
  });

  it('cuts long texts down for the lower bound, and up for the upper one', () => {
    const bounds = { nullCount: 0, min: 'a'.repeat(100), max: 'b'.repeat(100) };
    const stats = JSON.parse(deltaStats([field('text', 'string')], [bounds], 2));
    expect(stats.minValues.text).toBe('a'.repeat(32));
    expect(stats.maxValues.text).toBe(`${'b'.repeat(32)}\u007f`);
  });

  it('covers the first 32 columns alone', () => {
    const fields = Array.from({ length: 40 }, (_, index) => field(`c${index}`, 'integer'));
    const stats = JSON.parse(
      deltaStats(
        fields,
        fields.map((_, index) => ({ nullCount: 0, min: index, max: index })),
        1,
      ),
    );
    for (const part of ['minValues', 'maxValues', 'nullCount'])
      expect(Object.keys(stats[part])).toHaveLength(32);
    expect(stats.maxValues.c31).toBe(31);
  });
});

describe('a bound that cannot be written', () => {
  const stats = (type: 'string' | 'timestamp', min: string | bigint, max: string | bigint) =>
    JSON.parse(deltaStats([field('c', type)], [{ nullCount: 0, min, max }], 1));

  it('is left out, with the other bound of its column', () => {
    // No text is above this one, and the end of the last day rounds up to a year of five digits.
    const highest = '\u{10ffff}'.repeat(40);
    const last = BigInt(Date.UTC(9999, 11, 31, 23, 59, 59, 999)) * 1000n;
    expect(stats('string', 'a', highest)).toEqual({ numRecords: 1, nullCount: { c: 0 } });
    expect(stats('timestamp', 0n, last + 1n)).toEqual({ numRecords: 1, nullCount: { c: 0 } });
    expect(stats('timestamp', 0n, last)).toEqual({
      numRecords: 1,
      nullCount: { c: 0 },
      minValues: { c: '1970-01-01T00:00:00.000Z' },
      maxValues: { c: '9999-12-31T23:59:59.999Z' },
    });
  });
});
