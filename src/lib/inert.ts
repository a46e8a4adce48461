import { format } from 'node:util';

/*
 * Text from events, and names that others choose, may hold characters that a terminal obeys instead of showing: escape sequences that
 * clear the screen or set its title, and marks that turn the direction of the text around. They are shown as escapes of JSON, such as
 * \u001b, so that JSON in which they stand is still the same JSON.
 */

/** Shows control characters and marks of direction as escapes, except line feeds and tabs. */
export const inert = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, escapeUnlessSpace);

/** For a text that stands within a line: line feeds and tabs are shown as escapes too, so that it cannot look like other lines. */
export const inertInLine = (text: string): string => inert(text.replace(/[\n\t]/g, showEscaped));

const escapeUnlessSpace = (character: string): string =>
  character === '\n' || character === '\t' ? character : showEscaped(character);

function showEscaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Makes all that this process prints with `console` inert. What is meant for the terminal itself is written to the stream directly. */
export function makeConsoleInert(): void {
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    const print = console[level].bind(console);
    console[level] = (...values: unknown[]) => print(inert(format(...values)));
  }
}
