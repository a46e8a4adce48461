import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ColumnBuilder } from '../../../src/lib/delta/columnBuilder';
import { compareUtf8 } from '../../../src/lib/delta/statistics';
import { TextColumn } from '../../../src/lib/delta/textColumn';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc
    .tuple(fc.constantFrom(31, 32, 33), fc.string({ unit: 'binary', maxLength: 2 }))
    .map(([length, end]) => 'x'.repeat(length) + end),
  fc.constantFrom('', '\uffff', '😀', 'é'.repeat(40), '\u{10ffff}'.repeat(40)),
);
const texts = fc.array(fc.option(text, { freq: 4 }), { minLength: 1, maxLength: 20 });

const read = (values: readonly (string | null)[]): TextColumn =>
  TextColumn.of(
    values.filter((value) => value !== null).map((value) => Buffer.from(value)),
    Uint8Array.from(values, (value) => (value === null ? 0 : 1)),
  );

it('texts that were read are the column that is built of them', () => {
  fc.assert(
    fc.property(texts, (values) => {
      const builder = new ColumnBuilder('string');
      for (const value of values) builder.push(value);
      const built = builder.finish() as TextColumn;
      const column = read(values);
      expect(values.map((_, row) => column.at(row))).toEqual(values);
      expect(Buffer.compare(column.bytes, built.bytes)).toBe(0);
      expect([...column.ends]).toEqual([...built.ends]);
      for (const [row, value] of values.entries()) {
        expect(column.isNull(row)).toBe(value === null);
        expect(column.byteLength(row)).toBe(Buffer.byteLength(value ?? ''));
      }
    }),
  );
});

it('texts are ordered by their UTF-8', () => {
  fc.assert(
    fc.property(text, text, (left, right) => {
      const column = read(['', left, right]);
      expect(Math.sign(column.compare(1, 2))).toBe(Math.sign(compareUtf8(left, right)));
      expect(column.compare(1, 1)).toBe(0);
    }),
  );
});
