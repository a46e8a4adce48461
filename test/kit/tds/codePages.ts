import { TextDecoder } from 'node:util';
import { SqlError } from './syntax';

/*
 * The code pages of varchar. A real server replaces a character that a column's code page does not have by a question mark. It does the
 * same with the constants of a batch by the database's code page, unless they begin with N.
 */

export type CodePage = 1251 | 1252 | 65001;

const collations: readonly (readonly [RegExp, CodePage])[] = [
  [/_UTF8$/i, 65001],
  [/^Cyrillic_/i, 1251],
  [/^(?:SQL_)?Latin1_General_/i, 1252],
];

export function codePageOf(collation: string): CodePage {
  const found = collations.find(([pattern]) => pattern.test(collation));
  if (!found) throw new SqlError(448, `Invalid collation '${collation}'.`);
  return found[1];
}

/** The characters of a code page, from the platform's tables. Our own table is not used, because it would be tested against itself. */
const charactersOf = (name: string) =>
  new Set(Array.from({ length: 256 }, (_, byte) => new TextDecoder(name).decode(Uint8Array.of(byte))));
const characters = new Map([
  [1251, charactersOf('windows-1251')],
  [1252, charactersOf('windows-1252')],
]);

/** The text as it is after it was stored in a code page. */
export function inCodePage(text: string, codePage: CodePage): string {
  const known = characters.get(codePage);
  return known ? Array.from(text, (one) => (known.has(one) ? one : '?')).join('') : text;
}

/** How much of the length of a varchar a text takes. */
export const lengthIn = (text: string, codePage: CodePage): number =>
  codePage === 65001 ? Buffer.byteLength(text) : text.length;

/** The collation of a database in five bytes, as TDS writes it: the language, flags, and the number of an old sort order. */
const collationBytes = new Map<CodePage, Buffer>([
  [1251, Buffer.from([0x19, 0x04, 0xd0, 0x00, 0x00])],
  [1252, Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34])],
  [65001, Buffer.from([0x09, 0x04, 0xd0, 0x24, 0x00])],
]);
const decoders = new Map<CodePage, TextDecoder>([
  [1251, new TextDecoder('windows-1251')],
  [1252, new TextDecoder('windows-1252')],
  [65001, new TextDecoder('utf-8')],
]);

export const bytesOfCollation = (collation: string): Buffer =>
  collationBytes.get(codePageOf(collation)) ?? Buffer.alloc(5);

/** The decoder for text with a collation in five bytes. */
export function decoderOf(collation: Buffer): TextDecoder {
  const found = [...collationBytes].find(([, bytes]) => bytes.equals(collation));
  const decoder = found && decoders.get(found[0]);
  if (!decoder) throw new SqlError(4816, 'Invalid collation from bcp client.');
  return decoder;
}
