/**
 * Why `fetch` had no reply, as the end of a sentence that begins with whom it asked. `fetch` itself says "fetch failed", or that an
 * operation was aborted, and not by what.
 * @param limitMs after which it was given up, by the signal of `AbortSignal.timeout`
 */
export function describeNoReply(error: unknown, limitMs: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `did not answer in ${limitMs / 1000} s`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return `did not answer (${reason})`;
}
