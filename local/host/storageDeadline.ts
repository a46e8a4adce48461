import { orAborted } from '../../src/lib/deadline';

/** For one request with its tries: an ownership or a lease that is not renewed ends a little later. */
const requestLimitMs = 5_000;

/**
 * What a call of the storage SDK comes to. Rejects when it is not answered in time: the SDK waits for an answer for ever,
 * since its time limit for a try is only told to the service.
 */
export async function within<T>(
  call: (abortSignal: AbortSignal) => Promise<T>,
  limitMs: number = requestLimitMs,
): Promise<T> {
  const abortSignal = AbortSignal.timeout(limitMs);
  try {
    return await orAborted(call(abortSignal), abortSignal);
  } catch (error) {
    if (abortSignal.aborted) throw new Error(`The storage did not answer in ${limitMs / 1000} s.`);
    throw error;
  }
}
