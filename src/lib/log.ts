import { AsyncLocalStorage } from 'node:async_hooks';
import { hideSecrets, withoutSecrets } from './secrets';

/*
 * The app's log: one line of JSON for each event, with a stable name under `event`. A line that is written while a function runs
 * belongs to its invocation, so that the platform stores it with the function's name, the invocation's id and the level. Other lines
 * go to the console, where the platform guesses the level from the words of the line.
 */

export type LogLevel = 'information' | 'warning' | 'error';

/** The log of an invocation, in the form that its context has. */
export interface InvocationLog {
  log(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** The log of the current invocation; undefined once it has ended, because then its log must not be used any more. */
interface Scope {
  log: InvocationLog | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs a function's work. Until it ends, its lines go to `log`. If it throws, secrets are removed from the error. */
export async function logTo<T>(log: InvocationLog, work: () => T | Promise<T>): Promise<T> {
  const scope: Scope = { log };
  try {
    return await scopes.run(scope, work);
  } catch (error) {
    throw withoutSecrets(error);
  } finally {
    scope.log = undefined;
  }
}

/** One line of the log. Secrets in its texts are blanked. */
export interface Logged {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

let tell: ((logged: Logged) => void) | undefined;

/**
 * From now on, log lines are passed to this listener instead of being written, because people do not read lines of JSON. Undefined ends
 * that.
 */
export function onLogged(listener: ((logged: Logged) => void) | undefined): void {
  tell = listener;
}

/**
 * Writes one line. Secrets in texts are blanked.
 * @param event what happened, in words joined by hyphens; alerts may look for it
 */
export function logEvent(level: LogLevel, event: string, fields: object = {}): void {
  const log = scopes.getStore()?.log;
  // The platform guesses the level of a console line from its words, so the line must contain the level.
  const line = { event, ...(!log && level !== 'information' && { level }), ...fields };
  const text = JSON.stringify(line, (_, value) => (typeof value === 'string' ? hideSecrets(value) : value));
  if (tell && !log) {
    const { event: _, level: __, ...told } = JSON.parse(text);
    tell({ level, event, fields: told });
  } else if (level === 'error') (log ?? console).error(text);
  else if (level === 'warning') (log ?? console).warn(text);
  else (log ?? console).log(text);
}
