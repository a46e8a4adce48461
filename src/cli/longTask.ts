import type { FileProgress } from '../lib/lake/scanRows';
import { untilInterrupted } from './commandLine/interrupts';
import { type ReportProgress, showProgress } from './showProgress';

export interface LongTask {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly progress: ReportProgress;
}

/**
 * Runs work that Ctrl-C ends between two steps. On a terminal it shows the progress.
 * @param ended the line to print when Ctrl-C ended the work
 */
export const runLong = <T>(ended: string, work: (task: LongTask) => Promise<T>): Promise<T> =>
  untilInterrupted(ended, (signal) => showProgress((progress) => work({ signal, progress })));

/** Runs work that reads files, and shows how many it has read. Ctrl-C ends it between two files. */
export const showFiles = <T>(
  step: string,
  work: (onFile: FileProgress) => Promise<T>,
  ended = 'Ended before all files were read.',
): Promise<T> =>
  runLong(ended, ({ signal, progress }) =>
    work((done, total) => {
      signal.throwIfAborted();
      progress({ step, done, total });
    }),
  );
