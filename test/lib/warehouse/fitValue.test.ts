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

describe('a column of bit, float or text', () => {
  it('takes the values of its type alone', () => {
    const [bit, float, text] = [fittingOf('bit'), fittingOf('float'), fittingOf('varchar(3)')];
    expect([bit(true), bit(false), bit(1)]).toEqual([true, false, { misfit: 'a number is no bit' }]);
    expect([float(0.5), float('0.5')]).toEqual([0.5, { misfit: 'a string is no float' }]);
    expect([text('abc'), text(7)]).toEqual(['abc', { misfit: 'a number is no text' }]);
  });

  it('of float takes numbers down to the smallest one that SQL keeps, and no number is null', () => {
    const float = fittingOf('float');
    const outside = { misfit: 'out of the range of float' };
    const least = 2.2250738585072014e-308;
    expect([0, -0, least, -least].map(float)).toEqual([0, -0, least, -least]);
    expect([least / 2, -least / 2, Number.MIN_VALUE].map(float)).toEqual([outside, outside, outside]);
    expect([Number.NaN, Infinity, -Infinity].map(float)).toEqual([null, null, null]);
  });

  it('of varchar takes the characters of its code page, and names one that is not in it', () => {
    const text = fittingOf('varchar(5)');
    for (const kept of ['', '\u0001\u007f', '\u00a0é\u00ff', '€Ÿ™'] as const) expect(text(kept)).toBe(kept);
    const missing = (name: string) => ({ misfit: `U+${name} is not in code page 1252 of varchar(5)` });
    expect(['\0', '\u0080', 'a\u0081', 'ab\u0100', '😀'].map(text)).toEqual(
      ['0000', '0080', '0081', '0100', '1F600'].map(missing),
    );
    const long = fittingOf('varchar(512)');
    expect([long('x'.repeat(512)), long('x'.repeat(513))]).toEqual([
      'x'.repeat(512),
      { misfit: '513 characters, varchar(512) takes 512' },
    ]);
    expect(text('abcdef')).toEqual({ misfit: '6 characters, varchar(5) takes 5' });
  });

  it('of nvarchar takes any text of its length that is well formed', () => {
    const text = fittingOf('nvarchar(4)');
    expect(['', '\u0100😀x'].map(text)).toEqual(['', '\u0100😀x']);
    expect(text('😀😀x')).toEqual({ misfit: '5 characters, nvarchar(4) takes 4' });
    expect(text('\ud83d')).toEqual({ misfit: 'not well-formed Unicode' });
  });
});
