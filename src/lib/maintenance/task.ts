import type { TableLocation } from '../delta/log';
import { describeVersion } from '../delta/log';
import { openSnapshot, openState } from '../delta/openTable';
import { ensureWritable } from '../delta/protocol';
import type { TableState } from '../delta/state';

/** What every maintenance function takes. */
export interface MaintenanceTask {
  readonly at: TableLocation;
  /** Ends the work between two steps, by throwing the signal's reason; what was done until then counts. */
  readonly signal?: AbortSignal;
  readonly progress?: (progress: Progress) => void;
  /** Milliseconds since 1970; the clock unless told. What expires goes by the store's time where that is earlier. */
  readonly now?: number;
}

/** How far a task is. */
export interface Progress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** There is no table (yet): nothing was done. */
export interface NoTable {
  readonly outcome: 'no-table';
}

/**
 * The newest snapshot of a table that may be changed, or undefined when there is no table.
 * @throws `delta.unsupported` when maintenance could break the table's rules
 */
export const openForMaintenance = (task: MaintenanceTask) => openWritable(task, (at) => openSnapshot(at));

/** The same without its files. */
export const openStateForMaintenance = (task: MaintenanceTask) => openWritable(task, openState);

async function openWritable<State extends TableState>(
  { at, signal }: MaintenanceTask,
  open: (at: TableLocation) => Promise<State | undefined>,
): Promise<State | undefined> {
  signal?.throwIfAborted();
  const state = await open(at);
  if (state) ensureMaintainable(state);
  signal?.throwIfAborted();
  return state;
}

/** Throws `delta.unsupported` when maintenance could break the table's rules. */
export const ensureMaintainable = ({ at, version, protocol, metaData }: TableState): void =>
  ensureWritable(protocol, metaData, describeVersion(at, version));

/**
 * The clock, or the time of the newest object where that is earlier: by a clock that runs days ahead, data files whose
 * commits are under way would be old enough to be deleted.
 * In return, a table that nobody writes to keeps what has expired since its last write.
 */
export const storeTime = (now: number, newestObject: number): number => Math.min(now, newestObject);
