import type { TablePosition } from '../delta/position';
import type { WarehouseTable } from '../streams/stream';
import { cutIntoLoads, defaultLimits, type LoadLimits, readRows, type VersionRange } from './deltaVersions';
import type { Unloaded } from './unloadedCommits';
import { fullName, type LoadOutcome, type Warehouse } from './warehouse';

export interface LoadOptions {
  readonly warehouse: Warehouse;
  /** The table, or a shadow of it. */
  readonly table: WarehouseTable;
  /** Ends the work between two loads. */
  readonly signal: AbortSignal;
  readonly limits?: LoadLimits;
  readonly onLoad?: (report: LoadReport) => void;
  /** Called with the position of the table at the start, and whenever it changes. */
  readonly onPosition?: (position: TablePosition) => void;
}

/** One load, for the log line. */
export interface LoadReport {
  readonly table: string;
  /** The version of the table before the load; `to` is the version after it. */
  readonly from: number;
  readonly to: number;
  readonly outcome: LoadOutcome;
  readonly rows: number;
  readonly rejected: number;
  readonly milliseconds: { readonly read: number; readonly load: number };
}

/** `unloadable`: `reason` says why the commits after the position cannot be loaded. `overtaken`: the ledger has the new position. */
export type LoadedCommits =
  | { readonly step: 'loaded'; readonly position: TablePosition }
  | { readonly step: 'overtaken' }
  | { readonly step: 'stopped'; readonly position: TablePosition }
  | { readonly step: 'unloadable'; readonly position: TablePosition; readonly reason: string };

/** Loads commits that were read from the log, in as few loads as the limits allow. The log may have more commits after them. */
export async function loadCommits(
  options: LoadOptions,
  { state, commits }: Unloaded & { step: 'commits' },
  start: TablePosition,
): Promise<LoadedCommits> {
  const { warehouse, table, signal, limits = defaultLimits } = options;
  // The id is that of the position. A commit that gives the table another id makes it another table.
  const tableId = start.tableId === '' ? state.metaData.id : start.tableId;
  const { ranges, rewrite } = cutIntoLoads(commits, tableId, limits);
  let position = start;
  if (rewrite !== undefined && ranges.length === 0) return { step: 'unloadable', position, reason: rewrite };
  for (const range of ranges) {
    if (signal.aborted) return { step: 'stopped', position };
    const started = performance.now();
    const rows = await readRows({ ...state, version: range.to }, range.files, table);
    if ('gone' in rows) {
      const reason = `data file ${rows.gone} of version ${range.to} or before is gone`;
      return { step: 'unloadable', position, reason };
    }
    const read = performance.now();
    const to = { tableId, version: range.to, mark: range.mark };
    const outcome = await warehouse.load({ table, from: position, to, rows });
    report(options, position, range, { outcome, rows: rows.count, rejected: rows.rejected.length }, [
      started,
      read,
    ]);
    if (outcome === 'overtaken') return { step: 'overtaken' };
    position = to;
    options.onPosition?.(position);
  }
  return { step: 'loaded', position };
}

function report(
  { table, onLoad }: LoadOptions,
  from: TablePosition,
  { to }: VersionRange,
  outcome: Pick<LoadReport, 'outcome' | 'rows' | 'rejected'>,
  [started, read]: readonly [number, number],
): void {
  const milliseconds = { read: read - started, load: performance.now() - read };
  onLoad?.({ table: fullName(table), from: from.version, to, ...outcome, milliseconds });
}
