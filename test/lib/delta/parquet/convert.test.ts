import type { SchemaElement } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { parsers, withoutLossyTypes } from '../../../../src/lib/delta/parquet/convert';

describe('what a column of a file means', () => {
  const plain: SchemaElement = { name: 'c', type: 'INT32' };

  it.each<[string, Partial<SchemaElement>]>([
    ['old', { converted_type: 'DECIMAL', scale: 2, precision: 9 }],
    ['new', { logical_type: { type: 'DECIMAL', scale: 2, precision: 9 } }],
    ['both', { converted_type: 'DECIMAL', logical_type: { type: 'DECIMAL', scale: 2, precision: 9 } }],
  ])('is a decimal by its annotation, %s', (_which, annotation) => {
    const { element, meaning } = withoutLossyTypes({ ...plain, ...annotation });
    expect(element.converted_type ?? element.logical_type).toBeUndefined();
    expect(meaning).toEqual({ decimalScale: 2 });
  });

  it('is left to the decoder if the decoder loses nothing', () => {
    expect(withoutLossyTypes(plain)).toEqual({ element: plain, meaning: undefined });
  });
});

describe('a text', () => {
  it('keeps its leading byte order mark', () => {
    expect(parsers.stringFromBytes?.(Buffer.from('\ufefftext'))).toBe('\ufefftext');
  });

  it('is never made of bytes that are no UTF-8', () => {
    expect(() => parsers.stringFromBytes?.(Buffer.from([0x61, 0xff]))).toThrow();
  });
});
