import type { SchemaElement } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { columnProblem } from '../../../../src/lib/delta/parquet/columnTypes';
import { type Field, field } from '../../../../src/lib/delta/schema';

type Element = Omit<SchemaElement, 'name'>;

const int32: Element = { type: 'INT32' };
const int64: Element = { type: 'INT64' };
const float: Element = { type: 'FLOAT' };
const double: Element = { type: 'DOUBLE' };
const boolean: Element = { type: 'BOOLEAN' };
const bytes: Element = { type: 'BYTE_ARRAY' };
const text: Element = { type: 'BYTE_ARRAY', converted_type: 'UTF8' };
const newText: Element = { type: 'BYTE_ARRAY', logical_type: { type: 'STRING' } };
const json: Element = { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } };
const oldEnum: Element = { type: 'BYTE_ARRAY', converted_type: 'ENUM' };
const fixed: Element = { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 };
const int96: Element = { type: 'INT96' };
const date: Element = { type: 'INT32', converted_type: 'DATE' };
const short: Element = { type: 'INT32', converted_type: 'INT_16' };
const millis: Element = { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' };
const timestamp: Element = {
  type: 'INT64',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' },
};
const newByte: Element = { type: 'INT32', logical_type: { type: 'INTEGER', bitWidth: 8, isSigned: true } };
const newDate: Element = { type: 'INT32', logical_type: { type: 'DATE' } };
/** Against the format: a text is a BYTE_ARRAY, and a date is an INT32. */
const fixedText: Element = { ...fixed, converted_type: 'UTF8' };
const longDate: Element = { type: 'INT64', converted_type: 'DATE' };
const decimal: Element = { type: 'INT32', converted_type: 'DECIMAL', scale: 2, precision: 9 };
const list: Element = { num_children: 1, converted_type: 'LIST' };
const repeated: Element = { type: 'INT32', repetition_type: 'REPEATED' };
const all = {
  ...{ int32, int64, float, double, boolean, bytes, text, fixed, int96, date },
  ...{ newText, json, oldEnum, newByte, newDate, longDate, fixedText },
  ...{ short, millis, timestamp, decimal, list, repeated },
};

describe('a column of a table', () => {
  it.each<[Field['type'] & string, readonly Element[]]>([
    ['byte', [int32, newByte, short]],
    ['short', [int32, newByte, short]],
    ['integer', [int32, newByte, short]],
    ['long', [int32, int64, newByte, short]],
    ['float', [float]],
    ['double', [float, double]],
    ['boolean', [boolean]],
    ['string', [text, newText, json, oldEnum]],
    ['binary', [bytes, fixed]],
    ['date', [date, newDate]],
    ['timestamp', [int96, millis, timestamp]],
    ['timestamp_ntz', [int96, millis, timestamp]],
    ['decimal(9,2)', [decimal]],
  ])('of type %s reads the columns of files that hold its values, and no others', (type, taken) => {
    const column = field('c', type);
    const holding = Object.values(all).filter((element) => !columnProblem({ name: 'c', ...element }, column));
    expect(holding).toEqual(taken);
  });

  it('of a nested type reads groups, and repeated columns', () => {
    const column = field('c', { type: 'array', elementType: 'integer', containsNull: true });
    const holding = Object.values(all).filter((element) => !columnProblem({ name: 'c', ...element }, column));
    expect(holding).toEqual([list, repeated]);
  });

  it('that does not fit is named with its form in the file', () => {
    expect(columnProblem({ name: 'c', ...text }, field('c', 'long'))).toBe(
      'column c is BYTE_ARRAY (UTF8) there, long in the table',
    );
    expect(columnProblem({ name: 'c', ...list }, field('c', 'long'))).toBe(
      'column c is a group (LIST) there, long in the table',
    );
  });
});
