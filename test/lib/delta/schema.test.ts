import { expect, it } from 'vitest';
import { field, parseSchema, serializeSchema } from '../../../src/lib/delta/schema';

it('a schema is read with what it says of each column, also what another writer added', () => {
  const id = { ...field('id', 'long', false), metadata: { comment: 'as the shop calls it' } };
  expect(parseSchema(serializeSchema([id]), 'events')).toEqual([id]);
});

it('a column that says no more than its name and type takes nulls', () => {
  const schemaString = '{"type":"struct","fields":[{"name":"id","type":"long"}]}';
  expect(parseSchema(schemaString, 'events')).toEqual([field('id', 'long')]);
});
