import type { SchemaElement, SchemaTree } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import {
  convertLeaf,
  convertValue,
  type Meaning,
  parsers,
  withoutLossyTypes,
} from '../../../../src/lib/delta/parquet/convert';

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

  it.each<[string, Partial<SchemaElement>]>([
    ['old', { converted_type: 'ENUM' }],
    ['new', { logical_type: { type: 'ENUM' } }],
  ])('is a text if it is an enum, by its annotation, %s', (_which, annotation) => {
    const bytes: SchemaElement = { name: 'c', type: 'BYTE_ARRAY' };
    expect(withoutLossyTypes({ ...bytes, ...annotation })).toEqual({ element: bytes, meaning: 'text' });
  });

  it.each<[string, Partial<SchemaElement>, string]>([
    ['new', { logical_type: { type: 'MAP' } }, 'MAP'],
    ['oldest', { converted_type: 'MAP_KEY_VALUE' }, 'MAP'],
    ['new', { logical_type: { type: 'LIST' } }, 'LIST'],
  ])(
    'is what the decoder knows by the old annotation, also by the %s one: %j',
    (_which, annotation, known) => {
      const group: SchemaElement = { name: 'c', num_children: 1 };
      expect(withoutLossyTypes({ ...group, ...annotation })).toMatchObject({
        element: { ...group, converted_type: known },
        meaning: undefined,
      });
    },
  );

  it('is a decimal without digits after the point if no scale is given', () => {
    expect(withoutLossyTypes({ ...plain, converted_type: 'DECIMAL' }).meaning).toEqual({ decimalScale: 0 });
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

describe('a leaf value', () => {
  it.each([
    ['a number where it is exact', 2n ** 53n - 1n, 2 ** 53 - 1],
    ['a number where it is exact and negative', 1n - 2n ** 53n, 1 - 2 ** 53],
    ['a bigint above', 2n ** 53n, 2n ** 53n],
    ['a bigint below', -(2n ** 53n), -(2n ** 53n)],
  ])('of a long is %s', (_what, raw, expected) => {
    expect(convertLeaf(raw, undefined)).toBe(expected);
  });

  it.each<[number, unknown, string]>([
    [2, 5, '0.05'],
    [2, -5, '-0.05'],
    [0, -12, '-12'],
    [3, 12_340n, '12.340'],
    [1, Uint8Array.of(0xff, 0x00), '-25.6'],
    [1, Uint8Array.of(), '0.0'],
  ])('of a decimal has all %d digits of its scale: %s', (decimalScale, raw, text) => {
    expect(convertLeaf(raw, { decimalScale })).toBe(text);
  });

  it('of an enum is text, and no value is null', () => {
    expect(convertLeaf(Buffer.from('RED'), 'text')).toBe('RED');
    expect(convertLeaf('RED', 'text')).toBe('RED');
    for (const missing of [undefined, null]) expect(convertLeaf(missing, 'text')).toBeNull();
  });

  it('of bytes is a copy, because the bytes of the page are reused', () => {
    const page = Uint8Array.of(1, 2);
    const value = convertLeaf(page, undefined);
    page[0] = 9;
    expect(value).toEqual(Uint8Array.of(1, 2));
  });

  it('of a kind that no column has is an error', () => {
    expect(() => convertLeaf({}, undefined)).toThrow('a value came back as object');
    expect(() => convertLeaf('1', { decimalScale: 2 })).toThrow('a decimal came back as string');
  });
});

describe('a value with parts', () => {
  /** A node of a file's schema. */
  const node = (name: string, children: SchemaTree[] = [], converted?: 'MAP' | 'LIST'): SchemaTree => ({
    children,
    count: 1,
    element: { name, ...(converted ? { converted_type: converted } : {}) },
    path: [],
  });
  const big = node('big');
  const price = node('price');
  const struct = node('struct', [big, price]);
  const meanings = new Map<SchemaElement, Meaning>([[price.element, { decimalScale: 2 }]]);
  const convert = (raw: unknown, of: SchemaTree) => convertValue(raw, of, meanings);

  it('of a struct has every field converted, and those that are missing are null', () => {
    expect(convert({ big: 5n, price: 150 }, struct)).toEqual({ big: 5, price: '1.50' });
    expect(convert({ price: null }, struct)).toEqual({ big: null, price: null });
    const nested = node('outer', [struct]);
    for (const missing of [null, undefined])
      expect(convert({ struct: missing }, nested)).toEqual({ struct: null });
  });

  it('of a map has its values converted, whatever they are', () => {
    const mapOf = (value: SchemaTree) => node('map', [node('key_value', [node('key'), value])], 'MAP');
    expect(convert({ a: 5n, b: null }, mapOf(big))).toEqual({ a: 5, b: null });
    expect(convert({ a: { big: 5n } }, mapOf(struct))).toEqual({ a: { big: 5, price: null } });
    // A set is a map without values.
    expect(convert({ a: undefined }, node('set', [node('key_value', [node('key')])], 'MAP'))).toEqual({
      a: null,
    });
  });

  it.each<[string, SchemaTree]>([
    ['three levels', node('list', [node('list', [price])], 'LIST')],
    ['two levels', node('list', [price], 'LIST')],
    ['a repeated column', price],
  ])('of a list has its items converted, in %s', (_levels, list) => {
    expect(convert([150, null, 5], list)).toEqual(['1.50', null, '0.05']);
  });

  it.each<[string, SchemaTree]>([
    ['the elements are a group of several fields', node('list', [struct], 'LIST')],
    ['the elements are a group in a group', node('list', [node('list', [struct])], 'LIST')],
    ['the group itself is repeated', struct],
  ])('of a list of structs has them converted: %s', (_levels, list) => {
    expect(convert([{ big: 5n, price: 150 }, null], list)).toEqual([{ big: 5, price: '1.50' }, null]);
  });
});

describe('an instant in nanoseconds', () => {
  it.each([
    [1999n, 1],
    [2000n, 2],
    [-1n, -1],
    [-1000n, -1],
    [-1001n, -2],
  ])('is in the microsecond that it lies in: %d', (nanos, micros) => {
    expect(parsers.timestampFromNanoseconds?.(nanos)).toBe(micros);
  });
});

it('a struct has no member that cannot be assigned, and its others', () => {
  const leaf = (name: string): SchemaTree => ({
    children: [],
    count: 1,
    element: { name, type: 'INT32' },
    path: ['struct', name],
  });
  const struct: SchemaTree = {
    children: [leaf('__proto__'), leaf('id')],
    count: 3,
    element: { name: 'struct', num_children: 2 },
    path: ['struct'],
  };
  expect(convertValue({ id: 7 }, struct, new Map())).toEqual({ id: 7 });
});
