import type { Add } from '../delta/actions';
import { dataFilePath, describeVersion } from '../delta/log';
import { dataFile } from '../delta/openDataFile';
import { readRowGroups } from '../delta/parquet/read';
import type { ReadValue } from '../delta/schema';
import type { Snapshot } from '../delta/state';

/** Files that are read at once. */
const parallel = 4;

/** One row of the wanted columns, in their order; `add` is the file that holds it. */
export type RowVisitor = (row: readonly ReadValue[], add: Add) => void;

export interface VisitOptions {
  readonly snapshot: Snapshot;
  readonly columns: readonly string[];
  /** Live files that need not be read; none unless told. */
  readonly skip?: (add: Add) => boolean;
  /** Gets the same array each time, filled anew. */
  readonly visit: RowVisitor;
}

/**
 * Hands over every row of the live files, of the wanted columns alone, in no order. The memory it needs is that of a few
 * row groups, however large the table is.
 * @throws `parquet.invalid` naming table, version and file
 */
export async function visitRows({ snapshot, columns, skip, visit }: VisitOptions): Promise<void> {
  const files = snapshot.files.values();
  const readNext = async () => {
    for (const add of files) if (!skip?.(add)) await visitFile(snapshot, add, columns, visit);
  };
  await Promise.all(Array.from({ length: parallel }, readNext));
}

async function visitFile(
  { at, version }: Snapshot,
  add: Add,
  wanted: readonly string[],
  visit: RowVisitor,
): Promise<void> {
  const path = dataFilePath(at, add.path, version);
  const where = `${describeVersion(at, version)}, file ${add.path}`;
  const source = dataFile({ store: at.store, path, where }, add.size);
  const row: ReadValue[] = new Array(wanted.length).fill(null);
  for await (const { numRecords, columns } of readRowGroups({ source, columns: wanted, where })) {
    const values = wanted.map((name) => columns.get(name));
    for (let at = 0; at < numRecords; at++) {
      for (let column = 0; column < wanted.length; column++) row[column] = values[column]?.[at] ?? null;
      visit(row, add);
    }
  }
}

/** Whether a file's statistics say that no row has this value in the column; false when they say nothing. */
export function excludes(add: Add, column: string, value: number): boolean {
  const { minValues, maxValues } = readStats(add.stats);
  const min = minValues?.[column];
  const max = maxValues?.[column];
  return (typeof min === 'number' && value < min) || (typeof max === 'number' && value > max);
}

function readStats(stats: string | undefined): {
  minValues?: Record<string, unknown>;
  maxValues?: Record<string, unknown>;
} {
  try {
    return JSON.parse(stats ?? '{}');
  } catch {
    // Statistics of other writers may be anything; without them a file is read.
    return {};
  }
}
