import type { Add } from '../delta/actions';
import { type FileRows, readDataFile, readDataFileGroups } from '../delta/readDataFile';
import { type ColumnStatistics, parseStatistics } from '../delta/readStatistics';
import type { Field, ReadValue } from '../delta/schema';
import type { Snapshot, TableState } from '../delta/state';
import { inParallel } from '../inParallel';
import { nextTurn, rowsPerTurn } from '../nextTurn';

/** How many files one scan reads at once. */
const parallelFiles = 8;

/** The files and columns to read. */
export interface Scan {
  /** The table that the files belong to. Errors name its version. */
  readonly state: TableState;
  readonly files: Iterable<Add>;
  /** A column that the table or a file does not have reads as null. */
  readonly columns: readonly string[];
  /** Called after each file. */
  readonly onFile?: FileProgress | undefined;
}

/** Called with the number of files that were read, and the number of all files. */
export type FileProgress = (done: number, total: number) => void;

/** Rows that lie together in one file. */
export interface RowGroup extends FileRows {
  readonly file: Add;
  /** The position of its first row in the file. */
  readonly firstRow: number;
}

/**
 * Passes the rows of data files to `take`, one row group at a time, in no particular order. Only the wanted columns are read. Only a few
 * row groups are in memory, however large the table is, because the next one of a file is read after `take` has ended. After the first
 * failure no further read begins, and the failure is thrown when the reads that have begun have ended.
 * @throws `parquet.invalid`, naming table, version and file, if a file is gone, damaged or of another schema; what `take` throws
 */
export async function scanRowGroups(
  { state, files, columns, onFile }: Scan,
  take: (group: RowGroup) => void | Promise<void>,
): Promise<void> {
  const all = [...files];
  let done = 0;
  await inParallel(all, parallelFiles, async (file, givenUp) => {
    let firstRow = 0;
    for await (const group of readDataFileGroups(state, file, columns)) {
      if (givenUp.aborted) return;
      await take({ ...group, file, firstRow });
      firstRow += group.numRecords;
    }
    onFile?.(++done, all.length);
  });
}

/**
 * Like `scanRowGroups`, but row by row. `visit` gets the row's values in the order of the columns, and the row's file. The array of values
 * is reused for the next row, so `visit` must not keep it.
 */
export async function scanRows(
  scan: Scan,
  visit: (row: readonly ReadValue[], file: Add) => void,
): Promise<void> {
  const row: ReadValue[] = new Array(scan.columns.length).fill(null);
  await scanRowGroups(scan, async ({ numRecords, columns, file }) => {
    const values = scan.columns.map((name) => columns.get(name));
    for (let at = 0; at < numRecords; at++) {
      if (at > 0 && at % rowsPerTurn === 0) await nextTurn();
      for (let column = 0; column < row.length; column++) row[column] = values[column]?.[at] ?? null;
      visit(row, file);
    }
  });
}

/** Reads whole files, in their order, for callers that need all rows in memory. Throws what `scanRowGroups` throws. */
export const readFiles = ({ state, files, columns }: Scan): Promise<FileRows[]> =>
  inParallel(files, parallelFiles, (file) => readDataFile(state, file, columns));

/** The live files that may contain wanted values in a column of whole numbers, according to their statistics. */
export const filesWith = (
  snapshot: Snapshot,
  column: string,
  isWanted: (range: ValueRange) => boolean,
): Add[] => [...snapshot.files.values()].filter(mayContain(snapshot, column, isWanted));

/**
 * A function that decides about one file as `filesWith` does about all. It is for asking about two columns: a snapshot makes new file
 * objects each time it is listed, so the results of two calls of `filesWith` have no objects in common.
 */
export function mayContain(
  { fields }: Snapshot,
  column: string,
  isWanted: (range: ValueRange) => boolean,
): (file: Add) => boolean {
  const field = fields.find(({ name }) => name === column);
  return (file) => !field || isWanted(rangeOf(file, field));
}

/** The smallest and largest value that a file may have in a column of whole numbers; infinite if its statistics do not say. */
export interface ValueRange {
  readonly least: number | bigint;
  readonly most: number | bigint;
}

export const holds = ({ least, most }: ValueRange, value: number): boolean => value >= least && value <= most;

function rangeOf(file: Add, field: Field): ValueRange {
  const { min, max } = boundsOf(file, field);
  return {
    least: isWhole(min) ? min : Number.NEGATIVE_INFINITY,
    most: isWhole(max) ? max : Number.POSITIVE_INFINITY,
  };
}

/** The bounds of a column in a file, as far as its statistics have them. */
export function boundsOf(file: Add, field: Field): ColumnStatistics {
  try {
    return parseStatistics(file, [field], file.path).columns.get(field.name) ?? {};
  } catch {
    // Other writers may put anything into the statistics. If they cannot be used, nothing is known and the file is read.
    return {};
  }
}

const isWhole = (value: ReadValue | undefined): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';
