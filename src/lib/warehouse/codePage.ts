/*
 * Windows-1252, the code page of varchar columns under SQL_Latin1_General_CP1_CI_AS, which dedicated SQL pools and SQL Server have by
 * default. A character that it does not have would be stored as a question mark.
 */

/** The collation with which text columns are made, so that they have this code page in every database. */
export const textCollation = 'SQL_Latin1_General_CP1_CI_AS';

/** The characters of the code page from 0x80 to 0x9f. It has none at 0x81, 0x8d, 0x8f, 0x90 and 0x9d. */
const upper = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';
const between = new Set(Array.from(upper, (character) => character.charCodeAt(0)));

/**
 * The first character of a text that a varchar column would not keep; undefined if it keeps all. NUL is one, because staged files cannot
 * contain it.
 */
export function outsideCodePage(text: string): string | undefined {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0 && code < 0x80) continue;
    if (code >= 0xa0 && code <= 0xff) continue;
    if (!between.has(code)) return String.fromCodePoint(text.codePointAt(index) ?? code);
  }
  return undefined;
}
