import { existsSync } from 'node:fs';
import { asObject, parseJsonObject } from '../lib/jsonObject';
import { readGivenFile } from './givenFile';

/**
 * The `Values` of a file in the format of local.settings.json. If the file is missing, is not JSON, or has no such values, throws
 * an error that names the file. No message contains a value, because a value may be a secret.
 */
export function readLocalSettings(path: string): Record<string, string> {
  const file = parseJsonObject(readText(path), path);
  if (file.Values === undefined) throw new Error(`${path} has no "Values", as a local.settings.json has.`);
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(asObject(file.Values, `${path}: Values`))) {
    if (typeof value !== 'string') throw new Error(`${path}: Values.${name} must be a string.`);
    values[name] = value;
  }
  return values;
}

function readText(path: string): string {
  if (!existsSync(path)) throw new Error(`The settings file ${path} does not exist.`);
  return readGivenFile(path).toString('utf8');
}
