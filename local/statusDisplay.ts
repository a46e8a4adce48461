import { inert, inertInLine } from '../src/lib/inert';

/** The state of a run at a moment, as it is shown. */
export interface Status {
  /** A line of numbers for each stream. */
  readonly figures: readonly string[];
  /** Sentences that say what is wrong. */
  readonly notes: readonly string[];
}

/** The place where the state of a run is shown. Nothing in its texts can control the terminal. */
export interface StatusDisplay {
  /** Shows a status in the place of the last one. */
  show(status: Status): void;
  /** Prints a text that stays. */
  print(text: string): void;
}

/** Opens a display. On a terminal the status is drawn in one place; elsewhere, as in a file, each change is a line. */
export const openDisplay = (output: NodeJS.WriteStream): StatusDisplay =>
  output.isTTY && process.env.TERM !== 'dumb' ? new TerminalDisplay(output) : new LineDisplay(output);

class LineDisplay implements StatusDisplay {
  readonly #output: NodeJS.WriteStream;
  #shown: readonly string[] = [];

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  show({ figures, notes }: Status): void {
    const lines = [figures.join(' · '), ...notes];
    for (const line of lines.filter((each) => !this.#shown.includes(each))) this.print(line);
    this.#shown = lines;
  }

  print(text: string): void {
    this.#output.write(`${inert(text)}\n`);
  }
}

const eraseDown = '\u001b[J';
const up = (rows: number) => `\u001b[${rows}A`;

/** Draws the status on a terminal. The cursor stays below the lines, so that other output comes after them. */
class TerminalDisplay implements StatusDisplay {
  readonly #output: NodeJS.WriteStream;
  #rows = 0;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  show({ figures, notes }: Status): void {
    // A terminal would wrap longer lines by itself, and the rows could not be counted.
    // Terminals that do not know their size, like those of `script` and of some containers, say 0.
    const width = Math.max(20, (this.#output.columns || 80) - 1);
    const rows = [...figures, ...notes].flatMap((line) => wrap(inertInLine(line), width));
    this.#output.write(`${this.#toBeginning()}${rows.map((row) => `${row}\n`).join('')}`);
    this.#rows = rows.length;
  }

  print(text: string): void {
    this.#output.write(`${this.#toBeginning()}${inert(text)}\n`);
    this.#rows = 0;
  }

  #toBeginning(): string {
    return this.#rows === 0 ? '' : `${up(this.#rows)}\r${eraseDown}`;
  }
}

/** Breaks a line between words. A word that is too long for a line is broken as well. All rows but the first are indented. */
export function wrap(line: string, width: number): string[] {
  const rows: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const end = rest.slice(0, Math.max(0, space)).trim() === '' ? width : space;
    rows.push(rest.slice(0, end));
    rest = `  ${rest.slice(end).trimStart()}`;
  }
  return [...rows, rest];
}
