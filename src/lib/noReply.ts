/**
 * Why `fetch` had no reply, as the end of a sentence that begins with the address that was asked. The errors of `fetch` itself only say
 * that it failed, or that an operation was aborted.
 * @param limitMs the limit of `AbortSignal.timeout`, after which the request was given up
 */
export function describeNoReply(error: unknown, limitMs: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `did not answer in ${limitMs / 1000} s`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return `did not answer (${reason})`;
}
