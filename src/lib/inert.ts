import { format } from 'node:util';

/*
 * Keeps text from controlling the terminal. Text of events, and names that others choose, may contain characters that a terminal obeys
 * instead of showing: escape sequences that clear the screen or set its title, and marks that reverse the direction of text. They are shown
 * as escapes of JSON, such as \u001b, so that JSON which contains them keeps its meaning.
 */

/** Replaces control characters and direction marks, except line feeds and tabs, by escapes. */
export const inert = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, escapeUnlessSpace);

/** Like `inert`, for a text within a line. Line feeds and tabs become escapes too, so that the text cannot look like further lines. */
export const inertInLine = (text: string): string => inert(text.replace(/[\n\t]/g, showEscaped));

const escapeUnlessSpace = (character: string): string =>
  character === '\n' || character === '\t' ? character : showEscaped(character);

function showEscaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Makes everything inert that this process prints with `console`. Output that controls the terminal on purpose is written to the stream
 * directly.
 */
export function makeConsoleInert(): void {
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    const print = console[level].bind(console);
    console[level] = (...values: unknown[]) => print(inert(format(...values)));
  }
}
