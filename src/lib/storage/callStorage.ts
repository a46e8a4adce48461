import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../backoff';
import { DeadlineError, within } from '../deadline';
import { TributaryError } from '../errors';
import { waitFor } from '../longWait';
import { describeNoIdentity } from '../noIdentity';

/** How long to wait for one try. The SDK itself would wait for ever. */
const answerLimitMs = 10_000;
/** The speed of a slow line. The deadline of a large body is longer by the time that it takes at this speed. */
const bytesPerMs = 1000;
const attempts = 5;
const backoff = { firstMs: 100 };

/**
 * Runs one storage request with a deadline.
 *
 * | the store | then |
 * |---|---|
 * | answers 404, 409, 412 or 416, which the caller interprets | throws that error as it is, without another try |
 * | throttles, fails or does not answer | tries again; throws `storage.unavailable` after the last try |
 * | answers anything else | throws `storage.refused`, because another try could not help |
 *
 * If a reply was lost, the request may have been carried out. A conditional write that is tried again may then fail because of its
 * own first try.
 *
 * @param bytes size of the body that is sent or asked for
 */
export async function callStorage<T>(
  what: string,
  call: (abortSignal: AbortSignal) => Promise<T>,
  bytes = 0,
): Promise<T> {
  const limitMs = answerLimitMs + Math.ceil(bytes / bytesPerMs);
  for (let attempt = 1; ; attempt++) {
    try {
      return await waitFor(what, within(limitMs, call));
    } catch (error) {
      const isLate = error instanceof DeadlineError;
      const status = statusOf(error);
      if (status !== undefined && [404, 409, 412, 416].includes(status)) throw error;
      if (!isLate && !isTransient(error, status)) {
        throw new TributaryError('storage.refused', `${what}: ${describe(error, status)}.`, { cause: error });
      }
      if (attempt === attempts) {
        const last = isLate ? `no answer in ${limitMs / 1000} s` : describe(error, status);
        throw new TributaryError(
          'storage.unavailable',
          `${what}: ${attempts} tries failed, the last with: ${last}.`,
          {
            cause: error,
          },
        );
      }
    }
    await sleep(backoffMs(attempt, backoff));
  }
}

/** The HTTP status of the store's answer; undefined if there was no answer. */
export const statusOf = (error: unknown): number | undefined => {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
};

/**
 * Whether another try may help. It may also help if there was no answer at all (the SDK's REQUEST_SEND_ERROR, or a reset while the body was
 * read).
 */
function isTransient(error: unknown, status: number | undefined): boolean {
  if (status !== undefined) return status === 408 || status === 429 || status >= 500;
  // A credential or a connection string that cannot be used is a mistake in the settings or the code.
  const name = (error as { name?: unknown } | null)?.name;
  return (
    describeNoIdentity(error) === undefined && name !== 'AuthenticationRequiredError' && name !== 'TypeError'
  );
}

function describe(error: unknown, status: number | undefined): string {
  const missing = describeNoIdentity(error);
  if (missing) return missing;
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const text = String(message ?? error)
    .split('\n')[0]
    ?.replace(/\.\s*$/, '');
  return [status, code, text].filter((part) => part !== undefined && part !== '').join(' ');
}
