import type { Add, Commit } from '../delta/actions';
import { findGone } from '../delta/readDataFile';
import { recordsOf } from '../delta/readStatistics';
import { effectOnRows } from '../delta/rowEffect';
import type { TableState } from '../delta/state';
import { readFiles } from '../lake/scanRows';
import type { WarehouseTable } from '../streams/stream';
import { neededColumns, RowCollector } from './prepareRows';
import type { PreparedRows } from './warehouse';

/** Limits of one load. A single version may exceed them. */
export interface LoadLimits {
  readonly rows: number;
  /** The most bytes of data files. */
  readonly bytes: number;
}

export const defaultLimits: LoadLimits = { rows: 100_000, bytes: 64 * 1024 * 1024 };

/** Versions that share one load. */
export interface VersionRange {
  readonly to: number;
  /** The mark of the log entry of `to`. */
  readonly mark: string | undefined;
  readonly files: readonly Add[];
}

/** Commits, divided into loads. `rewrite` says why the commit after the last range cannot be loaded; undefined if all can be. */
export interface CutCommits {
  readonly ranges: readonly VersionRange[];
  readonly rewrite: string | undefined;
}

/** Divides commits into loads, up to the first commit that removes rows. */
export function cutIntoLoads(commits: readonly Commit[], tableId: string, limits: LoadLimits): CutCommits {
  const ranges: { to: number; mark: string | undefined; files: Add[]; rows: number; bytes: number }[] = [];
  for (const commit of commits) {
    const effect = effectOnRows(commit, tableId);
    if (effect.effect === 'rewrite') return { ranges, rewrite: `version ${commit.version} ${effect.reason}` };
    const files = effect.effect === 'append' ? effect.files : [];
    const rows = files.reduce((sum, file) => sum + (recordsOf(file) ?? 0), 0);
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const end = { to: commit.version, mark: commit.mark };
    const last = ranges.at(-1);
    if (last && last.rows + rows <= limits.rows && last.bytes + bytes <= limits.bytes) {
      Object.assign(last, end);
      last.files.push(...files);
      last.rows += rows;
      last.bytes += bytes;
    } else ranges.push({ ...end, files: [...files], rows, bytes });
  }
  return { ranges, rewrite: undefined };
}

/** The error for a data file that is in the log but not in the store. */
export interface GoneFile {
  readonly gone: string;
}

/** Reads data files into rows for a table, in the order of the files. */
export async function readRows(
  state: TableState,
  files: readonly Add[],
  table: WarehouseTable,
): Promise<PreparedRows | GoneFile> {
  const collector = new RowCollector(table);
  try {
    for (const { columns, numRecords } of await readFiles({ state, files, columns: neededColumns(table) }))
      await collector.add(columns, numRecords);
  } catch (error) {
    const gone = await findGone(error, state, files);
    if (!gone) throw error;
    return { gone: gone.path };
  }
  return collector.rows();
}
