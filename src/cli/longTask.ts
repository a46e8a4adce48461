import type { Progress } from '../lib/maintenance/task';

export interface LongTask {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/**
 * Runs work that Ctrl-C ends between two steps. On a terminal it shows the progress.
 * @param ended the line to print when Ctrl-C ended the work
 */
export async function runLong<T>(ended: string, work: (task: LongTask) => Promise<T>): Promise<T> {
  const end = new AbortController();
  process.once('SIGINT', () => end.abort(new Error(ended)));
  const { stderr } = process;
  try {
    return await work({
      signal: end.signal,
      progress: ({ step, done, total }) => {
        if (stderr.isTTY) stderr.write(`\r${step} ${done} of ${total}\u001b[K`);
      },
    });
  } finally {
    if (stderr.isTTY) stderr.write('\r\u001b[K');
  }
}
