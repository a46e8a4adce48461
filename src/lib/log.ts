import { AsyncLocalStorage } from 'node:async_hooks';
import { hideSecrets, withoutSecrets } from './secrets';

/*
 * The app's log: one line of JSON for each event, with a stable name under `event`. A line that is written while a function runs
 * belongs to its invocation, so that the platform stores it with the function's name, the invocation's id and the level. Other lines
 * go to the console, where the platform guesses the level from the words of the line.
 */

export type LogLevel = 'information' | 'warning' | 'error';

/** The log of an invocation, as its context has it. */
export interface InvocationLog {
  log(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Undefined once the invocation has ended: its log must not be used any more. */
interface Scope {
  log: InvocationLog | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs a function's work. What it logs until it ends is logged by `log`, and an error that it throws holds no secret. */
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

/** Something that is logged: secrets in its texts are blanked. */
export interface Logged {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

let tell: ((logged: Logged) => void) | undefined;

/**
 * From now on, this listener is told what is logged, and it is written nowhere: people do not read lines of JSON. Undefined ends that.
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
