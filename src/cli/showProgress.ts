import type { FileProgress } from '../lib/lake/scanRows';
import type { Progress } from '../lib/maintenance/task';

export type ReportProgress = (progress: Progress) => void;

/** Shows the progress of work on stderr, in one line that is drawn again and is gone afterwards; only on a terminal. */
export async function showProgress<T>(work: (report: ReportProgress) => Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!stderr.isTTY) return work(() => {});
  try {
    return await work(({ step, done, total }) => {
      stderr.write(`\r${step} ${done} of ${total}\u001b[K`);
    });
  } finally {
    stderr.write('\r\u001b[K');
  }
}

/** Shows how many files were read. */
export const showFiles = <T>(step: string, work: (onFile: FileProgress) => Promise<T>): Promise<T> =>
  showProgress((report) => work((done, total) => report({ step, done, total })));
