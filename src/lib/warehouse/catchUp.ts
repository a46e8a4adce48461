import type { TableState } from '../delta/state';
import type { TableHead } from '../delta/tableHead';
import type { WarehouseTable } from '../streams/stream';
import { defaultLimits, type LoadLimits, readNextVersions, readRows, startsAtZero } from './deltaVersions';
import { positionOf } from './positionOf';
import { rebuild } from './rebuild';
import { fullName, type LoadOutcome, type Position, shadowOfSwap, type Warehouse } from './warehouse';

export interface CatchUpOptions {
  readonly warehouse: Warehouse;
  readonly head: TableHead;
  readonly table: WarehouseTable;
  /** Ends the work between two loads. */
  readonly signal: AbortSignal;
  readonly limits?: LoadLimits;
  readonly onLoad?: (report: LoadReport) => void;
}

/** One load, for the log line. */
export interface LoadReport {
  readonly table: string;
  /** The table stood at this version, and now stands at `to`. */
  readonly from: number;
  readonly to: number;
  readonly outcome: LoadOutcome;
  readonly rows: number;
  readonly rejected: number;
  readonly milliseconds: { readonly read: number; readonly load: number };
}

/** `behind`: the time was over. `needs-rebuild`: the log cannot be followed from where the table stands. */
export type CaughtUp =
  | { readonly state: 'current' | 'behind'; readonly version: number }
  | { readonly state: 'no-table' }
  | { readonly state: 'needs-rebuild'; readonly version: number; readonly reason: string };

/**
 * Loads what the Delta log holds behind the ledger's version, in as few loads as the limits allow. Any number of
 * processes may do so at once: the ledger lets one of them through. A first load of a log that has lost its beginning, and
 * a swap that was interrupted, are seen to on the way.
 * @throws `warehouse.*`, `storage.*`, `delta.*`, `parquet.*`: nothing is half loaded, and the next call goes on
 */
export async function catchUp(options: CatchUpOptions): Promise<CaughtUp> {
  const { warehouse, head, table, signal } = options;
  const state = await head.read();
  if (!state) return { state: 'no-table' };
  let position = await positionOf(warehouse, table);
  for (;;) {
    if (signal.aborted) return { state: 'behind', version: position.version };
    const swaps = shadowOfSwap(position) !== undefined;
    if (swaps || (position.deltaId === '' && !(await startsAtZero(head.at)))) {
      // It ends a swap that was cut short, where there is one.
      const { outcome } = await rebuild({ ...options, at: head.at });
      if (outcome === 'no-table') return { state: 'no-table' };
      if (outcome === 'stopped') return { state: 'behind', version: position.version };
      position = await positionOf(warehouse, table);
      continue;
    }
    if (position.deltaId !== '' && position.deltaId !== state.metaData.id) {
      const reason = 'the Delta table was made again and is another one';
      return { state: 'needs-rebuild', version: position.version, reason };
    }
    const next = await follow(options, state, position);
    if ('state' in next) return next;
    position = next;
  }
}

/** Loads one stretch of the log. Returns where the table stands then, or the end of the work. */
async function follow(
  options: CatchUpOptions,
  state: TableState,
  start: Position,
): Promise<Position | CaughtUp> {
  const { warehouse, table, signal, limits = defaultLimits, onLoad } = options;
  const found = await readNextVersions(state, start.version, limits);
  if (found.step === 'current') return { state: 'current', version: start.version };
  if (found.step === 'needs-rebuild')
    return { state: found.step, version: start.version, reason: found.reason };
  let position = start;
  for (const { to, files } of found.ranges) {
    if (signal.aborted) return { state: 'behind', version: position.version };
    const started = performance.now();
    const rows = await readRows({ ...state, version: to }, files, table);
    if ('gone' in rows) {
      const reason = `data file ${rows.gone} of version ${to} or before is gone`;
      return { state: 'needs-rebuild', version: position.version, reason };
    }
    const read = performance.now();
    const next = { deltaId: state.metaData.id, version: to };
    const outcome = await warehouse.load({ table, from: position, to: next, rows });
    onLoad?.({
      table: fullName(table),
      from: position.version,
      to,
      outcome,
      rows: rows.count,
      rejected: rows.rejected.length,
      milliseconds: { read: read - started, load: performance.now() - read },
    });
    if (outcome === 'lost') return positionOf(warehouse, table);
    position = next;
  }
  return found.atHead ? { state: 'current', version: position.version } : position;
}
