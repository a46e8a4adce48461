import { expect, it } from 'vitest';
import { field, parseSchema, serializeSchema } from '../../../src/lib/delta/schema';

it('a schema is read with all properties of each column, including those of other writers', () => {
  const id = { ...field('id', 'long', false), metadata: { comment: 'as the shop calls it' } };
  expect(parseSchema(serializeSchema([id]), 'events')).toEqual([id]);
});

it('a column with only a name and a type takes nulls', () => {
  const schemaString = '{"type":"struct","fields":[{"name":"id","type":"long"}]}';
  expect(parseSchema(schemaString, 'events')).toEqual([field('id', 'long')]);
});
