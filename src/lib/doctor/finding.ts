import { describeFailure } from '../errors';

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

/** What an error tells: its message, and where docs/errors.md explains it. */
export function failed(what: string, error: unknown, remedy?: string): Finding {
  const { code, message } = describeFailure(error);
  const explained = `see docs/errors.md#${code.replaceAll('.', '')}`;
  return wrong(
    what,
    message.replace(/\.$/, ''),
    remedy ?? (code === 'unknown' ? 'see the message' : explained),
  );
}
