import type { TableLocation } from '../delta/log';

/** What every fold of a table's log is told, whatever it keeps. */
export interface FoldOptions {
  readonly at: TableLocation;
  /** Least time in milliseconds between two reads of the log, even if the first one failed. */
  readonly refreshMs?: number;
  /** The time of a version whose log entry is gone, in milliseconds since 1970; by default the clock. */
  readonly now?: () => number;
  /** A clock that only goes forward, in milliseconds; by default the process's. */
  readonly monotonicNow?: () => number;
  /** Receives a message about something that went wrong but is not an error, like a state that cannot be written. */
  readonly warn?: (message: string) => void;
}

/** Damage lasts until somebody acts. It is looked at again rarely, because each try may read the whole table. */
export const damagedRetryMs = 60_000;
