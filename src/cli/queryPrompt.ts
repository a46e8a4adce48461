import { createInterface, type Interface } from 'node:readline';
import { inertInLine } from '../lib/inert';
import { interrupted } from './commandLine/interrupts';
import { describeError } from './commandLine/runCommand';
import type { QuerySession } from './querySession';
import { splitStatements } from './splitStatements';

export interface PromptOptions {
  readonly session: QuerySession;
  /** The statement of a saved query, by its name. */
  readonly findSaved: (name: string) => string | undefined;
  readonly printList: () => void;
}

/** How many characters of a statement an error repeats. */
const begin = 60;

/** How a statement begins, in one line and in quotes. */
function beginOf(statement: string): string {
  const text = statement.trim().replace(/\s+/g, ' ');
  return `"${inertInLine(text.length > begin ? `${text.slice(0, begin)}…` : text)}"`;
}

const help = `A statement ends with ";", and may take several lines. The name of a saved query runs it.
  .list                    the tables and their columns, and the saved queries
  .table  .csv  .json      how rows are printed from now on
  .exit                    ends it, as does Ctrl-D
Ctrl-C stops the statement that runs, or forgets what was typed; a second one, with nothing typed since, ends it.`;

/**
 * Runs statements from stdin until its end. On a terminal it asks for them, and goes on after an error; otherwise the first error is
 * thrown.
 * @returns how many there were
 */
export const readStatements = (options: PromptOptions): Promise<number> => new Prompt(options).run();

class Prompt {
  readonly #options: PromptOptions;
  readonly #isTerminal = Boolean(process.stdin.isTTY && process.stderr.isTTY);
  readonly #lines: Interface;
  readonly #ended = Promise.withResolvers<void>();
  /** Lines that came while a statement ran. */
  readonly #waiting: string[] = [];
  #isBusy = false;
  #isClosed = false;
  /** A statement that has not ended. */
  #begun = '';
  #statements = 0;
  /** True if no line came since the last Ctrl-C. Then another Ctrl-C ends the command. */
  #wasInterrupted = false;

  constructor(options: PromptOptions) {
    this.#options = options;
    const { stdin, stderr } = process;
    this.#lines = this.#isTerminal
      ? createInterface({ input: stdin, output: stderr, terminal: true })
      : createInterface({ input: stdin });
    this.#lines.on('SIGINT', () => this.#onInterrupt());
    this.#lines.on('line', (line) => {
      this.#wasInterrupted = false;
      this.#waiting.push(line);
      void this.#work();
    });
    this.#lines.on('close', () => {
      this.#isClosed = true;
      void this.#work();
    });
  }

  async run(): Promise<number> {
    if (this.#isTerminal) console.error('Statements end with ";". ".help" says more.');
    this.#ask();
    await this.#ended.promise;
    return this.#statements;
  }

  #ask(): void {
    if (!this.#isTerminal || this.#isClosed) return;
    this.#lines.setPrompt(this.#begun === '' ? 'lake> ' : '  ... ');
    this.#lines.prompt();
  }

  /** Takes the lines that wait, one after the other. */
  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
        await this.#take(line);
        this.#ask();
      }
      this.#isBusy = false;
      if (this.#isClosed) await this.#end();
    } catch (error) {
      this.#lines.close();
      this.#ended.reject(error);
    }
  }

  /**
   * Handles the end of the input. The end of a file also ends its last statement; a Ctrl-D on a terminal drops a statement that was begun.
   */
  async #end(): Promise<void> {
    if (!this.#isTerminal && this.#begun !== '') await this.#run(this.#begun);
    this.#ended.resolve();
  }

  async #take(line: string): Promise<void> {
    const word = line.trim();
    if (this.#begun === '') {
      if (/^(?:\.|(?:exit|quit);?$)/i.test(word)) return this.#obey(word);
      const saved = this.#options.findSaved(word.replace(/;$/, ''));
      if (saved !== undefined) return this.#run(saved);
    }
    const { statements, rest } = splitStatements(`${this.#begun}${line}\n`);
    this.#begun = rest.trim() === '' ? '' : rest;
    for (const statement of statements) await this.#run(statement);
  }

  async #run(statement: string): Promise<void> {
    this.#statements++;
    try {
      await this.#options.session.run(statement);
    } catch (error) {
      const message = describeError(error);
      if (!this.#isTerminal)
        throw new Error(`Statement ${this.#statements}, ${beginOf(statement)}: ${message}`, { cause: error });
      console.error(message);
    }
  }

  #obey(command: string): void {
    const { session, printList } = this.#options;
    const format = (['table', 'csv', 'json'] as const).find((name) => command === `.${name}`);
    if (format) session.setFormat(format);
    else if (/^\.?(?:exit|quit)/i.test(command)) this.#leave();
    else if (command === '.list') printList();
    else console.error(command === '.help' ? help : `${command} is no command: ".help" lists them.`);
  }

  #leave(): void {
    this.#waiting.length = 0;
    this.#lines.close();
  }

  /**
   * Handles Ctrl-C: stops the statement that runs, or else forgets what was typed. A second Ctrl-C with nothing typed since ends the
   * command.
   */
  #onInterrupt(): void {
    const hasTyped = this.#begun !== '' || this.#lines.line !== '';
    if (this.#wasInterrupted && !hasTyped) {
      process.stderr.write('\n');
      process.exit(interrupted);
    }
    this.#wasInterrupted = true;
    if (this.#options.session.stop()) return;
    this.#begun = '';
    this.#lines.write(null, { ctrl: true, name: 'e' });
    this.#lines.write(null, { ctrl: true, name: 'u' });
    process.stderr.write('\n(Ctrl-C again ends it, as do .exit and Ctrl-D.)\n');
    this.#ask();
  }
}
