import {
  type Action,
  type Command,
  type Flag,
  type Flags,
  flagsOf,
  orList,
  placeholders,
  UsageError,
  type Word,
  type Words,
} from './command';

/** The request of a command line: the usage, or an action with its values. */
export type Asked = 'usage' | { readonly action: Action; readonly given: Readonly<Record<string, unknown>> };

/**
 * @param args what stands behind the command's name
 * @throws UsageError saying in one line what is not taken, and what is
 */
export async function parseCommandLine(command: Command, args: readonly string[]): Promise<Asked> {
  const end = args.indexOf('--');
  const options = end < 0 ? args : args.slice(0, end);
  if (options.some((arg) => arg === '--help' || arg === '-h')) return 'usage';
  const name = shortName(command);
  const { words, flags, unknown } = splitArguments(flagsOf(command), args);
  if ('does' in command) {
    if (unknown !== undefined) throw unknownFlag(unknown, name, command.does.flags);
    return readAction(name, command.does, words, flags);
  }
  const [chosen, ...others] = words;
  const found = Object.entries(command.subcommands).find(([each]) => each === chosen)?.[1];
  const called = found ? `${name} ${chosen}` : name;
  if (unknown !== undefined) throw unknownFlag(unknown, called, found ? found.flags : flagsOf(command));
  if (found) return readAction(called, found, others, flags);
  const known = orList(Object.keys(command.subcommands));
  throw new UsageError(
    chosen === undefined
      ? `<subcommand> is missing: expected ${known}.`
      : `${chosen} is no subcommand of ${name}: expected ${known}.`,
  );
}

/** "npm run verify" is called verify. */
const shortName = ({ call }: Command): string => call.replace(/^npm (run )?/, '').replace(' -- ', ' ');

interface SplitArguments {
  readonly words: readonly string[];
  /** The texts of the flags, by their names without dashes. */
  readonly flags: ReadonlyMap<string, string>;
  /** The first flag that no action of the command has, as it was given. Which flags to name instead depends on the subcommand. */
  readonly unknown: string | undefined;
}

/** A flag begins with dashes and a letter, so that neither a negative number nor a comment in SQL is one. */
const isFlag = (arg: string): boolean => /^--?[a-z]/i.test(arg);

function splitArguments(known: Flags, args: readonly string[]): SplitArguments {
  const words: string[] = [];
  const flags = new Map<string, string>();
  let unknown: string | undefined;
  const queue = args.values();
  for (const arg of queue) {
    if (arg === '--') words.push(...queue);
    else if (!isFlag(arg)) words.push(arg);
    else {
      const [, flagName = '', inline] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(arg) ?? [];
      const flag = findFlag(known, flagName);
      if (!flag) unknown ??= arg;
      else if (unknown === undefined)
        flags.set(
          flagName,
          readValue(flagName, flag, inline, () => queue.next().value),
        );
    }
  }
  return { words, flags, unknown };
}

const findFlag = (flags: Flags, name: string): Flag<unknown> | undefined =>
  Object.entries(flags).find(([each]) => each === name)?.[1];

function unknownFlag(arg: string, name: string, known: Flags = {}): UsageError {
  if (arg.startsWith('--help=')) return new UsageError('--help takes no value.');
  const names = [...Object.keys(known), 'help'].map((each) => `--${each}`);
  return new UsageError(`${arg.replace(/=[\s\S]*/, '')} is no option of ${name}: expected ${orList(names)}.`);
}

function readValue(
  name: string,
  { value }: Flag<unknown>,
  inline: string | undefined,
  next: () => string | undefined,
): string {
  if (value === undefined) {
    if (inline === undefined) return '';
    throw new UsageError(`--${name} takes no value.`);
  }
  const text = inline ?? next();
  if (text !== undefined && (inline !== undefined || (text !== '--' && !isFlag(text)))) return text;
  throw new UsageError(`--${name} lacks its value: --${name} ${value}.`);
}

async function readAction(
  name: string,
  found: Action,
  texts: readonly string[],
  given: ReadonlyMap<string, string>,
): Promise<Asked> {
  const { words = {}, flags = {} } = found;
  const values: Record<string, unknown> = {};
  for (const [flagName, { fallback }] of Object.entries(flags)) values[flagName] = fallback;
  for (const [flagName, text] of given) {
    const flag = findFlag(flags, flagName);
    if (!flag) throw unknownFlag(`--${flagName}`, name, flags);
    const value = flag.read(text);
    if (value === undefined)
      throw new UsageError(
        `--${flagName} ${(flag.shown?.(text) ?? text) || '""'}: expected ${flag.expected}.`,
      );
    values[flagName] = value;
  }
  const taken = Object.entries(words);
  const extra = texts[taken.length];
  if (extra !== undefined)
    throw new UsageError(`${name} takes ${describeWords(words)}; ${extra || '""'} is one too many.`);
  for (const [index, [wordName, word]] of taken.entries())
    values[wordName] = await readWord(wordName, word, texts[index]);
  return { action: found, given: values };
}

async function readWord(name: string, word: Word<unknown>, text: string | undefined): Promise<unknown> {
  const value = text === undefined ? undefined : await word.read(text);
  if (value !== undefined || (text === undefined && word.isOptional)) return value;
  const expected = await word.expected();
  throw new UsageError(
    text === undefined
      ? `<${name}> is missing: expected ${expected}.`
      : `${text || 'An empty text'} is no ${word.noun}: expected ${expected}.`,
  );
}

function describeWords(words: Words): string {
  const [first, ...others] = Object.values(words);
  if (!first) return 'no words';
  return others.length === 0 ? `one ${first.noun}` : placeholders(words);
}
