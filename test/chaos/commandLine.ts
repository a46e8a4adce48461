import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appDir } from '../../local/processes';

/** A command of the project as its users write it, like `npm run verify -- clickstream`. */
export interface CommandLine {
  /** The script's name in package.json. */
  readonly script: string;
  readonly args: readonly string[];
}

/** Parses a command. Throws if the text has another form. */
export function parseCommandLine(text: string): CommandLine {
  const [npm, run, script, dashes, ...args] = text.split(' ');
  if (npm !== 'npm' || run !== 'run' || !script || (dashes ?? '--') !== '--')
    throw new Error(`"${text}" is no command of this project.`);
  return { script, args };
}

/**
 * Runs a command with these settings, as package.json defines it, but without building first.
 * @param killed kills it with SIGKILL
 */
export async function runCommandLine(
  text: string,
  settings: Readonly<Record<string, string>>,
  killed?: AbortSignal,
): Promise<{ code: number; output: string }> {
  const { script, args } = parseCommandLine(text);
  const { scripts } = JSON.parse(readFileSync(join(appDir, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const file = / node (dist\/\S+\.js)$/.exec(scripts[script] ?? '')?.[1];
  if (file === undefined) throw new Error(`"${text}": package.json has no such command.`);
  const child = spawn(process.execPath, [join(appDir, file), ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  killed?.addEventListener('abort', () => child.kill('SIGKILL'));
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? 1, output })));
}
