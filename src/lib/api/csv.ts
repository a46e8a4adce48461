type Cell = string | number | boolean | null;

export type Cells = readonly Cell[];

/**
 * The beginning of a text that a spreadsheet runs as a formula: one of the signs, also in full width, which spreadsheets of East Asian
 * languages treat alike. Blanks may come before it, because some spreadsheets drop them.
 */
const beginsFormula = /^(?:\s*[=+\-@＝＋－＠]|[\t\r\n])/;

/**
 * CSV (RFC 4180) with a line of titles. A text that a spreadsheet would run as a formula gets an apostrophe before it, which tells
 * the spreadsheet that the cell is text.
 */
export function formatCsv(titles: readonly string[], rows: Iterable<Cells>): string {
  let text = formatCsvLine(titles);
  for (const row of rows) text += formatCsvLine(row);
  return text;
}

/** One line of CSV, in the same form. */
export const formatCsvLine = (cells: Cells): string => `${cells.map(formatCell).join(',')}\r\n`;

function formatCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const harmless = beginsFormula.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
