import { existsSync, readFileSync } from 'node:fs';
import { asObject, parseJsonObject } from '../lib/jsonObject';

/**
 * The settings in a file of the form of local.settings.json, which are its `Values`. Throws an error that names the file when it
 * is not there, is not JSON, or has no such values; no message holds a value.
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
  return readFileSync(path, 'utf8');
}
