import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LocalStack } from './localStack';

/** The findings of `npm run doctor`. */
export interface Examined {
  readonly code: number;
  readonly text: string;
  /** Its lines that begin with WRONG, without that word. */
  readonly red: readonly string[];
}

export interface DoctorOptions {
  /** Settings that differ from those of the stack. */
  readonly changed?: Readonly<Record<string, string>>;
  /** The address of the app; by default one at which nothing answers. */
  readonly url?: string;
}

/** Runs the compiled doctor with the settings of a stack. */
export function runDoctor(
  stack: LocalStack,
  { changed = {}, url = 'http://127.0.0.1:1' }: DoctorOptions,
): Promise<Examined> {
  const settings = join(stack.folder, 'settings.json');
  writeFileSync(settings, JSON.stringify({ Values: { ...stack.settings, ...changed } }));
  const argv = [resolve('dist/src/cli/doctor.js'), '--settings', settings, '--url', url];
  return new Promise((done) => {
    execFile(process.execPath, argv, (error, text) => {
      const red = [...text.matchAll(/^WRONG +(.*)$/gm)].map(([, line = '']) => line);
      done({ code: Number(error?.code ?? 0), text, red });
    });
  });
}

/** The subjects of the red lines. */
export const aboutOf = (red: readonly string[]): (string | undefined)[] =>
  red.map((line) => line.split(': ')[0]);
