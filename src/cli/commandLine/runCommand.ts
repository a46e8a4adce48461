import { TributaryError } from '../../lib/errors';
import { makeConsoleInert } from '../../lib/inert';
import { onLogged } from '../../lib/log';
import { onLongWait } from '../../lib/longWait';
import { type Command, prefixOf, UsageError } from './command';
import { refuseLostFlags } from './lostFlags';
import { parseCommandLine } from './parseCommandLine';
import { tellWarnings } from './tellWarnings';
import { describeUsage } from './usage';

/** The exit codes of all commands, beside 0. */
const failed = 1;
const wronglyUsed = 2;
/** The exit code that a shell reports for a program that SIGPIPE ended because nobody reads its output any more. */
const outputCut = 128 + 13;

let isCut = false;

/**
 * Runs a command with the arguments of this process, or with others. The number that its action gives becomes the exit code: 1 is
 * for findings, and for errors, which are told in one line. A wrong use is told in one line as well, with the way to the usage, and
 * ends with 2. A command whose output is cut, as by `| head`, ends quietly. Nothing that it prints can control the terminal.
 * @param command a promise if its flags depend on files that must be loaded
 */
export function runCommand(
  command: Command | Promise<Command>,
  args: readonly string[] = process.argv.slice(2),
): void {
  makeConsoleInert();
  onLogged(tellWarnings());
  onLongWait((place) => console.error(`No answer yet: ${place}`));
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endWithoutOutput);
  void answerCommandLine(command, args).then((code) => {
    process.exitCode = isCut ? outputCut : code;
    endSoon();
  });
}

/** How long a connection that nobody needs any more may keep the process alive. */
const lingerMs = 500;

/**
 * Ends the process soon even if connections are open: the SDKs wait for minutes, or for ever, until a connection without an answer closes.
 */
function endSoon(): void {
  const timer = setInterval(() => {
    if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
  }, lingerMs);
  timer.unref();
}

/**
 * Does what a command line asks for, and returns the exit code, as `runCommand` does; but it leaves the console, the log and the end of
 * the process as they are. For a server, whose process may run code with its own use of them.
 */
export async function answerCommandLine(
  described: Command | Promise<Command>,
  args: readonly string[],
): Promise<number> {
  let command: Command | undefined;
  try {
    command = await described;
    refuseLostFlags(command, args, process.env);
    const asked = await parseCommandLine(command, args);
    if (asked !== 'usage') return await asked.action.run(asked.given);
    console.log(await describeUsage(command));
    return 0;
  } catch (error) {
    console.error(describeError(error));
    if (!(command && error instanceof UsageError)) return failed;
    console.error(`"${prefixOf(command)} --help" says what it takes.`);
    return wronglyUsed;
  }
}

/** The error as one line. It names the code to look up, except for an error in the settings, whose message says what to do. */
export function describeError(error: unknown): string {
  if (error instanceof TributaryError && error.code !== 'settings.invalid') {
    const hint = hintToStart(error.code, error.message);
    const message = hint === '' ? error.message : error.message.replace(/\.$/, '');
    return `${message} (${error.code}, see docs/errors.md)${hint}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** What to do if nothing answers on this machine: its storage, hubs and simulators belong to the project, and somebody must start them. */
export const howToStart = 'start "npm start" or "npm run emulators", or correct the settings';

/** Whether an error says that nothing runs at an address on this machine. */
export const nothingRuns = (message: string): boolean => /ECONNREFUSED (?:127\.0\.0\.1|::1):/.test(message);

/** What to add to the text of an error if nothing runs at the address that was asked; otherwise empty. */
export const hintToStart = (code: string, message: string): string =>
  /^(?:storage|hub|source)\.unavailable$/.test(code) && nothingRuns(message)
    ? `. Nothing runs there: ${howToStart}.`
    : '';

/** True if nobody reads the output any more, as after `| head`. Then the command ends without a message. */
export const isOutputCut = (): boolean => isCut;

function endWithoutOutput({ code, message }: NodeJS.ErrnoException): void {
  if (code !== 'EPIPE') {
    console.error(`The output cannot be written: ${message}`);
    process.exit(failed);
  }
  if (isCut) return;
  isCut = true;
  // A command that listens for this signal has processes to stop.
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(outputCut);
}
