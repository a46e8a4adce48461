import { describe, expect, it } from 'vitest';
import { clampInteger, fittingOf } from '../../../src/lib/warehouse/fitValue';

/** Least and greatest value; of dates days since 1970, of times microseconds since then. */
const limits = [
  ['bigint', -9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n],
  ['int', -2_147_483_648n, 2_147_483_647n],
  ['smallint', -32_768n, 32_767n],
  ['date', -719_162n, 2_932_896n],
  // From 1753 on, and up to what would be rounded into the year 10000.
  ['datetime', -6_847_804_800_000_000n, 253_402_300_799_998_999n],
  ['datetime2(6)', -62_135_596_800_000_000n, 253_402_300_799_999_999n],
] as const;

describe.each(limits)('a column of %s', (type, least, most) => {
  const taken = fittingOf(type);
  const outside = { misfit: `out of the range of ${type}` };

  it('takes its least and its greatest value, and none beyond', () => {
    expect([taken(least), taken(most)]).toEqual([least, most]);
    expect([taken(least - 1n), taken(most + 1n)]).toEqual([outside, outside]);
  });

  it('accepts the same values as numbers, if a number can represent them exactly', () => {
    const numbers = [least, most].map(Number).filter(Number.isSafeInteger);
    expect(numbers.map((value) => taken(value))).toEqual(numbers);
    const beyond = [least - 1n, most + 1n].map(Number).filter(Number.isSafeInteger);
    expect(beyond.map((value) => taken(value))).toEqual(beyond.map(() => outside));
  });

  it('takes no fraction and no text, and null as null', () => {
    expect([taken(1.5), taken('7'), taken(null)]).toEqual([
      { misfit: `a number is no ${type}` },
      { misfit: `a string is no ${type}` },
      null,
    ]);
  });

  it('has a nearest value for values beyond its range', () => {
    expect([clampInteger(type, least - 1n), clampInteger(type, most + 1n)]).toEqual([least, most]);
    expect([clampInteger(type, least), clampInteger(type, most)]).toEqual([least, most]);
    expect([clampInteger(type, 1.9), clampInteger(type, Number.NaN), clampInteger(type, 'x')]).toEqual([
      1n,
      0n,
      0n,
    ]);
  });
});
