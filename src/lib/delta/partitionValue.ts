import { dayMs } from '../duration';
import { TributaryError } from '../errors';
import { describeType, type Field, type ReadValue } from './schema';

/**
 * The value of a partition column in memory form. It is not in the file, but as text in the file's add action (PROTOCOL.md, "Partition
 * Value Serialization"). Throws `delta.invalid` saying `where` if the text is no value of the type.
 */
export function partitionValue(
  { name, type }: Field,
  text: string | null | undefined,
  where: string,
): ReadValue {
  if (text === null || text === undefined || text === '') return null;
  const value = parse(type, text);
  if (value !== undefined) return value;
  throw new TributaryError(
    'delta.invalid',
    `${where}: the partition value ${JSON.stringify(text)} of column ${name} is no ${describeType(type)}.`,
  );
}

function parse(type: Field['type'], text: string): ReadValue | undefined {
  switch (type) {
    case 'string':
      return text;
    case 'byte':
    case 'short':
    case 'integer':
    case 'long': {
      if (!/^[+-]?\d{1,19}$/.test(text)) return undefined;
      const value = Number(text);
      return Number.isSafeInteger(value) ? value : BigInt(text);
    }
    case 'float':
    case 'double':
      return parseDouble(text);
    case 'boolean':
      return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined;
    case 'date': {
      const days = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) / dayMs : Number.NaN;
      return Number.isInteger(days) ? days : undefined;
    }
    case 'timestamp':
    case 'timestamp_ntz':
      return parseTimestamp(text);
    case 'binary':
      return Buffer.from(text, 'latin1');
    default:
      return typeof type === 'string' && type.startsWith('decimal') ? plainDecimal(text) : undefined;
  }
}

/** The digits of a number without an exponent; undefined if it is no number. delta-rs writes bounds of decimals with an exponent. */
function plainDecimal(text: string): string | undefined {
  const found = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,2}))?$/i.exec(text);
  if (!found) return undefined;
  const [, sign, whole = '', fraction = '', exponent] = found;
  if (exponent === undefined) return text;
  const point = whole.length + Number(exponent);
  const digits = '0'.repeat(Math.max(-point, 0)).concat(whole, fraction).padEnd(point, '0');
  const before = Math.max(point, 0);
  const [start, end] = [digits.slice(0, before) || '0', digits.slice(before)];
  return `${sign}${start}${end === '' ? '' : `.${end}`}`;
}

function parseDouble(text: string): number | undefined {
  if (/^NaN$/i.test(text)) return Number.NaN;
  const value = Number(text.replace(/^([+-]?)inf(inity)?$/i, '$1Infinity'));
  return Number.isNaN(value) ? undefined : value;
}

/** Microseconds from a text like `2024-01-31 12:30:00.123456`, in UTC, or from ISO 8601 with a zone. */
function parseTimestamp(text: string): number | undefined {
  const found = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (!found) return undefined;
  const seconds = Date.parse(`${found[1]}T${found[2]}${found[4] ?? 'Z'}`);
  return Number.isNaN(seconds) ? undefined : seconds * 1000 + Number((found[3] ?? '').padEnd(6, '0'));
}
