import type { Add } from '../delta/actions';
import { type FileRows, readDataFile, readDataFileGroups } from '../delta/readDataFile';
import { type ColumnStatistics, parseStatistics } from '../delta/readStatistics';
import type { Field, ReadValue } from '../delta/schema';
import type { Snapshot, TableState } from '../delta/state';
import { inParallel } from '../inParallel';

/** How many files are read at once, whoever reads them. */
const parallelFiles = 8;

/** Which columns of which files are read. */
export interface Scan {
  /** Where the files are; its version is named in errors. */
  readonly state: TableState;
  readonly files: Iterable<Add>;
  /** What the table or a file does not have is null. */
  readonly columns: readonly string[];
}

/** Rows that lie together in one file. */
export interface RowGroup extends FileRows {
  readonly file: Add;
  /** The place of its first row in the file. */
  readonly firstRow: number;
}

/**
 * Hands over the rows of data files, of the wanted columns alone, a row group at a time, in no order. The memory it needs is
 * that of a few row groups, however large the table is. The first failure ends all reading, and is thrown when no read is
 * under way any more.
 * @throws `parquet.invalid` naming table, version and file when one is gone, damaged or of another schema; what `take` throws
 */
export async function scanRowGroups(
  { state, files, columns }: Scan,
  take: (group: RowGroup) => void,
): Promise<void> {
  await inParallel(files, parallelFiles, async (file, givenUp) => {
    let firstRow = 0;
    for await (const group of readDataFileGroups(state, file, columns)) {
      if (givenUp.aborted) return;
      take({ ...group, file, firstRow });
      firstRow += group.numRecords;
    }
  });
}

/**
 * The same, row by row: `visit` gets the values in the order of the columns, in an array that is filled anew for the next row,
 * and the file that holds them.
 */
export async function scanRows(
  scan: Scan,
  visit: (row: readonly ReadValue[], file: Add) => void,
): Promise<void> {
  const row: ReadValue[] = new Array(scan.columns.length).fill(null);
  await scanRowGroups(scan, ({ numRecords, columns, file }) => {
    const values = scan.columns.map((name) => columns.get(name));
    for (let at = 0; at < numRecords; at++) {
      for (let column = 0; column < row.length; column++) row[column] = values[column]?.[at] ?? null;
      visit(row, file);
    }
  });
}

/** Whole files in their order, for whoever holds the rows in memory anyway. Throws what `scanRowGroups` throws. */
export const readFiles = ({ state, files, columns }: Scan): Promise<FileRows[]> =>
  inParallel(files, parallelFiles, (file) => readDataFile(state, file, columns));

/** The live files whose statistics do not exclude that a row has such a value in a column of whole numbers. */
export function filesWith(
  { files, fields }: Snapshot,
  column: string,
  isWanted: (range: ValueRange) => boolean,
): Add[] {
  const field = fields.find(({ name }) => name === column);
  return [...files.values()].filter((file) => !field || isWanted(rangeOf(file, field)));
}

/** The values that a file may hold in a column of whole numbers; without limits where its statistics do not say. */
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

function boundsOf(file: Add, field: Field): ColumnStatistics {
  try {
    return parseStatistics(file, [field], file.path).columns.get(field.name) ?? {};
  } catch {
    // Statistics of other writers may be anything; without them a file is read.
    return {};
  }
}

const isWhole = (value: ReadValue | undefined): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';
