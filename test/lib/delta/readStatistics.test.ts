import { describe, expect, it } from 'vitest';
import { columnsWithValues, parseStatistics, recordsOf } from '../../../src/lib/delta/readStatistics';
import { field } from '../../../src/lib/delta/schema';

const fields = [field('id', 'long'), field('name', 'string'), field('day', 'date')];
const where = 'lake/events version 3, file x';

/** An add action that says this of its file. */
const adding = (stats?: string) => ({
  path: 'x',
  partitionValues: {},
  size: 1,
  modificationTime: 1,
  dataChange: true,
  ...(stats === undefined ? {} : { stats }),
});
const parsed = (stats?: string) => {
  const { numRecords, columns } = parseStatistics(adding(stats), fields, where);
  return { numRecords, columns: Object.fromEntries(columns) };
};

describe('the number of rows of a file', () => {
  it.each([
    ['{"minValues":{"numRecords":1},"nullCount":{"numRecords":2},"numRecords":7}', 7],
    ['{"nullCount":{"numRecords":2}}', undefined],
    ['{"numRecords":"7"}', undefined],
    ['{"numRecords":7', undefined],
    ['null', undefined],
  ])('is what the statistics say of the file, not of a column: %s', (stats, rows) => {
    expect(recordsOf(adding(stats))).toBe(rows);
  });
});

describe('the statistics of a file', () => {
  it.each([undefined, ''])('say nothing where there are none: %j', (stats) => {
    expect(parsed(stats)).toEqual({ numRecords: undefined, columns: {} });
    expect(recordsOf(adding(stats))).toBeUndefined();
  });

  it('say of each column its bounds and its nulls, in the form of its values', () => {
    const stats = {
      numRecords: 7,
      minValues: { id: -5, name: '', day: '1970-01-02' },
      maxValues: { id: 9, name: 'z', day: '1970-02-01' },
      nullCount: { id: 0, name: 3, day: 7 },
    };
    expect(parsed(JSON.stringify(stats))).toEqual({
      numRecords: 7,
      columns: {
        id: { min: -5, max: 9, nullCount: 0 },
        name: { min: '', max: 'z', nullCount: 3 },
        day: { min: 1, max: 31, nullCount: 7 },
      },
    });
    expect(recordsOf(adding(JSON.stringify(stats)))).toBe(7);
  });

  it('keep all digits of a long', () => {
    const { columns } = parsed(
      '{"minValues":{"id":-9223372036854775808},"maxValues":{"id":9007199254740993}}',
    );
    expect(columns.id).toEqual({ min: -9223372036854775808n, max: 9007199254740993n });
  });

  it('have no value for missing statistics and for unknown columns', () => {
    expect(parsed('{"minValues":{"name":{"a":1}},"maxValues":7,"nullCount":{"name":[1]}}').columns).toEqual({
      id: {},
      name: {},
      day: {},
    });
    expect(parsed('{"minValues":{"id":null,"other":1},"nullCount":{"name":2}}')).toEqual({
      numRecords: undefined,
      columns: { id: {}, name: { nullCount: 2 }, day: {} },
    });
  });

  it.each([
    ['{"numRecords":', 'the statistics are not a JSON object'],
    ['7', 'the statistics are not a JSON object'],
    ['null', 'the statistics are not a JSON object'],
    ['{"minValues":{"id":"x"}}', 'id'],
  ])('that are no statistics are named with their file: %s', (stats, problem) => {
    expect(() => parsed(stats)).toThrow(
      expect.objectContaining({ code: 'delta.invalid', message: expect.stringContaining(problem) }),
    );
    expect(() => parsed(stats)).toThrow(where);
  });
});

it('the statistics of a file say nothing about nested columns', () => {
  const nested = [field('id', 'long'), field('tags', { type: 'array', elementType: 'string' })];
  const stats = '{"minValues":{"id":1,"tags":"a"},"nullCount":{"id":0,"tags":2}}';
  expect([...parseStatistics(adding(stats), nested, where).columns]).toEqual([
    ['id', { min: 1, nullCount: 0 }],
  ]);
});

it.each<[string | undefined, string[]]>([
  ['{"numRecords":3,"nullCount":{"id":0,"name":3,"day":2}}', ['id', 'day']],
  ['{"numRecords":3,"nullCount":{"id":"0","name":null}}', []],
  ['{"numRecords":"3","nullCount":{"id":0}}', []],
  ['{"numRecords":3,"nullCount":null}', []],
  ['{"numRecords":3}', []],
  ['no statistics', []],
  [undefined, []],
])('columns have values for sure where fewer rows are null than there are: %s', (stats, found) => {
  expect(columnsWithValues(adding(stats), ['id', 'name', 'day', 'other'])).toEqual(found);
});

it.each(['null', '"text"', '[7]', '3'])(
  'bounds and counts of nulls that are no object say nothing: %s',
  (part) => {
    const stats = `{"numRecords":1,"minValues":${part},"maxValues":${part},"nullCount":${part}}`;
    const { columns } = parseStatistics(adding(stats), [field('length', 'long')], where);
    expect([...columns]).toEqual([['length', {}]]);
  },
);
