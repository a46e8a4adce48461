import type { FileProgress } from '../../lake/scanRows';
import { pauseFor } from '../../pauseFor';
import { readLedgerPosition } from '../ledgerPosition';
import { type DifferentRow, DifferentRows } from './differentRows';
import { countRejected, openLoadedVersion, readLake, readSlice, sliceLake } from './sides';
import { SliceSum } from './sliceSum';
import type { Sides, Slice, Slices } from './slices';

/** How often rows are compared before they count as different. A load that has not ended makes rows differ for a short time. */
const looks = 3;
/** How many slices are compared row by row at once. */
const slicesAtOnce = 10;

export interface CheckOptions extends Sides {
  /** How long to wait between two comparisons, in milliseconds; by default three seconds. */
  readonly pauseMs?: number;
  /** Called while the warehouse is read. */
  readonly onSlice?: FileProgress;
}

/** A slice whose rows are not those of the lake. */
export interface DifferentSlice {
  readonly slice: Slice;
  /** The number of rows in the warehouse. The next member is the number in the lake. */
  readonly rows: number;
  readonly wanted: number;
  /** The columns whose checksums differ. */
  readonly columns: readonly string[];
}

export interface Checked {
  /** The version that the ledger named. */
  readonly version: number;
  /** The number of rows in the warehouse's table. */
  readonly rows: number;
  readonly rejected: number;
  readonly different: readonly DifferentRow[];
  /** Further slices that differ, whose rows were not compared one by one. */
  readonly unread: readonly DifferentSlice[];
  /** How many rejected rows there should be; undefined if their number is right. */
  readonly rejectedWanted: number | undefined;
}

/**
 * Compares a table with the lake at the version that the ledger names. For each slice it compares the number of rows, and checksums of each
 * column and of whole rows. The values of the lake are first fitted to the columns, as for a load. Slices that differ are compared row by
 * row. Loads may go on meanwhile: a row counts as different only if it differs in several comparisons.
 * @throws what `openLoadedVersion` throws; `warehouse.*`, `storage.*`, `delta.*`, `parquet.*`
 */
export async function checkTable(options: CheckOptions): Promise<Checked> {
  const snapshot = await openLoadedVersion(options);
  const slices = await sliceLake(options, snapshot);
  const wanted = slices.all.map(() => new SliceSum(options.table));
  const rejectedWanted = await readLake(options, snapshot, (row) => wanted[slices.indexOf(row)]?.add(row));
  let rows = 0;
  const suspects: DifferentSlice[] = [];
  for (const [index, slice] of slices.all.entries()) {
    const [sum, expected] = [new SliceSum(options.table), wanted[index] ?? new SliceSum(options.table)];
    for (const row of await readSlice(options, slice)) sum.add(row);
    rows += sum.rows;
    options.onSlice?.(index + 1, slices.all.length);
    if (sum.isEqual(expected)) continue;
    const columns = sum.differences(expected, options.table);
    suspects.push({ slice, rows: sum.rows, wanted: expected.rows, columns });
  }
  const rejected = await countRejected(options);
  const { version } = await readLedgerPosition(options.warehouse, options.table);
  // Only loads add rejected rows.
  const isOdd = version === snapshot.version ? rejected !== rejectedWanted : rejected < rejectedWanted;
  return {
    ...{ version: snapshot.version, rows, rejected },
    ...(await compareRows(options, slices, suspects)),
    rejectedWanted: isOdd ? rejectedWanted : undefined,
  };
}

/** Compares slices row by row, until differences are found. */
async function compareRows(
  options: CheckOptions,
  slices: Slices,
  suspects: readonly DifferentSlice[],
): Promise<Pick<Checked, 'different' | 'unread'>> {
  for (let at = 0; at < suspects.length; at += slicesAtOnce) {
    const some = suspects.slice(at, at + slicesAtOnce).map(({ slice }) => slice);
    const different = await compareOften(options, slices, some);
    if (different.length > 0) return { different, unread: suspects.slice(at + slicesAtOnce) };
  }
  return { different: [], unread: [] };
}

/** The rows that differ in every comparison. */
async function compareOften(
  options: CheckOptions,
  slices: Slices,
  some: readonly Slice[],
): Promise<DifferentRow[]> {
  let different = await compareOnce(options, slices, some);
  for (let look = 1; look < looks && different.size > 0; look++) {
    const { pauseMs = 3000, signal } = options;
    // If it was aborted, the next comparison throws.
    await pauseFor(pauseMs, signal);
    const again = await compareOnce(options, slices, some);
    different = new Map([...again].filter(([key]) => different.has(key)));
  }
  return [...different.values()];
}

/** Compares slices once. The warehouse is read first, so that the lake's version, which is read after it, has all of its rows. */
async function compareOnce(
  options: CheckOptions,
  slices: Slices,
  some: readonly Slice[],
): Promise<Map<string, DifferentRow>> {
  const rows = new DifferentRows(options);
  for (const slice of some) for (const row of await readSlice(options, slice)) rows.add(row, 'warehouse');
  const places = new Set(some.map((slice) => slices.all.indexOf(slice)));
  await readLake(options, await openLoadedVersion(options), (row) => {
    if (places.has(slices.indexOf(row))) rows.add(row, 'lake');
  });
  return rows.all();
}
