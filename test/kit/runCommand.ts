import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A command in its own process, as users run it. */
export interface RunningCommand {
  readonly process: ChildProcess;
  /** All output so far. */
  text(): string;
  /** Resolves when the output matches. Rejects if the process ends before. */
  until(pattern: RegExp): Promise<void>;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/**
 * Starts a compiled command of the project.
 * @param file the path of the compiled file below dist
 * @param env by default the environment of this process
 */
export const runCommand = (
  file: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): RunningCommand => spawnCommand(process.execPath, [resolve('dist', file), ...args], cwd, env);

/** Starts any program. */
export function spawnCommand(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): RunningCommand {
  // INIT_CWD is left out, because the npm of the tests was called in another folder.
  const { INIT_CWD: _, ...ofChild } = env;
  const child = spawn(program, args, { cwd, env: ofChild, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk;
    });
  }
  const ended = new Promise<number | NodeJS.Signals>((done) => {
    child.once('close', (code, signal) => done(signal ?? code ?? -1));
  });
  return {
    process: child,
    text: () => text,
    ended,
    async until(pattern) {
      while (!pattern.test(text)) {
        const over = await Promise.race([ended, sleep(50, undefined)]);
        if (over !== undefined && !pattern.test(text)) throw new Error(`It ended with ${over}:\n${text}`);
      }
    },
  };
}

/** Ends a command that a test left running. */
export async function endCommand(command: RunningCommand | undefined): Promise<void> {
  if (!command || command.process.exitCode !== null || command.process.signalCode !== null) return;
  command.process.kill('SIGKILL');
  await command.ended;
}
