import type { Add } from '../delta/actions';
import { type FileRows, readDataFile, readDataFileGroups } from '../delta/readDataFile';
import type { ReadValue } from '../delta/schema';
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

/** The live files whose statistics do not exclude that a row has such a value in the column. */
export const filesWith = (
  snapshot: Snapshot,
  column: string,
  isWanted: (range: ValueRange) => boolean,
): Add[] => [...snapshot.files.values()].filter((file) => isWanted(rangeOf(file, column)));

/** The values that a file may hold in a column of numbers; without limits where its statistics do not say. */
export interface ValueRange {
  readonly least: number;
  readonly most: number;
}

export const holds = ({ least, most }: ValueRange, value: number): boolean => value >= least && value <= most;

function rangeOf({ stats }: Add, column: string): ValueRange {
  const { minValues, maxValues } = boundsOf(stats);
  const [least, most] = [minValues?.[column], maxValues?.[column]];
  return {
    least: typeof least === 'number' ? least : Number.NEGATIVE_INFINITY,
    most: typeof most === 'number' ? most : Number.POSITIVE_INFINITY,
  };
}

type Bounds = Readonly<Record<string, unknown>>;

function boundsOf(stats: string | undefined): { minValues?: Bounds; maxValues?: Bounds } {
  try {
    return JSON.parse(stats ?? '{}') ?? {};
  } catch {
    // Statistics of other writers may be anything; without them a file is read.
    return {};
  }
}
