import { type Field, field, type Value } from '../../src/lib/delta/schema';
import { compareUtf8 } from '../../src/lib/delta/statistics';

/** A table with a column of every type that we write, and rows at the edges of each. */
export const everyType: readonly Field[] = [
  field('id', 'long', false),
  field('string_ü', 'string'),
  field('long', 'long'),
  field('integer', 'integer'),
  field('short', 'short'),
  field('byte', 'byte'),
  field('float', 'float'),
  field('double', 'double'),
  field('boolean', 'boolean'),
  field('binary', 'binary'),
  field('date', 'date'),
  field('timestamp', 'timestamp'),
];

const bytes = (text: string) => Buffer.from(text, 'hex');
const long = 'a text that is longer than thirty-two characters, ';

/** Rows by file. Each file tests another aspect of the statistics. */
export const everyTypeFiles: readonly (readonly Value[][])[] = [
  // Ordinary.
  [
    [1, 'shoes', 17, 5, 3, 1, 0.5, 1.25, true, bytes('00'), 20_000, 1_780_000_000_123_000],
    [2, 'hat', -17, -5, -3, -1, -0.5, -1.25, false, bytes('ff00ff'), -1, -1],
    [3, '', 0, 0, 0, 0, 0, 0, true, bytes(''), 0, 0],
  ],
  // Surrogate pairs and characters from U+E000 on, which sort differently in UTF-16; and texts that the statistics cut.
  [
    [4, '😀', 4, 4, 4, 4, 4, 4, true, bytes('f09f9880'), 4, 4],
    [5, '\ue000', 5, 5, 5, 5, 5, 5, false, bytes('ee8080'), 5, 5],
    [6, '\uffff', 6, 6, 6, 6, 6, 6, true, bytes('efbfbf'), 6, 6],
  ],
  [
    [7, `${long}😀 at the end`, 7, 7, 7, 7, 7, 7, true, bytes('07'), 7, 7],
    [8, `${'x'.repeat(31)}😀😀`, 8, 8, 8, 8, 8, 8, false, bytes('08'), 8, 8],
    [9, '\u{10ffff}'.repeat(40), 9, 9, 9, 9, 9, 9, true, bytes('09'), 9, 9],
  ],
  // The ends of every range, and integers that a double cannot represent.
  [
    [
      10,
      'it\'s "quoted"\\\n\u0000',
      2n ** 63n - 1n,
      2 ** 31 - 1,
      2 ** 15 - 1,
      127,
      Math.fround(3.4028234663852886e38),
      Number.MAX_VALUE,
      true,
      bytes('ffff'),
      2_932_896,
      253_402_300_799_999_999n,
    ],
    [
      11,
      'z',
      -(2n ** 63n),
      -(2 ** 31),
      -(2 ** 15),
      -128,
      Math.fround(-3.4028234663852886e38),
      -Number.MAX_VALUE,
      false,
      bytes('0000'),
      -719_162,
      -62_135_596_800_000_000n,
    ],
  ],
  [
    [12, 'beyond', 2n ** 53n + 1n, 1, 1, 1, 1, 5e-324, true, bytes('0c'), -25_567, -2_208_988_800_000_000],
    [13, 'below', -(2n ** 53n) - 1n, 1, 1, 1, 1, 0.1, true, bytes('0d'), -365, -86_400_000_001],
  ],
  // NaN, the infinities and nulls.
  [
    [14, null, 14, 14, 14, 14, Number.NaN, Number.NaN, null, null, null, null],
    [15, 'fifteen', null, null, null, null, 15, 15, true, bytes('0f'), 15, 15],
    [
      16,
      null,
      null,
      null,
      null,
      null,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      null,
      null,
      null,
      null,
    ],
  ],
  [
    [17, null, null, null, null, null, null, null, null, null, null, null],
    [18, null, null, null, null, null, null, null, null, null, null, null],
  ],
];

/** Order of two values of one column, as both formats define it. */
export function compareValues(left: Value, right: Value): number {
  if (typeof left === 'string' && typeof right === 'string') return compareUtf8(left, right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  if (left === null || right === null) return Number.NaN;
  return left === right ? 0 : left < right ? -1 : left > right ? 1 : Number.NaN;
}
