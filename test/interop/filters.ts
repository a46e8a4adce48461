import { expect } from 'vitest';
import type { DataType, Field, Value } from '../../src/lib/delta/schema';
import type { Peer } from '../kit/peer';
import { compareValues } from './everyType';
import { toText } from './texts';

type Operator = '=' | '<' | '>=' | 'null';

interface Filter {
  readonly field: Field;
  readonly operator: Operator;
  readonly value: Value;
  /** Keys of the rows that satisfy it. */
  readonly keys: string[];
}

interface Rows {
  readonly uri: string;
  /** The first one is the key. */
  readonly fields: readonly Field[];
  readonly rows: readonly (readonly Value[])[];
  /**
   * Columns that were added after the first files: pyarrow's datasets, as delta-rs makes them, find no nulls in files whose
   * statistics do not know a column, whoever wrote them.
   */
  readonly added?: readonly string[];
}

/**
 * Asks delta-rs, through pyarrow's datasets and through DataFusion, for the rows below, at and above every value of every column,
 * and compares the answers with the rows themselves.
 */
export async function expectFiltersToHold(
  peer: Peer,
  { uri, fields, rows, added = [] }: Rows,
): Promise<void> {
  const key = fields[0]?.name ?? '';
  const all = fields.flatMap((field, column) => filtersOf(field, column, rows));
  const inPyarrow = all.filter(
    ({ field, operator }) =>
      !(field.type === 'boolean' && operator === '<') && !(operator === 'null' && added.includes(field.name)),
  );
  const dataset = await peer.call<string[][]>('filter', {
    uri,
    key,
    queries: inPyarrow.map(({ field, operator, value }) => [field.name, operator, toText(value)]),
  });
  expect(wrong(inPyarrow, dataset)).toEqual([]);

  // DataFusion puts NaN above all numbers.
  const inSql = all.filter(({ field, operator }) => !(isFloating(field.type) && operator === '>='));
  const found = await peer.call<string[][]>('query', {
    uri,
    statements: inSql.map((filter) => `select "${key}" from t where ${condition(filter)}`),
  });
  expect(wrong(inSql, found)).toEqual([]);
}

function filtersOf(field: Field, column: number, rows: readonly (readonly Value[])[]): Filter[] {
  const keysWhere = (holds: (value: Value) => boolean) =>
    rows.filter((row) => holds(row[column] ?? null)).map((row) => String(row[0]));
  const values = new Map(rows.map((row) => [toText(row[column] ?? null), row[column] ?? null]));
  const filters: Filter[] = [
    { field, operator: 'null', value: null, keys: keysWhere((value) => value === null) },
  ];
  for (const value of values.values()) {
    if (value === null || (typeof value === 'number' && !Number.isFinite(value))) continue;
    const against = (holds: (order: number) => boolean) =>
      keysWhere((other) => holds(compareValues(other, value)));
    filters.push({ field, operator: '=', value, keys: against((order) => order === 0) });
    filters.push({ field, operator: '<', value, keys: against((order) => order < 0) });
    if (field.type !== 'boolean')
      filters.push({ field, operator: '>=', value, keys: against((order) => order >= 0) });
  }
  return filters;
}

const isFloating = (type: DataType) => type === 'double' || type === 'float';

/** A line for each filter that found other rows than it should. */
const wrong = (filters: readonly Filter[], found: readonly string[][]) =>
  filters.flatMap(({ field, operator, value, keys }, index) => {
    const seen = [...(found[index] ?? ['no answer'])].sort().join(' ');
    const wanted = keys.toSorted().join(' ');
    return seen === wanted
      ? []
      : [`${field.name} ${operator} ${toText(value)}: found ${seen}, should find ${wanted}`];
  });

function condition({ field, operator, value }: Filter): string {
  const column = `"${field.name}"`;
  return operator === 'null' ? `${column} is null` : `${column} ${operator} ${literal(field.type, value)}`;
}

function literal(type: DataType, value: Value): string {
  const text = toText(value) ?? '';
  switch (type) {
    case 'string':
      return `'${text.replaceAll("'", "''")}'`;
    case 'binary':
      return `X'${text}'`;
    case 'date':
      return `arrow_cast(arrow_cast(${text}, 'Int32'), 'Date32')`;
    case 'timestamp':
      return `arrow_cast(cast('${text}' as bigint), 'Timestamp(Microsecond, Some("UTC"))')`;
    case 'long':
      return `cast('${text}' as bigint)`;
    case 'double':
    case 'float':
      return `cast('${text}' as double)`;
    default:
      return text;
  }
}
