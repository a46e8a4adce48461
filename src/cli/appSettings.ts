import { existsSync } from 'node:fs';
import { parseSettings, type Settings } from '../lib/settings';
import { loadStreams } from '../lib/streams/loadStreams';
import { textFlag } from './commandLine/arguments';
import { UsageError } from './commandLine/command';
import { readLocalSettings } from './localSettings';

export const settingsFlag = {
  settings: textFlag(
    'FILE',
    'a local.settings.json; by default the one in this folder, or else those of the running npm start',
  ),
};

/** The file in which `npm start` keeps the settings for its emulators while it runs. */
const runningSettingsFile = '.local/settings.json';

/**
 * The app's settings for a command: from a local.settings.json, or from the `npm start` that is running here. Environment
 * variables override both. Settings of streams may be missing, because most commands need none of them.
 */
export async function readAppSettings(file: string | undefined): Promise<Settings> {
  const named = file === undefined ? ['local.settings.json', runningSettingsFile] : [file];
  const found = named.find((path) => existsSync(path));
  if (file !== undefined && !found) throw new UsageError(`--settings ${file}: there is no such file.`);
  const environment = { ...(found ? readLocalSettings(found) : {}), ...process.env };
  return parseSettings(environment, [], await loadStreams());
}
