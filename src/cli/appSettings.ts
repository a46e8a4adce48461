import { existsSync, readFileSync } from 'node:fs';
import { parseSettings, type Settings } from '../lib/settings';
import { type Flags, UsageError } from './commandLine';

export const settingsFlag = {
  settings: {
    value: 'FILE',
    meaning: 'a local.settings.json; without it the one here, or else the running npm start',
  },
} satisfies Flags;

/** Where `npm start` leaves the settings of its own emulators while it runs. */
export const runningSettingsFile = '.local/settings.json';

/**
 * The app's settings for a command: from a local.settings.json, or from the `npm start` that is running here. What the
 * environment sets goes before both.
 */
export function readAppSettings(file: string | true | undefined): Settings {
  const named = typeof file === 'string' ? [file] : ['local.settings.json', runningSettingsFile];
  const found = named.find((path) => existsSync(path));
  if (typeof file === 'string' && !found) throw new UsageError(`--settings ${file}: there is no such file.`);
  return parseSettings({ ...(found ? readValues(found) : {}), ...process.env });
}

function readValues(path: string): Record<string, string> {
  let parsed: { Values?: unknown } | null;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new UsageError(`${path} is not JSON.`, { cause });
  }
  if (typeof parsed?.Values !== 'object')
    throw new UsageError(`${path} has no "Values", as a local.settings.json has.`);
  return parsed.Values as Record<string, string>;
}
