import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJsonElements } from '../../../src/lib/streams/jsonElements';
import {
  doubleTextField,
  integerField,
  isoTimestampField,
  type JsonField,
  longField,
  longTextField,
  readFields,
} from '../../../src/lib/streams/jsonFields';
import { isRow } from '../../../src/lib/streams/stream';

const rest = { name: 'column', nullable: true };
const fields: readonly JsonField[] = [
  { ...rest, from: 'integer', type: 'integer', read: integerField },
  { ...rest, from: 'long', type: 'long', read: longField },
  { ...rest, from: 'longText', type: 'long', read: longTextField },
  { ...rest, from: 'double', type: 'double', read: doubleTextField },
  { ...rest, from: 'time', type: 'timestamp', read: isoTimestampField },
];
const read = readFields(fields);

/** What a field of a body becomes: its value, or the reason why it has none. */
function decodeField(field: string, source: string) {
  const [element] = decodeJsonElements(Buffer.from(`{"${field}":${source}}`), read);
  if (!element || !isRow(element)) return element?.reason;
  return element[fields.findIndex(({ from }) => from === field)];
}

describe('a number', () => {
  it.each([
    ['integer', '0.99999999999999999999', 'out-of-range'],
    ['integer', '-0.99999999999999999999e0', 'out-of-range'],
    ['integer', '6.99999999999999999', 'out-of-range'],
    ['integer', '1e-400', 'out-of-range'],
    ['integer', '7.0', 7],
    ['integer', '7.00000000000000000000', 7],
    ['integer', '12e2', 1200],
    ['integer', '1200e-2', 12],
    ['integer', '0e5', 0],
    ['long', '1e18', 10n ** 18n],
    ['long', '-1.5E18', -15n * 10n ** 17n],
    ['long', '9007199254740993', 9007199254740993n],
    ['long', '9007199254740993.0', 9007199254740993n],
    ['long', '9007199254740993.5', 'out-of-range'],
    ['long', '1e19', 'out-of-range'],
    ['long', '1e400', 'out-of-range'],
    ['long', '1e999999999', 'out-of-range'],
    ['longText', '"0.99999999999999999999"', 'out-of-range'],
    ['longText', '"1e18"', 10n ** 18n],
    ['longText', '"1e3"', 1000],
    ['double', '1e-400', 'out-of-range'],
    ['double', '"1e-400"', 'out-of-range'],
    ['double', '1e400', 'out-of-range'],
    ['double', '"0e-400"', 0],
    ['double', '0.99999999999999999999', 1],
    ['double', '"0.99999999999999999999"', 1],
    ['double', '1e-300', 1e-300],
    ['double', '1e18', 1e18],
  ] as const)('of a column %s written %s becomes %s', (field, source, expected) => {
    expect(decodeField(field, source)).toBe(expected);
    // In an array, the other elements are not changed.
    const body = Buffer.from(`[{"double":1.5},{"${field}":${source}}]`);
    const [first] = decodeJsonElements(body, read);
    expect(first).toEqual([null, null, null, 1.5, null]);
  });

  it.each(['long', 'longText', 'double'])(
    'may have very many digits, which are read at once (%s)',
    (column) => {
      const zeros = '0'.repeat(200_000);
      const read = (number: string) =>
        decodeField(column, column === 'long' ? number : JSON.stringify(number));
      expect(read(`1.${zeros}1`)).toBe(column === 'double' ? 1 : 'out-of-range');
      expect(read(`12.${zeros}`)).toBe(12);
    },
  );

  it('is never another whole number than its text says', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.integer({ min: 0, max: 24 }),
        fc.integer({ min: -30, max: 30 }),
        (digits, point, exponent) => {
          const text = String(digits < 0n ? -digits : digits).padStart(point + 1, '0');
          const whole = text.slice(0, text.length - point);
          const fraction = point > 0 ? `.${text.slice(-point)}` : '';
          const source = `${digits < 0n ? '-' : ''}${whole}${fraction}e${exponent}`;
          const value = decodeField('long', source);
          if (value === 'out-of-range') return;
          // value = digits * 10 ** (exponent - point)
          const power = exponent - point;
          const left = BigInt(value as number | bigint) * 10n ** BigInt(Math.max(0, -power));
          expect(left).toBe(digits * 10n ** BigInt(Math.max(0, power)));
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('a time', () => {
  const base = Date.UTC(2026, 0, 2, 3, 4, 5, 123) * 1000;
  it.each([
    ['2026-01-02T03:04:05.1230001Z', base],
    ['2026-01-02T03:04:05.1238001+00:00', base + 800],
    ['2026-01-02T03:04:05.123456789Z', base + 456],
    ['2026-01-02T03:04:05.12345Z', base + 450],
    ['2026-01-02T03:04:05.123', base],
    ['2026-01-02T03:04:05+01:00', base - 123_000 - 3_600_000_000],
    ['9999-12-31T23:59:59.999999Z', 253402300799999999n],
    ['1900-01-01T00:00:00.000001Z', Date.UTC(1900, 0, 1) * 1000 + 1],
    ['1899-12-31T23:59:59.999999Z', 'out-of-range'],
  ])('%s keeps six digits', (text, expected) => {
    expect(decodeField('time', JSON.stringify(text))).toBe(expected);
  });
});
