import { TributaryError } from '../errors';

/** Primitive types of the Delta protocol that this project writes (PROTOCOL.md, "Primitive Types"). */
export const writableTypes = [
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'binary',
  'date',
  'timestamp',
] as const;

export type WritableType = (typeof writableTypes)[number];

/**
 * Types that a table of other writers may have. Decimals and nested types are read, but never written. A void column holds only nulls.
 * Columns of other types are known by name only.
 */
export type DataType =
  | WritableType
  | `decimal(${number},${number})`
  | 'timestamp_ntz'
  | 'void'
  | NestedType
  | UnknownType;

/** A struct, array or map, in the form that the schema string has. Its values are read as plain objects, arrays and entries. */
export interface NestedType {
  readonly type: 'struct' | 'array' | 'map';
  readonly [key: string]: unknown;
}

/** A type that is not implemented, like variant. The values of such a column are not read. */
export interface UnknownType {
  readonly type: 'unknown';
  readonly name: string;
}

/** A column of a table (PROTOCOL.md, "Struct Field"). */
export interface Field {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * One value in memory. long: safe integer or bigint. timestamp: microseconds since 1970 UTC, safe integer or bigint.
 * date: days since 1970. binary: bytes. decimal: its digits as text. Nested values are plain objects and arrays.
 */
export type Value = string | number | bigint | boolean | Uint8Array | null;

/** A value that a file of another writer may hold: one of ours, or a nested value. */
export type ReadValue = Value | readonly ReadValue[] | { readonly [name: string]: ReadValue };

export const isWritableType = (type: unknown): type is WritableType =>
  writableTypes.includes(type as WritableType);

/** The names of the columns that this project cannot write. Our rows have no values there, and files that have some are not rewritten. */
export const unwrittenColumns = (fields: readonly Field[]): string[] =>
  fields.filter(({ type }) => !isWritableType(type)).map(({ name }) => name);

/** A column in the form of a plain field of a schema. */
export const field = (name: string, type: DataType, nullable = true): Field => ({
  name,
  type,
  nullable,
  metadata: {},
});

/** Characters that Parquet readers and Spark refuse in a column name. */
const forbiddenInNames = /[ ,;{}()\n\t=]/;

export const isColumnName = (name: string): boolean =>
  name !== '' && !forbiddenInNames.test(name) && name.isWellFormed();

/** The schema as a metaData action holds it. Throws `delta.schema` for names that readers refuse. */
export function serializeSchema(fields: readonly Field[]): string {
  const seen = new Set<string>();
  for (const { name } of fields) {
    const key = name.toLowerCase();
    if (!isColumnName(name)) {
      throw new TributaryError(
        'delta.schema',
        `Column name ${JSON.stringify(name)} is empty or holds one of " ,;{}()=", tab or newline.`,
      );
    }
    if (seen.has(key))
      throw new TributaryError(
        'delta.schema',
        `Two columns are named ${JSON.stringify(name)}, ignoring case.`,
      );
    seen.add(key);
  }
  return JSON.stringify({ type: 'struct', fields });
}

/** Reads a metaData action's schemaString. Throws `delta.invalid`; `where` names the table and version. */
export function parseSchema(schemaString: string, where: string): Field[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(schemaString);
  } catch (cause) {
    throw new TributaryError('delta.invalid', `${where}: the schema is not JSON.`, { cause });
  }
  const fields = (parsed as { fields?: unknown } | null)?.fields;
  if (!Array.isArray(fields))
    throw new TributaryError('delta.invalid', `${where}: the schema is not a struct.`);
  return fields.map((raw: Partial<Field> | null) => {
    const typeName = unknownTypeName(raw?.type);
    if (typeof raw?.name !== 'string' || typeName === undefined) {
      throw new TributaryError(
        'delta.invalid',
        `${where}: the schema holds a field we cannot read: ${JSON.stringify(raw)}.`,
      );
    }
    const type = isKnownType(raw.type) ? raw.type : { type: 'unknown' as const, name: typeName };
    return { name: raw.name, type, nullable: raw.nullable !== false, metadata: raw.metadata ?? {} };
  });
}

/** The name of a type that is not implemented; undefined if the value is no type. */
function unknownTypeName(type: unknown): string | undefined {
  const name = typeof type === 'object' && type !== null ? (type as { type?: unknown }).type : type;
  return typeof name === 'string' ? name : undefined;
}

function isKnownType(type: unknown): type is DataType {
  if (typeof type === 'string')
    return (
      isWritableType(type) ||
      type === 'timestamp_ntz' ||
      type === 'void' ||
      /^decimal\(\d+,\s*\d+\)$/.test(type)
    );
  return (
    typeof type === 'object' &&
    type !== null &&
    ['struct', 'array', 'map'].includes((type as NestedType).type)
  );
}

/** Why rows of `wanted` cannot be written into a table of `existing`, or undefined when they can. */
export function schemaMismatch(existing: readonly Field[], wanted: readonly Field[]): string | undefined {
  const byName = new Map(existing.map((column) => [column.name.toLowerCase(), column]));
  for (const column of wanted) {
    const there = byName.get(column.name.toLowerCase());
    if (!there) return `the table has no column ${column.name}`;
    if (there.name !== column.name)
      return `the table's column ${there.name} differs in case from ${column.name}`;
    if (there.type !== column.type)
      return `the table's column ${column.name} is ${describeType(there.type)}, wanted is ${describeType(column.type)}`;
    if (column.nullable && !there.nullable) return `the table's column ${column.name} takes no nulls`;
    byName.delete(column.name.toLowerCase());
  }
  const required = [...byName.values()].find((column) => !column.nullable);
  return required && `the table's column ${required.name} must have a value`;
}

/** What to do about a mismatch of schemas. */
export const mismatchAdvice =
  'Set the column back to what the table has, or give it a new name, which adds it to the table. Rows that are there stay as they are.';

/** A schema as errors show it: "id long not null, name string". */
export const describeSchema = (fields: readonly Field[]): string =>
  fields
    .map(({ name, type, nullable }) => `${name} ${describeType(type)}${nullable ? '' : ' not null'}`)
    .join(', ');

export const describeType = (type: DataType): string =>
  typeof type === 'string' ? type : type.type === 'unknown' ? type.name : type.type;

/** Whether the values of a column of this type can be read. */
export const isReadableType = (type: DataType): boolean =>
  typeof type === 'string' || type.type !== 'unknown';
