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
export async function runLong<T>(ended: string, work: (task: LongTask) => Promise<T>): Promise<T> {
  const signal = untilInterrupted(ended);
  return showProgress((progress) => work({ signal, progress }));
}
