import { basename, dirname, join, resolve } from 'node:path';
import { readLocalSettings } from '../src/cli/localSettings';

/** The project's folder. This file runs as dist/local/project.js if compiled, and as local/project.ts under vitest. */
export const appDir = resolve(__dirname, basename(dirname(__dirname)) === 'dist' ? '../..' : '..');

/** @param path the path of a compiled file below dist/local */
export const compiled = (path: string): string => join(appDir, 'dist', 'local', path);

/** The values of local.settings.sample.json. */
export const sampleSettings = (): Record<string, string> =>
  readLocalSettings(join(appDir, 'local.settings.sample.json'));
