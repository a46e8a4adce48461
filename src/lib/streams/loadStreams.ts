import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { once } from '../once';
import type { Stream } from './stream';

/**
 * All streams, in the order of their files' names. A stream is any export of a file in this folder that has the shape of one, so
 * that a new stream is only a new file, and no list must be kept.
 */
export const loadStreams = once(load);

/** The stream with this name; undefined if there is none. */
export const findStream = async (name: string): Promise<Stream | undefined> =>
  (await loadStreams()).find((stream) => stream.name === name);

async function load(): Promise<readonly Stream[]> {
  // This file runs compiled as .js, and in tests as .ts.
  const files = readdirSync(__dirname).filter((name) => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts'));
  const modules = await Promise.all(
    files
      .sort()
      .map((name): Promise<Record<string, unknown>> => import(pathToFileURL(join(__dirname, name)).href)),
  );
  return modules.flatMap((exported) => Object.values(exported).filter(isStream));
}

function isStream(value: unknown): value is Stream {
  const { name, table, hubSetting, columns, decode } = (value ?? {}) as Partial<Stream>;
  const isNamed = [name, table, hubSetting].every((text) => typeof text === 'string');
  return isNamed && Array.isArray(columns) && typeof decode === 'function';
}
