import { expect, it } from 'vitest';
import { textDictionaryOf } from '../../../../src/lib/delta/parquet/textDictionary';
import { TextColumn } from '../../../../src/lib/delta/textColumn';

it('is judged by the texts of its slice alone, and not by those before it', () => {
  const long = Buffer.alloc(100_000, 'x');
  const texts = [long, ...Array.from({ length: 20 }, (_, row) => Buffer.from(`${row % 2}`))];
  const values = TextColumn.of(texts, new Uint8Array(texts.length).fill(1));
  expect(textDictionaryOf({ values, start: 1, end: texts.length }, 20)).toBeUndefined();
});
