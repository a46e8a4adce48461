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

/**
 * What is wrong with a version of Node.js; undefined if nothing is. One before 22 would load the app, but sending and maintenance would
 * fail later, because Map.groupBy is missing.
 */
export const problemOfNode = (version: string): string | undefined =>
  Number.parseInt(version, 10) < 22
    ? `Tributary needs Node.js 22 or newer, and this is ${version}: install Node.js 24 and start again; in Azure, set the function app to Node.js 24.`
    : undefined;
