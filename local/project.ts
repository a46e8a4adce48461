import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The project's folder. This file runs compiled from dist/local, and under vitest uncompiled from local. */
export const appDir = resolve(__dirname, basename(dirname(__dirname)) === 'dist' ? '../..' : '..');

/** @param path the path of a compiled file below dist/local */
export const compiled = (path: string): string => join(appDir, 'dist', 'local', path);

/** The values of local.settings.sample.json. */
export function sampleSettings(): Record<string, string> {
  const sample: { Values: Record<string, string> } = JSON.parse(
    readFileSync(join(appDir, 'local.settings.sample.json'), 'utf8'),
  );
  return sample.Values;
}
