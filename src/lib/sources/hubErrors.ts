import { DeadlineError } from '../deadline';
import { describeNoIdentity } from '../noIdentity';

/** Conditions that do not pass without somebody doing something. */
const refusals: ReadonlySet<string> = new Set([
  'UnauthorizedError',
  'MessagingEntityNotFoundError',
  'MessagingEntityDisabledError',
  'ArgumentError',
  // The hub does not have the partition.
  'ArgumentOutOfRangeError',
]);

/** For an error of the Event Hubs SDK: whether the hub refused the request or did not answer it, and the reason in words. */
export function describeHubError(error: unknown): { code: 'hub.refused' | 'hub.unavailable'; why: string } {
  const last = lastAttempt(error);
  const missing = describeNoIdentity(last) ?? describeNoIdentity(error);
  if (missing) return { code: 'hub.refused', why: missing };
  // The words that the caller puts before this say whether the hub or the consumer group does not exist.
  if (isNotFound(error)) return { code: 'hub.refused', why: 'there is none of this name.' };
  const why =
    last instanceof DeadlineError ? 'no answer in time' : last instanceof Error ? last.message : String(last);
  return { code: refusals.has(conditionOf(error)) ? 'hub.refused' : 'hub.unavailable', why };
}

/** The SDK's name for the condition, for example `UnauthorizedError`. */
export const conditionOf = (error: unknown): string =>
  String((lastAttempt(error) as { code?: unknown } | null)?.code);

/** Whether the error says that there is no hub, or no consumer group, of the name. */
export const isNotFound = (error: unknown): boolean => conditionOf(error) === 'MessagingEntityNotFoundError';

/** The error of the last attempt. The SDK wraps the errors of all attempts into one without a message, even several times. */
const lastAttempt = (error: unknown): unknown =>
  error instanceof AggregateError && error.errors.length > 0 ? lastAttempt(error.errors.at(-1)) : error;
