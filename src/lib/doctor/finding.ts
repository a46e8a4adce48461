import { describeFailure, TributaryError } from '../errors';
import { problemsIn } from '../settingReader';

/** One line of the doctor's report. */
export interface Finding {
  /** What was examined, for example `lake`. */
  readonly what: string;
  /** `unknown` means that it could not be examined, because something else is wrong, or the login may not do so. */
  readonly state: 'ok' | 'wrong' | 'unknown';
  readonly says: string;
  /** What to do about it: a command, or a sentence. */
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

/** The remedy for a wrong setting. */
export const settingsExplained =
  'docs/settings.md explains each setting, and docs/add-a-stream.md those of a stream that you added';

/** An addition to a remedy: where to find the value that a setting needs for the emulators on this machine. */
export const ofLaptop = '; .local/settings.json has that of "npm start" or "npm run emulators" while it runs';

/** The finding for an error: its message, and where docs/errors.md explains it. */
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
