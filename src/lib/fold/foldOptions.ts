import type { TableLocation } from '../delta/log';
import { minuteMs } from '../duration';
import { isDamage } from '../errors';
import { logEvent } from '../log';
import { SpacedRefresh } from '../spacedRefresh';

/** The options that every fold of a table's log has, whatever it keeps. */
export interface FoldOptions {
  readonly at: TableLocation;
  /** Least time in milliseconds between two reads of the log, even if the first one failed; by default 250. */
  readonly refreshMs?: number;
  /** The clock, in milliseconds since 1970, which stands in for the time of a version whose log entry is gone. By default the real one. */
  readonly now?: () => number;
  /** A clock that only goes forward, in milliseconds; by default the process's. */
  readonly monotonicNow?: () => number;
  /** Receives a message about something that went wrong but is not an error, like a state that cannot be written; by default the log. */
  readonly warn?: (message: string) => void;
}

/**
 * How long to wait before damage is looked at again, in milliseconds. It lasts until somebody acts, and each try may read the whole table.
 */
const damagedRetryMs = minuteMs;

/** A fold's looks at its log for new commits, one at a time and no more often than the options say. */
export function spacedLooks(
  { refreshMs = 250, monotonicNow = () => performance.now() }: FoldOptions,
  look: () => Promise<void>,
): SpacedRefresh {
  return new SpacedRefresh({
    refresh: look,
    everyMs: refreshMs,
    retryMs: (error) => (isDamage(error) ? Math.max(damagedRetryMs, refreshMs) : refreshMs),
    monotonicNow,
  });
}

export const warnInLog = (message: string): void => logEvent('warning', 'counts-problem', { message });
