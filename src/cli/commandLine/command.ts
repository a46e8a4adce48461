/*
 * The words and flags of a command's actions are described once, as data. Parsing, messages and usage follow from that, so that all
 * commands behave alike.
 */

/** A command was called with arguments that it does not take. */
export class UsageError extends Error {}

/** An argument that is recognised by its place on the command line, like the name of a stream. */
export interface Word<T> {
  /** The noun for it in messages: "x is no stream". */
  readonly noun: string;
  /** Describes the accepted values, like "clickstream or orders". */
  expected(): Promise<string>;
  /** Returns the value, or undefined for a text that is not accepted. */
  read(text: string): T | undefined | Promise<T | undefined>;
  /** True if the word may be left out, together with all words after it. Its value is then undefined. */
  readonly isOptional?: true;
}

/** A word that may be left out. */
export const optional = <T>(word: Word<T>): Word<T | undefined> => ({ ...word, isOptional: true });

/** An argument that is told by its name, like `--settings FILE`; it may stand before or after words. */
export interface Flag<T> {
  readonly meaning: string;
  /** The word for its value in the usage, like `FILE`. A flag without one is a switch. */
  readonly value?: string;
  /** Describes the accepted values, like "a number from 0 to 10". */
  readonly expected?: string;
  /** Returns how an error message shows a refused text that may hold a secret. Without this method the text is shown as it is. */
  shown?(text: string): string;
  /** The value if the flag is not given. */
  readonly fallback: T;
  /** Returns the value, or undefined for a text that is not accepted. A switch gets the empty text. */
  read(text: string): T | undefined;
}

export type Words = Readonly<Record<string, Word<unknown>>>;
export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values of words and flags, by their names. */
export type Given<D> = {
  readonly [Name in keyof D]: D[Name] extends Word<infer T> ? T : D[Name] extends Flag<infer T> ? T : never;
};

type None = Readonly<Record<never, never>>;

/** An action of a command: the command itself, or one of its subcommands. */
export interface Action<W extends Words = Words, F extends Flags = Flags> {
  /** What it does, for the usage. */
  readonly meaning: string;
  /** The words in the order in which they are given. */
  readonly words?: W;
  readonly flags?: F;
  /** Does the work. The returned number becomes the exit code: 1 stands for findings and failures. */
  run(given: Given<W> & Given<F>): Promise<number>;
}

/** Checks an action's description while its types are known. */
export const action = <W extends Words = None, F extends Flags = None>(described: Action<W, F>): Action =>
  described;

/** A command: one action, or several from which the first word chooses. */
export type Command = {
  /** How it is called: "npm run verify". */
  readonly call: string;
} & (
  | { readonly does: Action }
  | { readonly meaning: string; readonly subcommands: Readonly<Record<string, Action>> }
);

/** The flags of all its actions. While a command line is read, the action is not known yet, but whether a flag has a value must be. */
export function flagsOf(command: Command): Flags {
  const actions = 'does' in command ? [command.does] : Object.values(command.subcommands);
  return Object.assign({}, ...actions.map(({ flags }) => flags));
}

/** The text in front of a command's own arguments: "npm run verify --" */
export const prefixOf = ({ call }: Command): string =>
  call.startsWith('npm ') && !call.includes(' -- ') ? `${call} --` : call;

/** "--settings FILE" */
export const describeFlag = (name: string, { value }: Flag<unknown>): string =>
  value === undefined ? `--${name}` : `--${name} ${value}`;

/** "<stream> [partition]" */
export const placeholders = (words: Words): string =>
  Object.entries(words)
    .map(([name, { isOptional }]) => (isOptional ? `[${name}]` : `<${name}>`))
    .join(' ');

/** "a, b or c" */
export const orList = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
