import type { TableLocation } from '../delta/log';

/** The options that every fold of a table's log has, whatever it keeps. */
export interface FoldOptions {
  readonly at: TableLocation;
  /** The shortest time between two reads of the log, in milliseconds, even if the first one failed. */
  readonly refreshMs?: number;
  /** The clock, in milliseconds since 1970, which stands in for the time of a version whose log entry is gone. By default the real one. */
  readonly now?: () => number;
  /** A clock that only goes forward, in milliseconds; by default the process's. */
  readonly monotonicNow?: () => number;
  /** Receives a message about something that went wrong but is not an error, like a state that cannot be written. */
  readonly warn?: (message: string) => void;
}

/**
 * How long to wait before damage is looked at again, in milliseconds. It lasts until somebody acts, and each try may read the whole table.
 */
export const damagedRetryMs = 60_000;
