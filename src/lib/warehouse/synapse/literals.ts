import type { WarehouseType } from '../../streams/stream';
import type { Cell } from '../warehouse';

/** A piece of a long text: longer constants are not taken everywhere. */
const pieceLength = 2000;

/** `[name]`, whatever the name. */
export const quoteName = (name: string): string => `[${name.replaceAll(']', ']]')}]`;

/**
 * Text as an expression of T-SQL. Quotes are doubled. Line breaks are written as character codes, for a backslash in front of
 * one would swallow both (the line continuation of string constants), and NUL too. With `unicode` an nvarchar expression.
 */
export function quoteText(text: string, unicode = false): string {
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
  // Concatenating short types stops at 8,000 bytes; a max type first makes the whole one.
  const first =
    text.length > pieceLength ? `CAST(${prefix}'' AS ${unicode ? 'nvarchar' : 'varchar'}(max))` : '';
  return `(${[first, ...pieces].filter((part) => part !== '').join(' + ')})`;
}

/** How many string constants there are in a text of T-SQL without comments. A doubled quote ends none. */
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

/** Cuts a text into pieces, never through a surrogate pair. */
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

/** Microseconds since 1970 UTC as ISO 8601 without a zone, with so many digits of a second. */
export function formatTime(micros: number | bigint, digits: 3 | 6): string {
  const millis =
    typeof micros === 'bigint' ? micros / 1000n - (micros % 1000n < 0n ? 1n : 0n) : Math.floor(micros / 1000);
  const text = new Date(Number(millis)).toISOString().slice(0, -1);
  if (digits === 3) return text;
  const rest = typeof micros === 'bigint' ? micros - BigInt(millis) * 1000n : micros - Number(millis) * 1000;
  return `${text}${String(rest).padStart(3, '0')}`;
}

/** A value as text: what stands in a constant, and in a staged file. Floats in E-notation, with all their digits. */
export function formatCell(cell: Exclude<Cell, null>, type: WarehouseType): string {
  if (type === 'float') return Number(cell).toExponential();
  if (type === 'bit') return cell === true ? '1' : '0';
  if (type === 'datetime') return formatTime(cell as number | bigint, 3);
  if (type === 'datetime2(6)') return formatTime(cell as number | bigint, 6);
  if (type === 'date') return new Date(Number(cell) * 86_400_000).toISOString().slice(0, 10);
  return String(cell);
}

/** Types whose constants are written in quotes. */
export const isQuoted = (type: WarehouseType): boolean => /^(?:n?varchar|date)/.test(type);

/** One value as an expression; `typed` makes it say its type, as the first row of a UNION ALL and every null must. */
export function literal(cell: Cell, type: WarehouseType, typed: boolean): string {
  if (cell === null) return `CAST(NULL AS ${type})`;
  const text = formatCell(cell, type);
  const constant = isQuoted(type) ? quoteText(text, type.startsWith('nvarchar')) : text;
  return typed ? `CAST(${constant} AS ${type})` : constant;
}
