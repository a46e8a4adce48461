import { describeFailure, TributaryError } from '../errors';
import { problemsIn } from '../settingReader';

/** One line of the doctor's. */
export interface Finding {
  /** What was looked at, for example `lake`. */
  readonly what: string;
  /** `unknown`: it could not be looked at, because something else is wrong, or the login may not. */
  readonly state: 'ok' | 'wrong' | 'unknown';
  readonly says: string;
  /** What mends it: a command, or a sentence. */
  readonly remedy?: string;
}

export const ok = (what: string, says: string): Finding => ({ what, state: 'ok', says });

export const unknown = (what: string, says: string): Finding => ({ what, state: 'unknown', says });

export const wrong = (what: string, says: string, remedy: string): Finding => ({
  what,
  state: 'wrong',
  says,
  remedy,
});

/** What mends a setting. */
export const settingsExplained =
  'docs/settings.md explains each setting, and docs/add-a-stream.md those of a stream that you added';

/** Follows what a setting must name in an emulator. */
export const ofLaptop = '; .local/settings.json has that of "npm start" or "npm run emulators" while it runs';

/** What an error tells: its message, and where docs/errors.md explains it. */
export function failed(what: string, error: unknown, remedy?: string): Finding {
  if (error instanceof TributaryError && error.code === 'settings.invalid')
    return wrong(what, problemsIn(error).join('; ').replace(/\.$/, ''), remedy ?? settingsExplained);
  const { code, message } = describeFailure(error);
  const explained = `see docs/errors.md#${code.replaceAll('.', '')}`;
  return wrong(
    what,
    message.replace(/\.$/, ''),
    remedy ?? (code === 'unknown' ? 'see the message' : explained),
  );
}
