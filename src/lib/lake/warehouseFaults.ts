import type { ColumnType, Stream, WarehouseColumn, WarehouseTable } from '../streams/stream';
import { tableFields } from './rowAddress';

const integers = ['bigint', 'int', 'smallint'];
const numbers = [...integers, 'float'];

/**
 * For each type of a Delta column, the types of a warehouse's column that can hold its values. Times and dates are counts of microseconds
 * and days.
 */
const holding: Readonly<Record<ColumnType, readonly string[]>> = {
  string: ['varchar(n)', 'nvarchar(n)'],
  long: [...numbers, 'datetime', 'datetime2(6)'],
  integer: numbers,
  short: numbers,
  byte: numbers,
  float: numbers,
  double: numbers,
  boolean: ['bit'],
  binary: [],
  date: ['date', ...integers],
  timestamp: ['datetime', 'datetime2(6)', 'bigint'],
};

/** The largest length that a database allows for a column of each type: bytes of a varchar, pairs of bytes of an nvarchar. */
const mostCharacters = { varchar: 8000, nvarchar: 4000 };

/** The mistakes in the table of the warehouse that a stream declares, one sentence each. Missing columns are not mistakes here. */
export function warehouseFaults(stream: Stream): string[] {
  const { name, warehouse } = stream;
  if (!warehouse) return [];
  const types = new Map(tableFields(stream).map((field) => [field.name, field.type]));
  return [
    ...nameFaults(warehouse),
    ...(warehouse.columns.length > 0
      ? []
      : ['names no columns in warehouse.columns: name some, or leave out warehouse']),
    ...warehouse.columns.flatMap((column) => typeFaults(column, types.get(column.from) as ColumnType)),
  ].map((fault) => `The stream ${name} ${fault}.`);
}

function nameFaults({ schema, name, identity, columns }: WarehouseTable): string[] {
  const columnNames = [
    ...(identity === undefined ? [] : [identity]),
    ...columns.map((column) => column.name),
  ];
  const isTaken = (column: string, at: number) =>
    columnNames.findIndex((other) => other.toLowerCase() === column.toLowerCase()) !== at;
  return [
    ...[schema, name, ...columnNames]
      .filter((text) => text === '' || text.length > 128)
      .map((text) => `has ${JSON.stringify(text)} in warehouse: expected a name of 1 to 128 characters`),
    ...columnNames
      .filter(isTaken)
      .map(
        (column) =>
          `has two columns of the warehouse of the name ${column} (upper and lower case are the same): give one another name`,
      ),
  ];
}

/** @param filledWith the type of the column that it is filled from; undefined if the stream does not have that column */
function typeFaults({ name, from, type }: WarehouseColumn, filledWith: ColumnType | undefined): string[] {
  const text = /^(n?varchar)\((.*)\)$/.exec(type);
  const most = mostCharacters[(text?.[1] ?? 'varchar') as keyof typeof mostCharacters];
  const length = Number(text?.[2]);
  if (text && !(Number.isInteger(length) && length >= 1 && length <= most))
    return [`has the type ${type} in the warehouse's column ${name}: expected a length from 1 to ${most}`];
  const kind = text ? `${text[1]}(n)` : type;
  const accepted = filledWith && holding[filledWith];
  if (!accepted || accepted.includes(kind)) return [];
  const expected =
    accepted.length > 0
      ? `expected ${accepted.join(', ')}`
      : 'leave it out, no column of a warehouse holds it';
  return [
    `fills the warehouse's column ${name}, of the type ${type}, from ${from}, of the type ${filledWith}: ${expected}`,
  ];
}
