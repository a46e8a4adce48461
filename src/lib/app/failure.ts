import { describeFailure } from '../errors';
import type { Failed } from '../orchestrations/orchestration';
import { hideSecrets } from '../secrets';

/** A result is stored, and told to everyone who asks for the status, so it holds no secret and no long text. */
const mostCharacters = 500;

/** An error as the result of an activity. */
export function failureOf(error: unknown): Failed {
  const { message, ...rest } = describeFailure(error);
  return { outcome: 'failed', ...rest, message: hideSecrets(message).slice(0, mostCharacters) };
}
