import { expect, it } from 'vitest';
import { PackedTexts, textsOf } from '../../../../src/lib/delta/parquet/packedTexts';

const column = (texts: readonly (Uint8Array | null)[]) => ({
  definitions: Uint8Array.from(texts, (text) => (text ? 2 : 1)),
  highest: 2,
  values: texts.filter((text) => text !== null),
});

it('texts come back as they were, with those that are empty and without those that are null', () => {
  const texts = ['a', null, '', '\uFEFF😀ä', null, 'b'];
  const read = textsOf(column(texts.map((text) => (text === null ? null : Buffer.from(text)))));
  expect(texts.map((_, row) => read.at(row))).toEqual(texts);
});

it.each([
  ['bytes that are no character', [Buffer.from([0x61, 0xff])]],
  ['a character that is cut', [Buffer.from([0xc3])]],
  ['a character that begins in one text and ends in the next', [Buffer.from([0xc3]), Buffer.from([0xa4])]],
])('%s are refused', (_, texts) => {
  expect(() => textsOf(column(texts))).toThrow('a text is not UTF-8');
});

it('packed texts are unpacked when they are asked for, once for a run of rows', () => {
  let unpacked = 0;
  const packed = (text: string) =>
    new PackedTexts(() => {
      unpacked++;
      return textsOf(column([Buffer.from(text), Buffer.from(text.toUpperCase())]));
    });
  const [first, second] = [packed('a'), packed('b')];
  expect(unpacked).toBe(0);
  expect([first.at(0), first.at(1), second.at(1), first.at(1)]).toEqual(['a', 'A', 'B', 'A']);
  expect(unpacked).toBe(3);
});
