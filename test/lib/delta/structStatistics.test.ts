import { expect, it } from 'vitest';
import type { Add } from '../../../src/lib/delta/actions';
import { parseStatistics } from '../../../src/lib/delta/readStatistics';
import { field } from '../../../src/lib/delta/schema';
import {
  statisticsAsJson,
  statisticsAsStruct,
  statisticsShape,
} from '../../../src/lib/delta/structStatistics';

const fields = [
  field('id', 'long'),
  field('at', 'timestamp'),
  field('day', 'date'),
  field('name', 'string'),
  field('price', 'decimal(9,2)'),
  field('yes', 'boolean'),
  field('bytes', 'binary'),
];

const parsed = {
  numRecords: 2,
  nullCount: { id: 0, at: 0, day: 0, name: 0, price: 1, yes: 0, bytes: 0, nested: { x: 1 } },
  minValues: { id: 1, at: 1, day: 1, name: 'a', price: '1.10' },
  maxValues: { id: 9007199254740993n, at: 1500, day: 2, name: `${'z'.repeat(32)}\u{10ffff}`, price: '1.10' },
  tightBounds: null,
};

const adding = (stats: string): Add => ({
  path: 'x',
  partitionValues: {},
  size: 1,
  modificationTime: 1,
  dataChange: true,
  stats,
});

it('statistics of a struct become JSON with all digits; times are widened to milliseconds', () => {
  expect(statisticsAsJson(parsed, fields)).toBe(
    '{"numRecords":2,' +
      '"minValues":{"id":1,"at":"1970-01-01T00:00:00.000Z","day":"1970-01-02","name":"a","price":1.10,"yes":false},' +
      `"maxValues":{"id":9007199254740993,"at":"1970-01-01T00:00:00.002Z","day":"1970-01-03","name":"${'z'.repeat(32)}\u{10ffff}","price":1.10,"yes":true},` +
      '"nullCount":{"id":0,"at":0,"day":0,"name":0,"price":1,"yes":0,"bytes":0}}',
  );
});

it('no bounds are written if a column with values has none, which delta-rs would take for null', () => {
  const missing = { ...parsed, minValues: { ...parsed.minValues, day: null } };
  expect(statisticsAsJson(missing, fields)).toBe(
    '{"numRecords":2,"nullCount":{"id":0,"at":0,"day":0,"name":0,"price":1,"yes":0,"bytes":0}}',
  );
  const allNull = { ...missing, nullCount: { ...parsed.nullCount, day: 2 } };
  expect(statisticsAsJson(allNull, fields)).toContain('"minValues":{"id":1,"at"');
  const one = [field('f', 'double')];
  const nan = {
    numRecords: 1,
    minValues: { f: Number.NaN },
    maxValues: { f: Number.NaN },
    nullCount: { f: 0 },
  };
  expect(statisticsAsJson(nan, one)).toBe('{"numRecords":1,"nullCount":{"f":0}}');
});

it.each([undefined, null, {}, { numRecords: null }, 'text', []])('%j is no struct of statistics', (value) => {
  expect(statisticsAsJson(value, fields)).toBeUndefined();
});

it('the struct and the JSON say the same, of the columns that both can hold', () => {
  const json = statisticsAsJson(parsed, fields) ?? '';
  const struct = statisticsAsStruct(adding(json), fields);
  expect(struct).toEqual({
    numRecords: 2,
    minValues: { id: 1, at: 0, day: 1, name: 'a' },
    maxValues: { id: 9007199254740993n, at: 2000, day: 2, name: `${'z'.repeat(32)}\u{10ffff}` },
    nullCount: { id: 0, at: 0, day: 0, name: 0, yes: 0, bytes: 0 },
  });
  const written = fields.filter(({ name }) => name !== 'price');
  const again = statisticsAsJson(struct, written) ?? '';
  const columns = (text: string) => parseStatistics(adding(text), written, 'x').columns;
  expect(columns(again)).toEqual(columns(json));
  expect(Object.keys(statisticsShape(fields)?.minValues ?? {})).toEqual(['id', 'at', 'day', 'name']);
});

it('bounds that do not fit their column, and statistics that are none, do not get into a checkpoint', () => {
  const narrow = [field('n', 'byte')];
  const stats = '{"numRecords":1,"minValues":{"n":1},"maxValues":{"n":1000},"nullCount":{"n":0}}';
  expect(statisticsAsStruct(adding(stats), narrow)).toEqual({
    numRecords: 1,
    minValues: { n: 1 },
    maxValues: {},
    nullCount: { n: 0 },
  });
  expect(statisticsAsStruct(adding('{'), narrow)).toBeUndefined();
  expect(statisticsAsStruct(adding('{}'), narrow)).toBeUndefined();
  expect(statisticsShape([field('b', 'binary')])).toBeUndefined();
});

it('a column named like something that objects inherit has no statistics where none are given', () => {
  const columns = [field('n', 'long'), field('constructor', 'long'), field('toString', 'boolean')];
  const stats =
    '{"numRecords":1,"minValues":{"n":1},"maxValues":{"n":1},"nullCount":{"n":0,"constructor":1,"toString":1}}';
  expect(parseStatistics(adding(stats), columns, 'x').columns.get('constructor')).toEqual({ nullCount: 1 });
  const struct = statisticsAsStruct(adding(stats), columns);
  expect((struct?.minValues as Record<string, unknown>)?.constructor).toBeUndefined();
  expect(JSON.parse(statisticsAsJson(struct, columns) ?? '')).toMatchObject({ minValues: { n: 1 } });
  const bare = { numRecords: 1, minValues: { n: 1 }, maxValues: { n: 1 }, nullCount: {} };
  expect(statisticsAsJson(bare, columns.slice(0, 2))).toBe('{"numRecords":1,"nullCount":{}}');
});
