import { type ChildProcess, spawn } from 'node:child_process';
import { within } from '../src/lib/deadline';
import { openLog } from './logFile';

// A process that is killed cannot end its children. This code runs in each child and ends it when the channel to the parent closes.
const endWithParent = `data:text/javascript,${encodeURIComponent("process.on('disconnect',()=>process.exit(1))")}`;

export interface ChildOptions {
  /** The name of the process in messages. */
  readonly name: string;
  /** A compiled file and its arguments. */
  readonly argv: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The file to which all output is appended. */
  readonly logFile?: string;
  /** Matches the line that the process prints when it is ready. */
  readonly ready: RegExp;
  readonly startLimitMs?: number;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** The match of the ready line, with its groups. */
  readonly readyMatch: RegExpExecArray;
  /** Resolves when the process has ended, to its exit code or to the name of the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Asks the process to end, and kills it if it has not ended within the limit. Resolves to the exit code. */
  stop(limitMs?: number): Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a Node process and waits for its ready line. Rejects with its last error output if it ends before. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = spawn(process.execPath, ['--import', endWithParent, ...options.argv], {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C in the terminal must reach the parent only, which ends its children in order.
    detached: true,
  });
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 1));
  });
  const readyMatch = await waitForLine(child, options);
  return {
    name: options.name,
    pid: child.pid ?? 0,
    readyMatch,
    exited,
    kill: (signal) => void child.kill(signal),
    stop(limitMs = 30_000) {
      child.kill('SIGTERM');
      return endOf(child, exited, limitMs);
    },
  };
}

/** Waits until a process has ended, and kills it if it has not ended within the limit. */
export async function endOf<Exit>(
  child: ChildProcess,
  exited: Promise<Exit>,
  limitMs: number,
): Promise<Exit> {
  return within(
    limitMs,
    () => exited,
    () => {
      child.kill('SIGKILL');
      return exited;
    },
  );
}

async function waitForLine(child: ChildProcess, options: ChildOptions): Promise<RegExpExecArray> {
  const { name, logFile, ready, startLimitMs = 60_000 } = options;
  const log = logFile === undefined ? undefined : openLog(logFile);
  let tail = '';
  const found = new Promise<RegExpExecArray>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      log?.write(chunk);
      tail = (tail + chunk.toString()).slice(-4000);
      const match = ready.exec(tail);
      if (match) resolve(match);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(tail.trim() || `${name} ended with ${signal ?? code}.`)),
    );
    child.once('close', () => log?.end());
  });
  return within(
    startLimitMs,
    () => found,
    () => {
      child.kill('SIGKILL');
      throw new Error(`${name} was not ready after ${startLimitMs / 1000} s.\n${tail}`);
    },
  );
}
