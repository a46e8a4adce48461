import { type CodePage, inCodePage, lengthIn } from './codePages';
import { SqlError, type SqlValue } from './syntax';

/*
 * Converts values to the types of columns, with the errors of the real server. Values are changed silently only where SQL Server does so
 * too, so that tests can notice it.
 */

export function convert(value: SqlValue, type: string, codePage: CodePage): SqlValue {
  if (value === null) return null;
  const text = /^(n?)varchar\((\d+|max)\)$/.exec(type);
  if (text) {
    const length = text[2] === 'max' ? Number.POSITIVE_INFINITY : Number(text[2]);
    return toText(String(value), length, text[1] === 'n' ? undefined : codePage);
  }
  switch (type) {
    case 'bigint':
      return toInteger(value, 64);
    case 'int':
      return Number(toInteger(value, 32));
    case 'smallint':
      return Number(toInteger(value, 16));
    case 'decimal(38,0)':
      return toInteger(value, 128);
    case 'bit':
      return Number(value) === 0 ? 0 : 1;
    case 'float':
      return Number(value);
    case 'datetime':
      return toTime(value, 3, Date.UTC(1753, 0, 1), true);
    case 'datetime2(6)':
      return toTime(value, 6, Date.parse('0001-01-01T00:00:00Z'), false);
    case 'date':
      if (typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value)) return value;
      throw new SqlError(241, 'Conversion failed when converting date from character string.');
    default:
      throw new SqlError(2715, `Cannot find data type ${type}.`);
  }
}

function toText(value: string, length: number, codePage: CodePage | undefined): string {
  const stored = codePage === undefined ? value : inCodePage(value, codePage);
  const needed = codePage === undefined ? stored.length : lengthIn(stored, codePage);
  if (needed > length) throw new SqlError(8152, 'String or binary data would be truncated.');
  return stored;
}

function toInteger(value: SqlValue, bits: number): bigint {
  if (typeof value === 'number' && !Number.isInteger(value))
    throw new SqlError(8114, 'Error converting data type.');
  const integer = BigInt(value ?? 0);
  if (BigInt.asIntN(bits, integer) !== integer) throw new SqlError(8115, 'Arithmetic overflow error.');
  return integer;
}

/** Microseconds since 1970. datetime rounds to 1/300 s. */
function toTime(value: SqlValue, digits: number, least: number, rounds: boolean): bigint {
  // A CAST has already converted the value.
  if (typeof value === 'bigint') return value;
  const found = new RegExp(`^(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d)\\.(\\d{${digits}})$`).exec(
    String(value),
  );
  if (!found) throw new SqlError(241, `Conversion failed when converting date and time from "${value}".`);
  const seconds = Date.parse(`${found[1]}Z`);
  const fraction = Number((found[2] ?? '').padEnd(6, '0'));
  if (Number.isNaN(seconds) || seconds < least) throw new SqlError(242, 'Out-of-range value.');
  const micros = rounds ? Math.round((fraction * 300) / 1e6) : fraction;
  if (rounds && micros === 300 && found[1] === '9999-12-31T23:59:59')
    throw new SqlError(242, 'Out-of-range value.');
  return BigInt(seconds) * 1000n + BigInt(rounds ? Math.round((micros * 1e6) / 300) : micros);
}
