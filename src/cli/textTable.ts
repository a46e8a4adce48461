import { inertInLine } from '../lib/inert';

export interface TextColumn {
  readonly title: string;
  /** True to align the cells to the right, as for numbers. */
  readonly isRight?: boolean;
}

/**
 * Rows as lines of text, in columns below their titles.
 * @param rows cells of one line, which must be inert
 */
export function formatTable(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string[] {
  const titles = columns.map(({ title }) => inertInLine(title));
  const lines = [titles, ...rows];
  const widths = columns.map((_, index) =>
    lines.reduce((most, cells) => Math.max(most, textWidth(cells[index] ?? '')), 0),
  );
  return lines.map((cells) =>
    columns
      .map(({ isRight = false }, index) => pad(cells[index] ?? '', widths[index] ?? 0, isRight))
      .join('  ')
      .trimEnd(),
  );
}

function pad(text: string, width: number, isRight: boolean): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(text)));
  return isRight ? blanks + text : text + blanks;
}

/** A value of a query as a cell of one line. */
export const cellText = (value: unknown): string =>
  value === null || value === undefined
    ? 'NULL'
    : value instanceof Date
      ? value.toISOString()
      : inertInLine(typeof value === 'object' ? JSON.stringify(value) : String(value));

/** Characters that take two columns of a terminal: those of East Asian scripts, and pictures. */
const isWide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const isInvisible = /\p{Mark}|\p{Format}/u;
const isPlain = /^[\x20-\x7e]*$/;

/** How many columns of a terminal a text takes. */
export function textWidth(text: string): number {
  if (isPlain.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += isInvisible.test(character) ? 0 : isWide.test(character) ? 2 : 1;
  return width;
}

/** A text shortened to at most `most` columns of a terminal. If something is left out, it ends with an ellipsis. */
export function cutText(text: string, most: number): string {
  if (textWidth(text) <= most) return text;
  let cut = '';
  let width = 0;
  for (const character of text) {
    width += textWidth(character);
    if (width > most - 1) break;
    cut += character;
  }
  return `${cut}…`;
}
