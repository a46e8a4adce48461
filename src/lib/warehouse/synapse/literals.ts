import { dayMs } from '../../duration';
import type { WarehouseType } from '../../streams/stream';
import type { Cell } from '../warehouse';

/** The length of a piece of a long text, because longer constants are not accepted everywhere. */
const pieceLength = 2000;

/** The name in brackets, `[name]`. It works for every name. */
export const quoteName = (name: string): string => `[${name.replaceAll(']', ']]')}]`;

export const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/**
 * A text as an expression of T-SQL; with `unicode` an nvarchar expression. A constant without N is first converted to the code page of the
 * database, so by default only ASCII is written without it. Quotes are doubled. Line breaks are written as character codes, because a
 * backslash before a line break removes both (the line continuation of string constants). NUL is written as a code too.
 */
export function quoteText(text: string, unicode = !isAscii(text)): string {
  const prefix = unicode ? 'N' : '';
  const constant = (part: string) => `${prefix}'${part.replaceAll("'", "''")}'`;
  if (text.length <= pieceLength && !/[\r\n\0]/.test(text)) return constant(text);
  const pieces = text
    .split(/([\r\n\0])/)
    .filter((part) => part !== '')
    .flatMap((part) =>
      /^[\r\n\0]$/.test(part)
        ? [`${unicode ? 'NCHAR' : 'CHAR'}(${part.charCodeAt(0)})`]
        : cut(part).map(constant),
    );
  // Concatenating short types is cut at 8,000 bytes. A max type at the beginning makes the whole expression a max type.
  const first =
    text.length > pieceLength ? `CAST(${prefix}'' AS ${unicode ? 'nvarchar' : 'varchar'}(max))` : '';
  return `(${[first, ...pieces].filter((part) => part !== '').join(' + ')})`;
}

/** A text in the form in which a LIKE pattern finds exactly this text. */
export const escapeLike = (text: string): string => text.replace(/[[%_]/g, '[$&]');

/** The number of string constants in T-SQL without comments. A doubled quote does not end a constant. */
export function countConstants(sql: string): number {
  let count = 0;
  for (let quote = sql.indexOf("'"); quote >= 0; quote = sql.indexOf("'", quote + 1)) {
    count++;
    quote = sql.indexOf("'", quote + 1);
    while (quote >= 0 && sql[quote + 1] === "'") quote = sql.indexOf("'", quote + 2);
    if (quote < 0) break;
  }
  return count;
}

/** Splits a text into pieces, but never within a surrogate pair. */
function cut(text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + pieceLength, text.length);
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

/** Microseconds since 1970 UTC as ISO 8601 without a zone, with this number of digits after the second. */
export function formatTime(micros: number | bigint, digits: 3 | 6): string {
  const millis =
    typeof micros === 'bigint' ? micros / 1000n - (micros % 1000n < 0n ? 1n : 0n) : Math.floor(micros / 1000);
  const text = new Date(Number(millis)).toISOString().slice(0, -1);
  if (digits === 3) return text;
  const rest = typeof micros === 'bigint' ? micros - BigInt(millis) * 1000n : micros - Number(millis) * 1000;
  return `${text}${String(rest).padStart(3, '0')}`;
}

/** A value as the text of a constant or of a staged file. Floats are in E-notation, with all their digits. */
export function formatCell(cell: Exclude<Cell, null>, type: WarehouseType): string {
  if (type === 'float') return Number(cell).toExponential();
  if (type === 'bit') return cell === true ? '1' : '0';
  if (type === 'datetime') return formatTime(cell as number | bigint, 3);
  if (type === 'datetime2(6)') return formatTime(cell as number | bigint, 6);
  if (type === 'date') return new Date(Number(cell) * dayMs).toISOString().slice(0, 10);
  return String(cell);
}

/** Types whose constants are written in quotes. */
export const isQuoted = (type: WarehouseType): boolean => /^(?:n?varchar|date)/.test(type);

/** The type of a text column whose constants begin with N. Above a length of 4000, nvarchar needs `max`. */
const unicodeType = (type: WarehouseType): string =>
  type.startsWith('varchar') ? (Number(type.slice(8, -1)) > 4000 ? 'nvarchar(max)' : `n${type}`) : type;

/** One value as an expression. `typed` adds a cast, which the first row of a UNION ALL and every null need. */
export function literal(cell: Cell, type: WarehouseType, typed: boolean): string {
  if (cell === null) return `CAST(NULL AS ${type})`;
  const text = formatCell(cell, type);
  const unicode = type.startsWith('nvarchar') || (type.startsWith('varchar') && !isAscii(text));
  const constant = isQuoted(type) ? quoteText(text, unicode) : text;
  // A cast to varchar would convert the text to the code page of the database, which may differ from that of the column.
  return typed ? `CAST(${constant} AS ${unicode ? unicodeType(type) : type})` : constant;
}
