/*
 * Reads numbers exactly. JSON.parse gives the nearest double, which may be a whole number although the text is none: 0.99999999999999999999
 * becomes
 * 1. For a column of whole numbers that would be another value, so bodies with such numbers are parsed a second time, from their digits.
 */

/** A number whose text is not the whole number that it was rounded to. */
export class RoundedNumber {
  constructor(
    readonly value: number,
    readonly source: string,
  ) {}

  toString(): string {
    return this.source;
  }
}

/**
 * Matches numbers that may have been rounded to a whole one: with a fraction and 17 characters or more, or with an exponent. A match inside
 * a string costs a second parse, but does no harm.
 */
const mayBeRounded = /[:[,]\s*-?(?:(?=[\d.]{17})\d+\.\d|\d+(?:\.\d+)?[eE])/;

export const mayHoldRoundedNumbers = (text: string): boolean => mayBeRounded.test(text);

/**
 * Parses JSON again. Whole numbers beyond 2^53 become bigints, also if they have an exponent. Numbers that were rounded to a whole one
 * become RoundedNumber. This is several times as slow as JSON.parse.
 * @param rounded the result of JSON.parse, which is returned for a body that is nested too deeply for this
 */
export function parseExactly(text: string, rounded: unknown): unknown {
  const exact: Reviver = (_key, value, context) =>
    typeof value === 'number' && context?.source !== undefined ? exactNumber(value, context.source) : value;
  try {
    return JSON.parse(text, exact);
  } catch {
    return rounded;
  }
}

/** The number of a text in decimal notation, as exact as its readers need it. */
export function exactNumber(value: number, source: string): number | bigint | RoundedNumber {
  // Most numbers have few digits and no exponent.
  if (Number.isSafeInteger(value) && /^[+-]?\d+$/.test(source)) return value;
  if (!Number.isInteger(value)) return value;
  const integer = wholeNumber(source);
  if (integer === undefined) return new RoundedNumber(value, source);
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

/** The most digits of a whole number. No column holds so many. */
const mostDigits = 40;

/** The whole number of a text in decimal notation, like `12` or `1.20e3`; undefined if it is not whole, or far too large. */
function wholeNumber(source: string): bigint | undefined {
  const found = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(source);
  if (!found) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = found;
  const digits = withoutLastZeros(`${whole}${fraction}`);
  if (/^0*$/.test(digits)) return 0n;
  // This is how many zeros follow after the digits that are not trailing zeros.
  const zeros = Number(exponent) - fraction.length + (whole.length + fraction.length - digits.length);
  if (zeros < 0 || zeros + digits.replace(/^0+/, '').length > mostDigits) return undefined;
  return BigInt(`${sign === '-' ? '-' : ''}${digits}${'0'.repeat(zeros)}`);
}

/**
 * The digits without trailing zeros. A regular expression would take time in proportion to the square of the zeros, and a sender may write
 * a million of them.
 */
function withoutLastZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === '0') end--;
  return digits.slice(0, end);
}

/** The standard's reviver sees a primitive's source text, which the compiler's library does not know yet. */
type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;
