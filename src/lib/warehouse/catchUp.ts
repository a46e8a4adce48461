import type { TablePosition } from '../delta/position';
import type { WarehouseTable } from '../streams/stream';
import { cutIntoLoads, defaultLimits, type LoadLimits, readRows, type VersionRange } from './deltaVersions';
import { readLedgerPosition } from './ledgerPosition';
import { describeUnfollowable } from './needsRebuild';
import { rebuild } from './rebuild';
import type { Unloaded, UnloadedCommits } from './unloadedCommits';
import { fullName, type LoadOutcome, shadowOfSwap, type Warehouse } from './warehouse';

export interface CatchUpOptions {
  readonly warehouse: Warehouse;
  /** The table's log. Pass the same object to every call, so that each commit is read once. */
  readonly commits: UnloadedCommits;
  readonly table: WarehouseTable;
  /** Ends the work between two loads. */
  readonly signal: AbortSignal;
  readonly limits?: LoadLimits;
  readonly onLoad?: (report: LoadReport) => void;
  /** Receives where the table stands: at the start, and whenever that changes. */
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

/** `behind`: the time ended before all was loaded. `needs-rebuild`: the log cannot be followed from the table's position. */
export type CaughtUp =
  | { readonly state: 'current' | 'behind'; readonly version: number }
  | { readonly state: 'no-table' }
  | { readonly state: 'needs-rebuild'; readonly version: number; readonly reason: string };

/**
 * Loads all commits after the ledger's position, in as few loads as the limits allow. Any number of processes may do so at once,
 * because the ledger lets only one of them through. It also handles a first load of a log whose beginning was cleaned away, and an
 * interrupted swap.
 * @throws `warehouse.*`, `storage.*`, `delta.*`, `parquet.*`; no commit is half loaded, and the next call continues
 */
export async function catchUp(options: CatchUpOptions): Promise<CaughtUp> {
  const { warehouse, commits, table, signal } = options;
  let position = await readLedgerPosition(warehouse, table);
  for (;;) {
    options.onPosition?.(position);
    if (signal.aborted) return { state: 'behind', version: position.version };
    const found = shadowOfSwap(position) === undefined ? await commits.after(position) : undefined;
    if (found?.step === 'no-table') return { state: 'no-table' };
    if (found?.step === 'current') return { state: 'current', version: position.version };
    if (found?.step === 'unfollowable' && position.tableId !== '')
      return {
        state: 'needs-rebuild',
        version: position.version,
        reason: describeUnfollowable(found.because, position.version),
      };
    if (found?.step === 'commits') {
      const next = await loadCommits(options, found, position);
      if ('state' in next) {
        if (next.state === 'needs-rebuild') commits.forget();
        return next;
      }
      position = next;
      continue;
    }
    // Either finish an interrupted swap, or, on the first load of a log whose beginning was cleaned away, load the live files.
    const { outcome } = await rebuild({ ...options, at: commits.at });
    if (outcome === 'no-table') return { state: 'no-table' };
    if (outcome === 'stopped') return { state: 'behind', version: position.version };
    position = await readLedgerPosition(warehouse, table);
  }
}

/** Loads one range of commits. Returns the table's new position, or the outcome if the work has ended. */
async function loadCommits(
  options: CatchUpOptions,
  { state, commits }: Unloaded & { step: 'commits' },
  start: TablePosition,
): Promise<TablePosition | CaughtUp> {
  const { warehouse, table, signal, limits = defaultLimits } = options;
  // That of the position: a commit that gives the table another id makes it another table.
  const tableId = start.tableId === '' ? state.metaData.id : start.tableId;
  const { ranges, rewrite } = cutIntoLoads(commits, tableId, limits);
  if (rewrite !== undefined && ranges.length === 0)
    return { state: 'needs-rebuild', version: start.version, reason: rewrite };
  let position = start;
  for (const range of ranges) {
    if (signal.aborted) return { state: 'behind', version: position.version };
    const started = performance.now();
    const rows = await readRows({ ...state, version: range.to }, range.files, table);
    if ('gone' in rows) {
      const reason = `data file ${rows.gone} of version ${range.to} or before is gone`;
      return { state: 'needs-rebuild', version: position.version, reason };
    }
    const read = performance.now();
    const to = { tableId, version: range.to, mark: range.mark };
    const outcome = await warehouse.load({ table, from: position, to, rows });
    report(options, position, range, { outcome, rows: rows.count, rejected: rows.rejected.length }, [
      started,
      read,
    ]);
    if (outcome === 'overtaken') return readLedgerPosition(warehouse, table);
    position = to;
    options.onPosition?.(position);
  }
  // There may be more commits, so the caller reads the log again.
  return position;
}

function report(
  { table, onLoad }: CatchUpOptions,
  from: TablePosition,
  { to }: VersionRange,
  outcome: Pick<LoadReport, 'outcome' | 'rows' | 'rejected'>,
  [started, read]: readonly [number, number],
): void {
  const milliseconds = { read: read - started, load: performance.now() - read };
  onLoad?.({ table: fullName(table), from: from.version, to, ...outcome, milliseconds });
}
