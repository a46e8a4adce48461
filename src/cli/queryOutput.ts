import { formatCsvLine } from '../lib/api/csv';
import { inert, inertInLine } from '../lib/inert';
import type { QueryColumn, QueryResult } from '../lib/lakeQuery/lakeDatabase';
import { count, quantity } from '../lib/quantity';
import { cellText, cutText, formatTable } from './textTable';

/*
 * Prints the rows of a query on stdout: as a table for people, or in full as CSV or JSON for other programs. In every form, text cannot
 * control the terminal.
 */

export type Format = 'table' | 'csv' | 'json';

export interface OutputOptions {
  readonly format: Format;
  /** How many rows a table shows at most. */
  readonly mostRows: number;
}

/** Aborted to stop printing rows. */
interface Stoppable {
  readonly signal: AbortSignal;
}

/** The most columns of the terminal that a cell of a table takes. */
const mostPlaces = 60;

/** @throws the signal's reason */
export async function printResult(
  result: QueryResult,
  { format, mostRows, signal }: OutputOptions & Stoppable,
): Promise<void> {
  if (format === 'csv') return printCsv(result, signal);
  if (format === 'json') return printJson(result, signal);
  const { columns, count: total } = result;
  const rows: string[][] = [];
  for await (const some of result.rows()) {
    for (const row of some.slice(0, mostRows - rows.length))
      rows.push(row.map((value) => cutText(cellText(value), mostPlaces)));
    if (rows.length >= mostRows) break;
  }
  const titles = columns.map(({ name, isNumber }) => ({ title: name, isRight: isNumber }));
  for (const line of formatTable(titles, rows)) console.log(line);
  const shown =
    rows.length < total
      ? `, of which these are the first ${count(rows.length)}: "npm run query -- --rows N" shows more`
      : '';
  console.log(`(${quantity(total, 'row')}${shown})`);
}

async function printCsv({ columns, rows }: QueryResult, signal: AbortSignal): Promise<void> {
  process.stdout.write(formatCsvLine(columns.map(({ name }) => inert(name))));
  for await (const some of rows()) {
    signal.throwIfAborted();
    const lines = some.map((row) => formatCsvLine(row.map((value, index) => csvCell(value, columns[index]))));
    process.stdout.write(lines.join(''));
  }
}

/** A value as a cell. Only numbers that JavaScript holds exactly arrive as numbers; all others are texts of digits. */
function csvCell(value: unknown, column: QueryColumn | undefined): string | number | null {
  if (value === null || typeof value === 'number') return value;
  if (column?.isNumber && String(Number(value)) === value) return Number(value);
  return inert(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** A list of objects, each in its own line. */
async function printJson({ columns, rows }: QueryResult, signal: AbortSignal): Promise<void> {
  const names = columns.map(({ name }) => JSON.stringify(name));
  let before = '[\n';
  for await (const some of rows()) {
    signal.throwIfAborted();
    for (const row of some) {
      const members = row.map((value, index) => `${names[index]}: ${jsonText(value, columns[index])}`);
      process.stdout.write(`${before}${inertInLine(`{${members.join(', ')}}`)}`);
      before = ',\n';
    }
  }
  process.stdout.write(before === ',\n' ? '\n]\n' : '[]\n');
}

/** A value as JSON. Numbers that are texts of digits are written digit by digit, because JSON has numbers of any length. */
const jsonText = (value: unknown, column: QueryColumn | undefined): string =>
  column?.isNumber && typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value)
    ? value
    : JSON.stringify(value);
