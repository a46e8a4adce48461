import { ownMember } from '../ownMember';
import { exactNumber, RoundedNumber } from './exactNumbers';
import { earliestMillis, latestMillis, microsOfMilli, parseIsoTimestamp } from './isoTimestamp';
import { describeValue, type ElementReader } from './jsonElements';
import { rescueFields } from './rescuedFields';
import type { Column, ColumnType, Rejected, Value, WarehouseColumn, WarehouseType } from './stream';

/**
 * Turns one JSON value (never null) into the column's value, or says why that is impossible.
 * @template Fits the types of the columns for whose values it is made; a function that names none is accepted for every column
 */
export interface FieldReader<in Fits extends ColumnType> {
  (value: unknown, field: string): Value | Rejected;
  /** No reader has this member. Its type makes the compiler refuse a reader for a column that does not take its values. */
  readonly fits?: ((column: Fits) => void) | undefined;
}

/** A column of one type and the field of the JSON object that it is read from. */
interface FieldOfType<Type extends ColumnType> extends Column {
  readonly type: Type;
  readonly from: string;
  readonly read: FieldReader<Type>;
}

/** A column and the field of the JSON object that it is read from, with a reader that fits the column's type. */
export type JsonField = { readonly [Type in ColumnType]: FieldOfType<Type> }[ColumnType];

/** The types of columns for whole numbers. A number that is too large for its column is refused like any other wrong value. */
type WholeNumber = 'long' | 'integer' | 'short' | 'byte';

export interface ReadFieldsOptions {
  /** Fields that have no column and are not kept in another way. */
  readonly leaveOut?: readonly string[];
}

/**
 * Reads the given fields of an object in order. A field that is missing or null becomes null; if its column takes no nulls, the element is
 * refused. All other fields are rescued: their text follows the values of the columns. Names are compared exactly, so upper and lower case
 * matter.
 */
export const readFields = (
  fields: readonly JsonField[],
  { leaveOut = [] }: ReadFieldsOptions = {},
): ElementReader => {
  const known = new Set([...fields.map(({ from }) => from), ...leaveOut]);
  // If two columns are read from the same field, it is counted only once.
  const counts = fields.map(({ from }, column) =>
    fields.findIndex((one) => one.from === from) < column ? 0 : 1,
  );
  // Checking whether a member is the object's own takes time, and is only needed for the few names that every object inherits.
  const isInherited = fields.map(({ from }) => from in Object.prototype);
  return (element, text) => {
    const row = new Array<Value>(fields.length);
    let column = 0;
    let found = 0;
    for (const field of fields) {
      const raw = isInherited[column] ? ownMember(element, field.from) : element[field.from];
      if (raw !== undefined) found += counts[column] ?? 0;
      if (raw === null || raw === undefined) {
        if (!field.nullable)
          return wrongShape(field.from, raw === null ? 'is null' : 'is missing, and must not be');
        row[column++] = null;
        continue;
      }
      const value = field.read(raw, field.from);
      if (isRejected(value)) return value;
      row[column++] = value;
    }
    for (const name of leaveOut) if (ownMember(element, name) !== undefined) found++;
    // Most elements have no other field. Comparing the numbers of fields shows that without looking at the names.
    const rescued = Object.keys(element).length > found ? rescueFields(text(), known) : undefined;
    return rescued === undefined ? row : [...row, rescued];
  };
};

/** The columns of the fields, with name, type and nullability, from which a table's schema is made. */
export const columnsOf = (fields: readonly JsonField[]): Column[] =>
  fields.map(({ name, type, nullable }) => ({ name, type, nullable }));

/**
 * A column of the warehouse for each field, with the field's name.
 * @param types the warehouse's type for each type of a field; without one it is `varchar(255)`
 */
export const warehouseColumnsOf = (
  fields: readonly JsonField[],
  types: Readonly<Record<string, WarehouseType>>,
): WarehouseColumn[] =>
  fields.map(({ name, type }) => ({ name, from: name, type: types[type] ?? 'varchar(255)' }));

/** A JSON number without a fraction between -2^31 and 2^31 - 1. */
export const integerField: FieldReader<WholeNumber | 'double'> = (value, field) => {
  if (typeof value === 'number' && (value | 0) === value) return value | 0;
  if (!isNumber(value)) return expected(field, 'a number', value);
  return outOfRange(field, 'a 32-bit integer', value);
};

