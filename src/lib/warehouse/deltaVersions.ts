import type { Add, Commit } from '../delta/actions';
import { dataFilePath, readCommit, readLastCheckpoint, type TableLocation } from '../delta/log';
import { readCommitsAfter } from '../delta/openTable';
import { readDataFile } from '../delta/readDataFile';
import type { TableState } from '../delta/state';
import { TributaryError } from '../errors';
import type { WarehouseTable } from '../streams/stream';
import { neededColumns, RowCollector } from './prepareRows';
import type { PreparedRows } from './warehouse';

/** How many data files are read at once. */
const parallelReads = 8;
/** How many log entries are read before their rows are loaded. */
const maxCommits = 512;

/** Limits of one load; a single version may be above them. */
export interface LoadLimits {
  readonly rows: number;
  /** Size of the data files. */
  readonly bytes: number;
}

export const defaultLimits: LoadLimits = { rows: 100_000, bytes: 64 * 1024 * 1024 };

/** Versions that share one load. */
export interface VersionRange {
  readonly to: number;
  readonly files: readonly Add[];
}

/** What the log says behind a version: something to load, nothing, or that it cannot be followed. */
export type LogStep =
  | { readonly step: 'load'; readonly ranges: readonly VersionRange[]; readonly atHead: boolean }
  | { readonly step: 'current' }
  | { readonly step: 'needs-rebuild'; readonly reason: string };

/** The next log entries behind a version, cut into loads. */
export async function readNextVersions(
  state: TableState,
  version: number,
  limits: LoadLimits,
): Promise<LogStep> {
  const { at } = state;
  const commits = await readCommitsAfter(at, version, version + maxCommits);
  if (commits.length === 0) return explainNothing(at, version);
  const ranges: { to: number; files: Add[]; rows: number; bytes: number }[] = [];
  for (const commit of commits) {
    const problem = cannotFollow(commit, state);
    if (problem !== undefined) {
      // What comes before it can still be loaded; the next call stops here.
      if (ranges.length > 0) return { step: 'load', ranges, atHead: false };
      return { step: 'needs-rebuild', reason: `version ${commit.version} ${problem}` };
    }
    const files = commit.adds.filter(({ dataChange }) => dataChange !== false);
    const rows = files.reduce((sum, file) => sum + rowsOf(file), 0);
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    const last = ranges.at(-1);
    if (last && last.rows + rows <= limits.rows && last.bytes + bytes <= limits.bytes) {
      last.to = commit.version;
      last.files.push(...files);
      last.rows += rows;
      last.bytes += bytes;
    } else ranges.push({ to: commit.version, files, rows, bytes });
  }
  return { step: 'load', ranges, atHead: commits.length < maxCommits };
}

/** Why a load cannot take what a commit does, or undefined when it can. */
export function cannotFollow({ metaData, removes }: Commit, state: TableState): string | undefined {
  if (metaData && metaData.id !== state.metaData.id) return 'makes the table another one';
  if (removes.some(({ dataChange }) => dataChange !== false)) return 'takes rows away';
  return undefined;
}

/** The end of the log and a log whose next version was cleaned away look the same, but for the newest checkpoint. */
async function explainNothing(at: TableLocation, version: number): Promise<LogStep> {
  const hint = await readLastCheckpoint(at);
  if (!hint || hint.version <= version) return { step: 'current' };
  // It may have been written while this was found out.
  if (await readCommit(at, version + 1)) return { step: 'load', ranges: [], atHead: false };
  return { step: 'needs-rebuild', reason: `version ${version + 1} is not in the log any more` };
}

/** How many rows a file holds, by its statistics; 0 where they do not say. */
export function rowsOf({ stats }: Add): number {
  try {
    const count: unknown = (JSON.parse(stats ?? '{}') as { numRecords?: unknown } | null)?.numRecords;
    return typeof count === 'number' ? count : 0;
  } catch {
    return 0;
  }
}

/** A data file that the log names is not there. */
export interface GoneFile {
  readonly gone: string;
}

/** Reads data files into rows for a table. */
export async function readRows(
  state: TableState,
  files: readonly Add[],
  table: WarehouseTable,
): Promise<PreparedRows | GoneFile> {
  const wanted = neededColumns(table);
  const collector = new RowCollector(table);
  for (let start = 0; start < files.length; start += parallelReads) {
    const slice = files.slice(start, start + parallelReads);
    const read = await Promise.all(slice.map((add) => readOrMiss(state, add, wanted)));
    for (const found of read) {
      if ('gone' in found) return found;
      collector.add(found.columns, found.numRecords);
    }
  }
  return collector.rows();
}

async function readOrMiss(state: TableState, add: Add, wanted: readonly string[]) {
  try {
    return await readDataFile(state, add, wanted);
  } catch (error) {
    const unreadable = error instanceof TributaryError && error.code === 'parquet.invalid';
    if (!unreadable) throw error;
    const path = dataFilePath(state.at, add.path, state.version);
    if (await state.at.store.getRange(path, 0, 1)) throw error;
    return { gone: add.path };
  }
}

/** Whether the log still begins with version 0. */
export const startsAtZero = async (at: TableLocation): Promise<boolean> =>
  (await readCommit(at, 0)) !== undefined;
