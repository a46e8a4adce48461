import { existsSync } from 'node:fs';
import { type Environment, settingDefinitions } from '../lib/settingDefinitions';
import {
  type LakeSettings,
  parseLakeSettings,
  parseQuerySettings,
  parseSettings,
  readStreamSettings,
  type Settings,
  type StreamSettings,
} from '../lib/settings';
import { loadStreams } from '../lib/streams/loadStreams';
import { type Stream, settingsOf } from '../lib/streams/stream';
import { fileFlag } from './commandLine/arguments';
import { UsageError } from './commandLine/command';
import { isUsedByRun } from './localRun';
import { readLocalSettings } from './localSettings';

/*
 * Where a command finds the app's settings. Environment variables override each of these:
 *
 * | the first of these               | when                                                                       |
 * |----------------------------------|----------------------------------------------------------------------------|
 * | the file of `--settings`         | always                                                                     |
 * | local.settings.json              | it is in this folder                                                       |
 * | .local/settings.json             | the emulators of `npm start` or `npm run emulators` run here               |
 * | the same, or last-settings.json  | they have ended, and the command needs no more than the DuckDB file        |
 * | nothing                          | the environment has settings of the app                                    |
 */

export const settingsFlag = {
  settings: fileFlag(
    'a local.settings.json; by default the one in this folder, or else the settings of the npm start or npm run emulators that runs here; environment variables override each',
  ),
};

const fileHere = 'local.settings.json';
/** The files in which `npm start` keeps its settings: the first one while it runs, the second one after it has ended. */
const [ofThisRun, ofLastRun] = ['.local/settings.json', '.local/last-settings.json'] as const;

const noSettings =
  'There are no settings: start "npm start", or make local.settings.json (cp local.settings.sample.json local.settings.json).';
/** For a command that must not run beside the app, like `checkpoints -- reset`. */
const afterRun =
  'What ran here last has ended; "npm run emulators" has its storage and hubs, without the app.';

interface ReadOptions {
  /** Whether the command can work with the settings of emulators that have ended: then storage and hubs do not answer. */
  readonly orEnded?: boolean;
}

/**
 * The app's settings for a command. Says on stderr, in one line, where they are from. Settings of streams may be missing, because
 * most commands need none of them.
 */
export async function readAppSettings(file: string | undefined): Promise<Settings> {
  const streams = await loadStreams();
  return parseSettings(await readEnvironment(file, streams), [], streams);
}

/** The settings of the app as its functions need them: those of every stream are required. */
export async function readWholeSettings(file: string | undefined): Promise<Settings> {
  const streams = await loadStreams();
  return parseSettings(await readEnvironment(file, streams), streams);
}

/** The settings of a command that works on the lake, its counts and its warehouse alone. It needs no hub. */
export const readLakeSettings = async (file: string | undefined): Promise<LakeSettings> =>
  parseLakeSettings(await readEnvironment(file, await loadStreams()));

/** The settings of a command that sends to hubs and has nothing to do with the lake. */
export const readSourceSettings = async (file: string | undefined): Promise<StreamSettings> =>
  readStreamSettings(await readEnvironment(file, await loadStreams()));

/** The settings of a query, which needs no others, and works on a DuckDB file also after `npm start` has ended. */
export const readQuerySettings = async (file: string | undefined) =>
  parseQuerySettings(await readEnvironment(file, await loadStreams(), { orEnded: true }));

/** All settings as texts, unchecked. */
async function readEnvironment(
  file: string | undefined,
  streams: readonly Stream[],
  options: ReadOptions = {},
): Promise<Environment> {
  const names = [...settingDefinitions, ...streams.flatMap(settingsOf)].map(({ name }) => name);
  const source = await findSource(file, options);
  const inFile = source ? readLocalSettings(source.file) : {};
  const ofHost = ['AzureWebJobsStorage', ...(source ? ['FUNCTIONS_WORKER_RUNTIME'] : [])];
  const fromEnvironment = overriding(inFile, process.env, [...names, ...ofHost]);
  if (!source && fromEnvironment.length === 0)
    throw new Error(findEnded() === undefined ? noSettings : `${noSettings} ${afterRun}`);
  console.error(describeSource(source, fromEnvironment));
  return { ...inFile, ...process.env };
}

interface Source {
  readonly file: string;
  readonly described: string;
}

async function findSource(
  file: string | undefined,
  { orEnded = false }: ReadOptions,
): Promise<Source | undefined> {
  if (file !== undefined) {
    if (!existsSync(file)) throw new UsageError(`--settings ${file}: there is no such file.`);
    return { file, described: file };
  }
  const isRunning = existsSync(ofThisRun) && (await isUsedByRun('.local'));
  if (existsSync(fileHere)) {
    const hint = `. What runs here has its own: --settings ${ofThisRun}`;
    return { file: fileHere, described: `${fileHere}${isRunning ? hint : ''}` };
  }
  if (isRunning) return { file: ofThisRun, described: `those of the emulators that run here (${ofThisRun})` };
  const ended = findEnded();
  if (!orEnded || ended === undefined) return undefined;
  return { file: ended, described: `those of what ran here last, which has ended (${ended})` };
}

/** The settings of a run that has ended. */
const findEnded = () => [ofThisRun, ofLastRun].find((path) => existsSync(path));

/**
 * The settings of the app that the environment has, and that the file does not have with the same value. An empty value counts where
 * it takes the place of one in the file.
 */
const overriding = (inFile: Environment, environment: Environment, names: readonly string[]): string[] =>
  Object.entries(environment)
    .filter(
      ([key, value]) =>
        names.some((name) => key === name || key.startsWith(`${name}__`)) &&
        (value ?? '').trim() !== (inFile[key] ?? '').trim(),
    )
    .map(([key]) => key)
    .sort();

function describeSource(source: Source | undefined, fromEnvironment: readonly string[]): string {
  if (!source) return 'Settings: the environment.';
  const more = fromEnvironment.length === 0 ? '' : `; from the environment: ${fromEnvironment.join(', ')}`;
  return `Settings: ${source.described}${more}.`;
}