/** A JSON number without a fraction between -2^63 and 2^63 - 1. */
export const longField: FieldReader<WholeNumber> = (value, field) => {
  // Adding zero turns -0 into 0, because some readers do not accept -0 as an integer.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0;
  if (typeof value === 'bigint') return fitLong(value, field);
  return isNumber(value) ? outOfRange(field, 'a 64-bit integer', value) : expected(field, 'a number', value);
};

/** Like `longField`, but also accepts decimal text, because some APIs write numbers as strings to keep their precision. */
export const longTextField: FieldReader<WholeNumber> = (value, field) => {
  if (typeof value !== 'string') return longField(value, field);
  if (/^[+-]?\d{1,19}$/.test(value)) return fitLong(BigInt(value.replace('+', '')), field);
  const number = parseDecimal(value);
  return number === undefined ? expected(field, 'a whole number', value) : longField(number, field);
};

/** A JSON number, or its decimal text with or without an exponent; finite. */
export const doubleTextField: FieldReader<'double' | 'float'> = (value, field) => {
  const number = typeof value === 'string' ? parseDecimal(value) : value;
  if (!isNumber(number)) return expected(field, 'a decimal number', value);
  const double = number instanceof RoundedNumber ? number.value : Number(number);
  // A number too small for a double was rounded to 0.
  const isLost = double === 0 && number instanceof RoundedNumber;
  return Number.isFinite(double) && !isLost ? double : outOfRange(field, 'a double', value);
};

/**
 * A JSON string. A string with half of a surrogate pair is refused, because UTF-8 cannot represent it. It is not repaired, because
 * a repaired key might equal another key. The dead letter keeps the original.
 */
export const stringField: FieldReader<'string'> = (value, field) => {
  if (typeof value !== 'string') return expected(field, 'a string', value);
  return value.isWellFormed() ? value : outOfRange(field, 'well-formed Unicode', value);
};

/** ISO 8601 text in the forms of `parseIsoTimestamp`. The value is in microseconds since 1970 UTC; further digits are cut. */
export const isoTimestampField: FieldReader<'timestamp'> = (value, field) => {
  const millis = typeof value === 'string' ? parseIsoTimestamp(value) : 'malformed';
  if (millis === 'malformed') return expected(field, 'an ISO 8601 date and time', value);
  if (millis === 'impossible') return outOfRange(field, 'a time that exists', value);
  return fitTimestamp(millis, field, value, microsOfMilli(String(value)));
};

/** Milliseconds since 1970 UTC, as a JSON number or its decimal text. The value is in microseconds. */
export const epochMillisField: FieldReader<'timestamp'> = (value, field) => {
  const millis = longTextField(value, field);
  if (typeof millis !== 'number' && typeof millis !== 'bigint') return millis;
  return fitTimestamp(Number(millis), field, value);
};

const isRejected = (value: Value | Rejected): value is Rejected =>
  typeof value === 'object' && value !== null && 'reason' in value;

/** @param ofMilli the microseconds after the milliseconds, 0 to 999 */
function fitTimestamp(millis: number, field: string, value: unknown, ofMilli = 0): Value | Rejected {
  if (millis < earliestMillis || millis > latestMillis)
    return outOfRange(field, 'a time from 1900 to 9999', value);
  const micros = millis * 1000 + ofMilli;
  return Number.isSafeInteger(micros) ? micros : BigInt(millis) * 1000n + BigInt(ofMilli);
}

function fitLong(value: bigint, field: string): Value | Rejected {
  if (BigInt.asIntN(64, value) !== value) return outOfRange(field, 'a 64-bit integer', value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Parses a decimal number. Number() alone would also accept '', ' 1 ', '0x10' and 'Infinity'. */
const parseDecimal = (text: string): ReturnType<typeof exactNumber> | undefined =>
  /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? exactNumber(Number(text), text) : undefined;

const isNumber = (value: unknown): value is number | bigint | RoundedNumber =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof RoundedNumber;

const wrongShape = (field: string, problem: string): Rejected => ({
  reason: 'wrong-shape',
  detail: `${field} ${problem}`,
});

const expected = (field: string, kind: string, value: unknown): Rejected =>
  wrongShape(field, `is not ${kind}: ${describeValue(value)}`);

const outOfRange = (field: string, kind: string, value: unknown): Rejected => ({
  reason: 'out-of-range',
  detail: `${field} is not ${kind}: ${describeValue(value)}`,
});
