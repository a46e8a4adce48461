import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { dayMs } from '../../duration';
import { nextTurn } from '../../nextTurn';
import type { ObjectInfo, ObjectStore } from '../../storage/objectStore';
import type { WarehouseTable } from '../../streams/stream';
import type { Cell, PreparedRows } from '../warehouse';
import { formatCell, quoteName, quoteText } from './literals';
import { quoteTable } from './tables';

const compress = promisify(gzip);

/** The folder of files for COPY. Its name must not begin with `_` or `.`, because COPY silently skips such files. */
export const stagingPrefix = 'warehouse-staging/';

/** A staged file that is older than this, in milliseconds, was left behind. No load takes as long. */
const leftAfterMs = dayMs;

/**
 * Deletes the files of processes that were killed during a load. Call it while a file of this process exists that was just written: ages
 * are measured from the newest file, and so by the store's clock.
 */
export async function deleteLeftFiles({ store }: Pick<Staging, 'store'>): Promise<void> {
  const files: ObjectInfo[] = [];
  for await (const file of store.list(stagingPrefix)) files.push(file);
  const newest = Math.max(...files.map(({ lastModified }) => lastModified.getTime()));
  for (const { path, lastModified } of files)
    if (newest - lastModified.getTime() >= leftAfterMs) await store.delete(path);
}

/** The place where loads stage files: a store, and the URLs under which the SQL pool sees its paths. */
export interface Staging {
  readonly store: ObjectStore;
  urlOf(path: string): string;
}

/**
 * Whether a cell can be in a staged file. COPY reads an empty field as null, and does not promise to read line breaks within quotes. So
 * rows with such texts are inserted instead.
 */
const fitsCsv = (cell: Cell) => typeof cell !== 'string' || (cell !== '' && !/[\r\n]/.test(cell));

/** Divides rows into those that can be in a staged file, and the others. */
export const splitForCopy = (rows: PreparedRows): SplitRows => splitRows(rows, fitsCsv);

export interface SplitRows {
  /** The rows that fit. No rejected rows are among them. */
  readonly staged: PreparedRows;
  readonly others: PreparedRows;
}

/** Divides rows into those all of whose cells fit, and the others. */
export function splitRows(rows: PreparedRows, fits: (cell: Cell, column: number) => boolean): SplitRows {
  const awkward = new Set<number>();
  for (const [index, column] of rows.columns.entries())
    for (const [row, cell] of column.entries()) if (!fits(cell, index)) awkward.add(row);
  if (awkward.size === 0) {
    const none = { columns: rows.columns.map(() => []), count: 0, rejected: rows.rejected };
    return { staged: { ...rows, rejected: [] }, others: none };
  }
  const pick = (wanted: (row: number) => boolean) =>
    rows.columns.map((column) => column.filter((_, row) => wanted(row)));
  return {
    staged: {
      columns: pick((row) => !awkward.has(row)),
      count: rows.count - awkward.size,
      rejected: [],
    },
    others: { columns: pick((row) => awkward.has(row)), count: awkward.size, rejected: rows.rejected },
  };
}

/** How many rows of CSV are written at a time. */
const pieceRows = 2048;

/**
 * The rows as gzipped CSV: UTF-8, `\n` after every row, quotes around texts, nothing for null. Other work goes on between two pieces
 * of them.
 */
export async function encodeCsv(table: WarehouseTable, rows: PreparedRows): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let start = 0; start < rows.count; start += pieceRows) {
    if (start > 0) await nextTurn();
    pieces.push(Buffer.from(csvLines(table, rows, start, Math.min(start + pieceRows, rows.count))));
  }
  return compress(Buffer.concat(pieces));
}

function csvLines(table: WarehouseTable, { columns }: PreparedRows, start: number, end: number): string {
  const lines: string[] = [];
  for (let row = start; row < end; row++) {
    const fields = table.columns.map(({ type }, index) => {
      const cell = columns[index]?.[row] ?? null;
      if (cell === null) return '';
      const text = formatCell(cell, type);
      return typeof cell === 'string' ? `"${text.replaceAll('"', '""')}"` : text;
    });
    lines.push(`${fields.join(',')}\n`);
  }
  return lines.join('');
}

/** COPY from a staged file. Without MAXERRORS = 0, rows could be dropped silently. */
export function copyInto(stage: WarehouseTable, url: string): string {
  const columns = stage.columns.map(({ name }, index) => `${quoteName(name)} ${index + 1}`).join(', ');
  return `COPY INTO ${quoteTable(stage)} (${columns}) FROM ${quoteText(url)} WITH (FILE_TYPE = 'CSV', COMPRESSION = 'Gzip', FIELDQUOTE = '"', FIELDTERMINATOR = ',', ROWTERMINATOR = '0x0A', ENCODING = 'UTF8', DATEFORMAT = 'ymd', MAXERRORS = 0, CREDENTIAL = (IDENTITY = 'Managed Identity'));`;
}
