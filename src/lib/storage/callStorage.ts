import { setTimeout as sleep } from 'node:timers/promises';
import { DeadlineError, within } from '../deadline';
import { TributaryError } from '../errors';

/** A try that has not ended by then is given up: the SDK itself would wait for ever. */
const answerLimitMs = 10_000;
/** What a slow line carries; a large body gets that much more time. */
const bytesPerMs = 1000;
const attempts = 5;
const firstBackoffMs = 100;

/**
 * Runs one storage request with a deadline, and again while the store is throttling, failing or silent. Answers that
 * mean something to the caller (404, 409, 412, 416) are thrown as they are, after the first try. Otherwise throws
 * `storage.unavailable` when the tries ran out and `storage.refused` when another try could not help.
 *
 * @param bytes size of the body that is sent or asked for
 *
 * A request whose reply was lost may have been carried out: a conditional write that is tried again can meet itself.
 */
export async function callStorage<T>(
  what: string,
  call: (abortSignal: AbortSignal) => Promise<T>,
  bytes = 0,
): Promise<T> {
  const deadlineMs = answerLimitMs + Math.ceil(bytes / bytesPerMs);
  for (let attempt = 1; ; attempt++) {
    try {
      return await within(deadlineMs, call);
    } catch (error) {
      const isLate = error instanceof DeadlineError;
      const status = statusOf(error);
      if (status !== undefined && [404, 409, 412, 416].includes(status)) throw error;
      if (!isLate && !isTransient(error, status)) {
        throw new TributaryError('storage.refused', `${what}: ${describe(error, status)}.`, { cause: error });
      }
      if (attempt === attempts) {
        const last = isLate ? `no answer in ${deadlineMs / 1000} s` : describe(error, status);
        throw new TributaryError(
          'storage.unavailable',
          `${what}: ${attempts} tries failed, the last with: ${last}.`,
          {
            cause: error,
          },
        );
      }
    }
    await sleep(firstBackoffMs * 2 ** (attempt - 1) * (0.5 + Math.random()));
  }
}

/** The HTTP status of the store's answer, or undefined when there was none. */
export const statusOf = (error: unknown): number | undefined => {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
};

/** No answer at all (the SDK's REQUEST_SEND_ERROR, a reset while the body was read) is worth another try. */
function isTransient(error: unknown, status: number | undefined): boolean {
  if (status !== undefined) return status === 408 || status === 429 || status >= 500;
  // A credential or a connection string that cannot be used is a programming or settings fault.
  const name = (error as { name?: unknown } | null)?.name;
  return (
    name !== 'CredentialUnavailableError' && name !== 'AuthenticationRequiredError' && name !== 'TypeError'
  );
}

function describe(error: unknown, status: number | undefined): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  const text = String(message ?? error).split('\n')[0];
  return [status, code, text].filter((part) => part !== undefined && part !== '').join(' ');
}
