import type { Progress } from '../lib/maintenance/task';

export type ReportProgress = (progress: Progress) => void;

/** How often a line tells the progress if there is no terminal. Its readers may wonder whether the process is stuck. */
const tellEveryMs = 30_000;

/**
 * Shows the progress of work on stderr: on a terminal in one line that is drawn again and is gone afterwards, elsewhere in a new line every
 * half minute.
 */
export async function showProgress<T>(work: (report: ReportProgress) => Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!stderr.isTTY) return tellProgress(work);
  try {
    return await work((progress) => {
      stderr.write(`\r${inWords(progress)}\u001b[K`);
    });
  } finally {
    stderr.write('\r\u001b[K');
  }
}

async function tellProgress<T>(work: (report: ReportProgress) => Promise<T>): Promise<T> {
  let newest: Progress | undefined;
  const timer = setInterval(() => newest && console.error(`${inWords(newest)} …`), tellEveryMs);
  try {
    return await work((progress) => {
      newest = progress;
    });
  } finally {
    clearInterval(timer);
  }
}

const inWords = ({ step, done, total }: Progress): string => `${step} ${done} of ${total}`;
