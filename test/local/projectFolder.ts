import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const own = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'local/build.mjs',
  'local/oneAtATime.mjs',
  'local/run.mjs',
  'src/lib/dashboard/browser/tsconfig.json',
];

/** A new folder with what a project needs to be built and to run commands, but no sources; the packages are those of this one. */
export function makeProjectFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  for (const path of own) cpSync(path, join(folder, path));
  return folder;
}
