/** Work was not done in time. */
export class DeadlineError extends Error {
  constructor(limitMs: number) {
    super(`No answer in ${limitMs / 1000} s.`);
    this.name = 'DeadlineError';
  }
}

/**
 * What `work` comes to, or what `late` says when that takes longer than the limit: a value, or an error that it throws.
 * Without `late` that error is a DeadlineError. The work then gets its signal aborted; where it does not heed it, it is left
 * behind, and nobody learns how it ends.
 */
export async function within<T, Late = never>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  late?: () => Late,
): Promise<T | Late> {
  const deadline = new AbortController();
  // It keeps the process from ending, for somebody waits for the outcome.
  const timer = setTimeout(() => deadline.abort(new DeadlineError(limitMs)), limitMs);
  try {
    return await orAborted(work(deadline.signal), deadline.signal);
  } catch (error) {
    if (!deadline.signal.aborted) throw error;
    if (late) return late();
    throw deadline.signal.reason;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What `work` comes to, or the signal's reason as soon as that is aborted: for calls that may not heed a signal all the way
 * down, like those that fetch a token first.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
