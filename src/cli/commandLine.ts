import { parseArgs } from 'node:util';

/** A command was called with arguments it does not take. */
export class UsageError extends Error {}

export interface Flag {
  /** What stands behind the flag in the usage, like `20s`; nothing for a switch. */
  readonly value?: string;
  readonly meaning: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** Reads `--name value` and `--switch` arguments. Throws UsageError, naming what is not known. */
export function readFlags<F extends Flags>(
  flags: F,
  args: readonly string[],
): { [name in keyof F]?: string | true } {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value }]) => [
      name,
      { type: value ? ('string' as const) : ('boolean' as const) },
    ]),
  );
  try {
    return parseArgs({ args: [...args], options }).values as { [name in keyof F]?: string | true };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** One line a flag. */
export function describeFlags(flags: Flags): string {
  const names = Object.entries(flags).map(([name, { value }]) => `--${name}${value ? ` ${value}` : ''}`);
  const width = Math.max(...names.map((name) => name.length));
  return Object.values(flags)
    .map(({ meaning }, index) => `  ${(names[index] ?? '').padEnd(width)}  ${meaning}`)
    .join('\n');
}

/** Throws UsageError when the text is no number within the limits. */
export function readNumber(
  flag: string,
  text: string | true | undefined,
  fallback: number,
  most: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (typeof text === 'string' && /^\d+(?:\.\d+)?$/.test(text) && value <= most) return value;
  throw new UsageError(`--${flag} ${text}: expected a number from 0 to ${most}.`);
}

/** Milliseconds. Throws UsageError when the text is no duration. */
export function readDuration(flag: string, text: string | true): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(text));
  if (!found) throw new UsageError(`--${flag} ${text}: expected a duration like 20s or 5m.`);
  return Number(found[1]) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[found[2] ?? 's'] ?? 1000);
}

/** Runs a command: its number becomes the exit code, an error one line and exit code 1, a wrong call the usage as well. */
export function runCommand(usage: string, command: (args: string[]) => Promise<number>): void {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(usage);
    return;
  }
  command(args).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(error instanceof Error ? error.message : String(error));
      if (error instanceof UsageError) console.error(usage);
      process.exitCode = 1;
    },
  );
}
