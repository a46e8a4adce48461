import type { TableLocation } from '../delta/log';
import { describeVersion } from '../delta/log';
import { openSnapshot } from '../delta/openTable';
import { ensureWritable } from '../delta/protocol';
import type { Snapshot } from '../delta/state';

/** What every maintenance function takes. */
export interface MaintenanceTask {
  readonly at: TableLocation;
  /** Ends the work between two steps, by throwing the signal's reason; what was done until then counts. */
  readonly signal?: AbortSignal;
  readonly progress?: (progress: Progress) => void;
  /** Milliseconds since 1970; the clock unless told. */
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
export async function openForMaintenance({ at, signal }: MaintenanceTask): Promise<Snapshot | undefined> {
  signal?.throwIfAborted();
  const snapshot = await openSnapshot(at);
  if (snapshot) ensureWritable(snapshot.protocol, snapshot.metaData, describeVersion(at, snapshot.version));
  signal?.throwIfAborted();
  return snapshot;
}
