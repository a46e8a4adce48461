import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { endCommand, type RunningCommand, runCommand } from './runCommand';

/** An empty folder in which commands of a test run. After the test they are ended, and the folder is removed. */
export class CommandFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'tributary-'));
  readonly #commands: RunningCommand[] = [];

  constructor() {
    onTestFinished(() => this.#remove());
  }

  /** Starts a compiled command of the project. */
  run(file: string, ...args: string[]): RunningCommand {
    const command = runCommand(file, args, this.path);
    this.#commands.push(command);
    return command;
  }

  /** Ends the commands, the last one first. */
  async #remove(): Promise<void> {
    for (const command of this.#commands.reverse()) await endCommand(command);
    rmSync(this.path, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  }
}
