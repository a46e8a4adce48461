import { describe, expect, it } from 'vitest';
import {
  type DataType,
  describeSchema,
  field,
  isReadableType,
  parseSchema,
  schemaMismatch,
  serializeSchema,
} from '../../../src/lib/delta/schema';

it('a schema is read with all properties of each column, including those of other writers', () => {
  const id = { ...field('id', 'long', false), metadata: { comment: 'as the shop calls it' } };
  expect(parseSchema(serializeSchema([id]), 'events')).toEqual([id]);
});

it('a column with only a name and a type takes nulls', () => {
  const schemaString = '{"type":"struct","fields":[{"name":"id","type":"long"}]}';
  expect(parseSchema(schemaString, 'events')).toEqual([field('id', 'long')]);
});

it.each<DataType>([
  'timestamp_ntz',
  'void',
  'decimal(10,2)',
  'decimal(38, 0)' as DataType,
  { type: 'struct', fields: [] },
  { type: 'array', elementType: 'long' },
  { type: 'map', keyType: 'string', valueType: 'long' },
])('a column of the type %j, which we only read, is kept in the schema', (type) => {
  expect(parseSchema(serializeSchema([field('c', type)]), 'events')).toEqual([field('c', type)]);
});

it.each([
  ['variant', 'variant'],
  ['a decimal(1,2)', 'a decimal(1,2)'],
  ['decimal(1,2) or so', 'decimal(1,2) or so'],
  [{ type: 'udt', class: 'VectorUDT' }, 'udt'],
])('a column of the unknown type %j is known by the name of its type', (type, name) => {
  const fields = parseSchema(JSON.stringify({ fields: [{ name: 'c', type }] }), 'events');
  expect(describeSchema(fields)).toBe(`c ${name}`);
  expect(fields.map((each) => isReadableType(each.type))).toEqual([false]);
});

describe('a schema that cannot be read', () => {
  it.each([
    ['{', 'the schema is not JSON'],
    ['null', 'the schema is not a struct'],
    ['{"type":"struct"}', 'the schema is not a struct'],
    ['{"type":"struct","fields":{}}', 'the schema is not a struct'],
    ['{"fields":[null]}', 'a field we cannot read: null'],
    ['{"fields":[{"type":"long"}]}', 'a field we cannot read: {"type":"long"}'],
    ['{"fields":[{"name":7,"type":"long"}]}', 'a field we cannot read: {"name":7,"type":"long"}'],
    ['{"fields":[{"name":"c"}]}', 'a field we cannot read: {"name":"c"}'],
    ['{"fields":[{"name":"c","type":null}]}', 'a field we cannot read: {"name":"c","type":null}'],
    ['{"fields":[{"name":"c","type":{"elementType":"long"}}]}', '{"elementType":"long"}'],
  ])('is refused with the reason: %s', (schemaString, problem) => {
    const read = () => parseSchema(schemaString, 'lake/events version 3');
    expect(read).toThrow(expect.objectContaining({ code: 'delta.invalid' }));
    expect(read).toThrow('lake/events version 3: ');
    expect(read).toThrow(problem);
  });
});

describe('the columns of a new table', () => {
  it.each(['', 'a b', 'a,b', 'a;b', 'a{', 'a}', 'a(', 'a)', 'a\nb', 'a\tb', 'a=b', '\ud800'])(
    'may not be named %j',
    (name) => {
      expect(() => serializeSchema([field(name, 'long')])).toThrow(
        expect.objectContaining({
          code: 'delta.schema',
          message: expect.stringContaining(JSON.stringify(name)),
        }),
      );
    },
  );

  it('may have names that only upper case makes the same', () => {
    expect(() => serializeSchema([field('maß', 'long'), field('mass', 'long')])).not.toThrow();
  });

  it('may not have names that differ only in case', () => {
    expect(() => serializeSchema([field('a', 'long'), field('b', 'long'), field('A', 'long')])).toThrow(
      'Two columns are named "A"',
    );
  });
});

describe('rows can be written into a table', () => {
  const table = [field('id', 'long', false), field('name', 'string')];

  it.each([
    ['with the same columns', table],
    ['with its columns in another order', table.toReversed()],
    ['without a column that takes nulls', [field('id', 'long', false)]],
    [
      'that never are null where the table takes nulls',
      [field('id', 'long', false), field('name', 'string', false)],
    ],
  ])('%s', (_how, wanted) => {
    expect(schemaMismatch(table, wanted)).toBeUndefined();
  });

  it.each([
    ['has no column shop', [...table, field('shop', 'long')]],
    ['column name differs in case from Name', [field('id', 'long', false), field('Name', 'string')]],
    ['column name is string, wanted is long', [field('id', 'long', false), field('name', 'long')]],
    ['column id takes no nulls', [field('id', 'long'), field('name', 'string')]],
    ['column id must have a value', [field('name', 'string')]],
  ])('but not if the table %s', (problem, wanted) => {
    expect(schemaMismatch(table, wanted)).toContain(problem);
  });

  it('and errors show the columns in one line', () => {
    const nested = field('tags', { type: 'array', elementType: 'string' });
    expect(describeSchema([...table, nested])).toBe('id long not null, name string, tags array');
  });
});
