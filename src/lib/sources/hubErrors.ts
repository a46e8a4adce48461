import { DeadlineError } from '../deadline';
import { describeNoIdentity } from '../noIdentity';

/** Conditions that do not pass by themselves. */
const refusals: ReadonlySet<string> = new Set([
  'UnauthorizedError',
  'MessagingEntityNotFoundError',
  'MessagingEntityDisabledError',
  'ArgumentError',
  // A partition that the hub does not have.
  'ArgumentOutOfRangeError',
]);

/** Whether the hub refused a request or did not answer it, and the reason in words, of an error of the Event Hubs SDK. */
export function describeHubError(error: unknown): { code: 'hub.refused' | 'hub.unavailable'; why: string } {
  const last = lastAttempt(error);
  const missing = describeNoIdentity(last) ?? describeNoIdentity(error);
  if (missing) return { code: 'hub.refused', why: missing };
  // Whether it is the hub or the consumer group that is not there, the caller's words before it say.
  if (isNotFound(error)) return { code: 'hub.refused', why: 'there is none of this name.' };
  const why =
    last instanceof DeadlineError ? 'no answer in time' : last instanceof Error ? last.message : String(last);
  return { code: refusals.has(conditionOf(error)) ? 'hub.refused' : 'hub.unavailable', why };
}

/** The SDK's name for the condition, for example `UnauthorizedError`. */
export const conditionOf = (error: unknown): string =>
  String((lastAttempt(error) as { code?: unknown } | null)?.code);

/** Whether there is no hub, or no consumer group, of the name. */
export const isNotFound = (error: unknown): boolean => conditionOf(error) === 'MessagingEntityNotFoundError';

/** The error of the last attempt. The SDK wraps the errors of all attempts into one without a message, even several times. */
const lastAttempt = (error: unknown): unknown =>
  error instanceof AggregateError && error.errors.length > 0 ? lastAttempt(error.errors.at(-1)) : error;
