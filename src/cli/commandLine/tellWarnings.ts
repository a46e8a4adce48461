import { inertInLine } from '../../lib/inert';
import type { Logged } from '../../lib/log';

/**
 * Prints the app's warnings and errors on stderr in words, each once. They tell of something that a command does without, or that its
 * result tells as well. The figures that the app logs are not printed.
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
