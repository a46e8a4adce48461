/** The error for work that did not end in time. */
export class DeadlineError extends Error {
  constructor(limitMs: number) {
    super(`No answer in ${limitMs / 1000} s.`);
    this.name = 'DeadlineError';
  }
}

/**
 * Returns the result of `work`. If it takes longer than the limit, returns the value of `late`, or throws the error that `late` throws;
 * without `late`, throws a DeadlineError. At that moment the signal given to `work` is aborted. Work that ignores the signal goes on, and
 * its result is dropped.
 */
export async function within<T, Late = never>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  late?: () => Late,
): Promise<T | Late> {
  const deadline = new AbortController();
  // The timer keeps the process alive on purpose, because a caller waits for the outcome.
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
 * Returns the result of `work`, or throws the signal's reason as soon as the signal is aborted. It is for calls that ignore a signal in
 * some of their steps, for example while they fetch a token.
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
