import { inert } from '../../src/lib/inert';
import { hideSecrets } from '../../src/lib/secrets';

const levels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;

/** Log levels of the Functions host, in rising order. The threshold `none` silences everything. */
export type LogLevel = (typeof levels)[number];

export type Log = (level: LogLevel, source: string, message: string) => void;

/** Reads a level of host.json (`logging.logLevel`), in upper or lower case; undefined if there is no such level. */
export function parseLogLevel(text: string): LogLevel | undefined {
  return levels.find((level) => level === text.toLowerCase());
}

/**
 * Makes a log that writes one line per message to stdout: `[2026-05-01T12:00:00.000Z] LEVEL source: text`, where the source is the
 * function or a part of the host. Keys and passwords are blanked, and control characters are
 * shown as escapes.
 */
export function createLog(threshold: LogLevel): Log {
  return (level, source, message) => {
    if (levels.indexOf(level) < levels.indexOf(threshold)) return;
    console.log(
      `[${new Date().toISOString()}] ${level.toUpperCase()} ${source}: ${inert(hideSecrets(message))}`,
    );
  };
}

/** The stack of an error, or its text if it has none. */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
