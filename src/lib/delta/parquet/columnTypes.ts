import type { SchemaElement } from 'hyparquet';
import { describeType, type Field, type WritableType } from '../schema';

/** The types of columns that are written, in the words of parquetjs-lite. */
export const parquetTypes = {
  string: 'UTF8',
  long: 'INT64',
  integer: 'INT32',
  short: 'INT_16',
  byte: 'INT_8',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BYTE_ARRAY',
  date: 'DATE',
  timestamp: 'TIMESTAMP_MICROS',
} as const satisfies Record<WritableType, string>;

/**
 * Why a column of a Parquet file cannot be read as a column of a table, or undefined when it can. A wider physical type
 * is refused where values could be lost or mean something else; parquet-format, LogicalTypes.md, names the annotations.
 */
export function columnProblem(element: SchemaElement, { name, type }: Field): string | undefined {
  return holds(element, type)
    ? undefined
    : `column ${name} is ${describeElement(element)} there, ${describeType(type)} in the table`;
}

function holds(element: SchemaElement, type: Field['type']): boolean {
  const { type: physical } = element;
  const meaning = annotation(element);
  const isGroup = (element.num_children ?? 0) > 0 || element.repetition_type === 'REPEATED';
  if (typeof type !== 'string') return isGroup;
  if (isGroup) return false;
  switch (type) {
    case 'string':
      return physical === 'BYTE_ARRAY' && ['text', 'enum', 'json'].includes(meaning);
    case 'binary':
      return (physical === 'BYTE_ARRAY' || physical === 'FIXED_LEN_BYTE_ARRAY') && meaning === 'none';
    case 'byte':
    case 'short':
    case 'integer':
      return physical === 'INT32' && meaning === 'none';
    case 'long':
      return (physical === 'INT32' || physical === 'INT64') && meaning === 'none';
    case 'float':
      return physical === 'FLOAT';
    case 'double':
      return physical === 'FLOAT' || physical === 'DOUBLE';
    case 'boolean':
      return physical === 'BOOLEAN';
    case 'date':
      return physical === 'INT32' && meaning === 'date';
    case 'timestamp':
    case 'timestamp_ntz':
      return physical === 'INT96' || (physical === 'INT64' && meaning === 'timestamp');
    case 'void':
      return meaning === 'null';
    default:
      return meaning === 'decimal';
  }
}

/** The kind of values that an element stands for. It is `none` for integers of any width and sign. */
function annotation({ converted_type: converted, logical_type: logical }: SchemaElement): string {
  // Writers give both annotations. If they contradict each other, the file is damaged.
  if (converted === 'UTF8') return (logical?.type ?? 'STRING') === 'STRING' ? 'text' : 'contradictory';
  if (logical?.type === 'STRING') return 'text';
  if (logical?.type === 'INTEGER' || /^U?INT_/.test(converted ?? '')) return 'none';
  if (converted?.startsWith('TIMESTAMP')) return 'timestamp';
  return (logical?.type ?? converted ?? 'none').toLowerCase();
}

function describeElement(element: SchemaElement): string {
  const { type = 'a group', converted_type, logical_type } = element;
  const meaning = logical_type?.type ?? converted_type;
  return meaning ? `${type} (${meaning})` : type;
}
