import { describe, expect, it } from 'vitest';
import { valueProblem } from '../../../../src/lib/delta/parquet/validate';
import { field, type WritableType } from '../../../../src/lib/delta/schema';

const accepted: [WritableType, unknown[]][] = [
  ['byte', [-128, 127, 0]],
  ['short', [-32_768, 32_767]],
  ['integer', [-2_147_483_648, 2_147_483_647]],
  ['long', [0, Number.MAX_SAFE_INTEGER, -(2n ** 63n), 2n ** 63n - 1n]],
  ['float', [0.1, Number.NaN, Number.POSITIVE_INFINITY, 3.4028234663852886e38]],
  ['double', [0.1, -0, Number.NaN, Number.NEGATIVE_INFINITY, Number.MAX_VALUE]],
  ['boolean', [true, false]],
  ['string', ['', 'é', '😀', '\0', '\ufeff']],
  ['binary', [new Uint8Array(), Buffer.from('x')]],
  ['date', [-719_162, -1, 0, 2_932_896]],
  ['timestamp', [-1, 0, 1_700_000_000_000_000, -62_135_596_800_000_000n, 253_402_300_799_999_999n]],
];

const refused: [WritableType, [unknown, RegExp][]][] = [
  [
    'byte',
    [
      [128, /128 is out of range for byte \(-128 to 127\)/],
      [-129, /-129 is out of range for byte/],
    ],
  ],
  ['short', [[-32_769, /out of range for short/]]],
  [
    'integer',
    [
      [1.7, /expected a whole number, got the number 1\.7/],
      [2_147_483_648, /out of range for integer/],
      [Number.NaN, /expected a whole number/],
      ['1', /expected a whole number, got the text "1"/],
      [1n, /got the bigint 1/],
      [true, /got the boolean true/],
    ],
  ],
  [
    'long',
    [
      [2 ** 53, /beyond 2\^53/],
      [2n ** 63n, /out of range for long/],
      [-(2n ** 63n) - 1n, /out of range for long/],
      [0.5, /a whole number or a bigint/],
      ['5', /a whole number or a bigint, got the text/],
      [new Date(0), /got an object/],
    ],
  ],
  [
    'float',
    [
      [1e39, /1e\+39 is out of range for float/],
      [1n, /expected a number/],
    ],
  ],
  ['double', [['1.5', /expected a number, got the text "1\.5"/]]],
  ['boolean', [[1, /expected true or false/]]],
  [
    'string',
    [
      ['a\ud800', /lone surrogate/],
      [5, /expected text, got the number 5/],
    ],
  ],
  [
    'binary',
    [
      ['abc', /expected bytes/],
      [[1, 2], /got an array/],
    ],
  ],
  [
    'date',
    [
      [2_932_897, /out of range for date/],
      [-719_163, /out of range for date/],
      [0.5, /whole number/],
    ],
  ],
  [
    'timestamp',
    [
      [253_402_300_800_000_000n, /out of range for timestamp/],
      [-62_135_596_800_000_001n, /out of range for timestamp/],
      [1.5, /a whole number or a bigint/],
    ],
  ],
];

describe('valueProblem', () => {
  it.each(accepted)('accepts the values that a %s can hold', (type, values) => {
    expect(values.map((value) => valueProblem(field('c', type, false), value))).toEqual(
      values.map(() => undefined),
    );
  });

  it.each(refused)('refuses values that a %s cannot hold, with the reason', (type, cases) => {
    for (const [value, why] of cases) expect(valueProblem(field('c', type), value)).toMatch(why);
  });

  it('accepts null if the column is nullable, and never undefined', () => {
    expect(valueProblem(field('c', 'integer'), null)).toBeUndefined();
    expect(valueProblem(field('c', 'integer', false), null)).toMatch(/takes no nulls/);
    expect(valueProblem(field('c', 'integer'), undefined)).toMatch(/a missing value is null/);
  });

  it('names types that are never written', () => {
    expect(valueProblem(field('c', 'decimal(10,2)'), '1.00')).toMatch(/decimal\(10,2\) cannot be written/);
    expect(valueProblem(field('c', { type: 'array' }), [])).toMatch(/array cannot be written/);
  });

  it('keeps long values out of the message', () => {
    expect(valueProblem(field('c', 'integer'), 'x'.repeat(100_000))?.length).toBeLessThan(120);
  });
});
