import { describeFailure } from '../errors';
import { logEvent } from '../log';
import { settings } from '../settings';

/**
 * Logs at once what is wrong with the settings. Functions that need settings fail with the same message, but the first of them may
 * run much later. The app starts all the same, so that `GET /api/health` can answer.
 */
export async function reportWrongSettings(): Promise<void> {
  try {
    await settings();
  } catch (error) {
    logEvent('error', 'settings-invalid', describeFailure(error));
  }
}
