import { inertInLine } from '../../lib/inert';
import type { Logged } from '../../lib/log';

/**
 * Tells on stderr, in words, what the app would log as a warning or an error, each once: it is about something that a command does
 * without, or that its result tells as well. Figures, which the app logs too, are not told.
 */
export function tellWarnings(): (logged: Logged) => void {
  const told = new Set<string>();
  return (logged) => {
    if (logged.level === 'information') return;
    const line = describeLogged(logged);
    if (told.has(line)) return;
    told.add(line);
    console.error(line);
  };
}

/** "clickstream: The counts of clicks are not cached: ..." */
export function describeLogged({ event, fields }: Logged): string {
  const { stream, table, code, message = event.replaceAll('-', ' ') } = fields;
  const about = stream ?? table;
  const found = typeof code === 'string' && code !== 'unknown' ? ` (${code}, see docs/errors.md)` : '';
  const text = `${about === undefined ? '' : `${about}: `}${message}`;
  return inertInLine(found === '' ? text : `${text.replace(/\.$/, '')}${found}.`);
}
