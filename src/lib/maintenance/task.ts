import type { TableLocation } from '../delta/log';
import { describeVersion } from '../delta/log';
import { openSnapshot, openState } from '../delta/openTable';
import { ensureWritable } from '../delta/protocol';
import type { TableState } from '../delta/state';

/** The arguments of every maintenance function. */
export interface MaintenanceTask {
  readonly at: TableLocation;
  /** Aborting it ends the work between two steps, by throwing the signal's reason. Finished steps stay done. */
  readonly signal?: AbortSignal;
  readonly progress?: (progress: Progress) => void;
  /** The time in milliseconds since 1970; by default the clock. If the store's time is earlier, expiry goes by the store's time. */
  readonly now?: number;
}

/** The progress of a task. */
export interface Progress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** The outcome if there is no table: nothing was done. */
export interface NoTable {
  readonly outcome: 'no-table';
}

/**
 * The newest snapshot of a table that may be changed, or undefined when there is no table. A caller
 * that deletes the files which the snapshot does not name lists the log first, and passes the highest version listed as `atLeast`.
 * @throws `delta.unsupported` when maintenance could break the table's rules
 */
export const openForMaintenance = (task: MaintenanceTask, atLeast = -1) =>
  openWritable(task, (at) => openSnapshot(at, { atLeast }));

/** Like `openForMaintenance`, but without the files. */
export const openStateForMaintenance = (task: MaintenanceTask, atLeast: number) =>
  openWritable(task, (at) => openState(at, { atLeast }));

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
 * The time by which ages are measured: the clock, or the time of the newest object if that is earlier. If a clock ran days ahead, data
 * files whose commits are not finished would look old enough to be deleted. The price is that a table which nobody writes to keeps files
 * that have expired since its last write.
 */
export const storeTime = (now: number, newestObject: number): number => Math.min(now, newestObject);
