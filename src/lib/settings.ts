import { checkUnusedParts } from './connections/forms';
import { checkHubConnections, type HubConnection, readHubConnection } from './connections/hubs';
import { readStorage } from './connections/storage';
import { minuteMs } from './duration';
import { TributaryError } from './errors';
import { isConsumerGroup } from './hubNames';
import { once } from './once';
import { type Environment, isDisabled, type SettingDefinition, settingText } from './settingDefinitions';
import { problemOf, SettingReader } from './settingReader';
import type { StorageAccount } from './storage/azureBlobStore';
import { type Direction, ownConnection, sharedConnection } from './streams/connectionName';
import { loadStreams } from './streams/loadStreams';
import { type Stream, settingsOf } from './streams/stream';
import {
  parseReader,
  parseWarehouse,
  type ReaderSetting,
  type WarehouseSetting,
} from './warehouse/warehouseSetting';

/** The settings of the lake and of what is derived from it. No hub is needed for these. */
export interface LakeSettings {
  readonly lake: StorageAccount;
  readonly lakeContainer: string;
  /** The shortest time between two reads of the log for new clicks, in milliseconds. */
  readonly countsRefreshMs: number;
  /** How many products are counted on their own. */
  readonly countedProducts: number;
  /** The size in bytes of the files that compaction makes. */
  readonly targetFileBytes: number;
  readonly warehouse: WarehouseSetting;
}

/** The settings of streams and their sources. They are read when they are asked for. */
export interface StreamSettings {
  /** A stream's hub, and the connection to listen or to send. Throws `settings.invalid` if one of them is not set. */
  hub(stream: Stream, direction: Direction): HubConnection;
  /** The value of one of a stream's own settings, or its default. Throws `settings.invalid` if it has neither or is malformed. */
  text(definition: SettingDefinition): string;
  /** Whether a setting disables a function of the app. */
  isDisabled(functionName: string): boolean;
}

export interface Settings extends LakeSettings, StreamSettings {
  readonly consumerGroup: string;
  /** The shortest time between two commits of one process to one table, from start to start, in milliseconds. */
  readonly commitIntervalMs: number;
  /** True to continue without the events of a gap. They are recorded in `dead_letters`. */
  readonly acceptGaps: boolean;
  /** The Functions host's own storage, where its checkpoints are. Throws `settings.invalid` if it is not set. */
  hostStorage(): StorageAccount;
  /** What is wrong with settings that the app itself does not read, but the host or commands do. One line for each. */
  problemsBesides(): readonly string[];
}

/** The app's settings and those of every stream, read from the environment once. Rejects with what parseSettings throws. */
export const settings = once(async () => parseSettings(process.env, await loadStreams()));

/**
 * Throws `settings.invalid` with one line for each setting that is missing or malformed. The lines never contain a secret.
 * @param streams the streams whose settings are required besides the app's own
 * @param checked the streams whose connections are checked; their hub settings are only required if `streams` has them too
 */
export function parseSettings(
  environment: Environment,
  streams: readonly Stream[] = [],
  checked: readonly Stream[] = streams,
): Settings {
  const reader = new SettingReader(environment, streams.flatMap(settingsOf));
  checkHubConnections(reader, checked);
  const result: Settings = {
    ...readLakeSettings(reader),
    ...readStreamSettings(environment),
    consumerGroup: readConsumerGroup(reader),
    commitIntervalMs: reader.duration('COMMIT_INTERVAL', minuteMs),
    acceptGaps: reader.matching('ACCEPT_GAPS', /^(?:true|false)$/) === 'true',
    hostStorage: () => readAlone(environment, (own) => readStorage(own, 'AzureWebJobsStorage')),
    problemsBesides: () => findProblemsBesides(environment, checked),
  };
  reader.checkStreams();
  reader.throwIfAny();
  return result;
}

function readConsumerGroup(reader: SettingReader): string {
  const group = reader.text('CONSUMER_GROUP');
  if (group !== '' && !isConsumerGroup(group)) reader.wrong('CONSUMER_GROUP', 'is malformed');
  return group;
}

function findProblemsBesides(environment: Environment, streams: readonly Stream[]): readonly string[] {
  const reader = new SettingReader(environment);
  const warehouse = readWarehouse(reader);
  const reading = readReader(reader, warehouse);
  if (reading && warehouse.kind !== 'sql')
    reader.problem('WAREHOUSE_READER is not used, because WAREHOUSE is no database: set it to none.');
  const runtime = reader.value('FUNCTIONS_WORKER_RUNTIME');
  if (runtime !== undefined && runtime.toLowerCase() !== 'node')
    reader.wrong('FUNCTIONS_WORKER_RUNTIME', 'names another language', 'node');
  const own = streams.flatMap((stream) =>
    (['listen', 'send'] as const).map((way) => ownConnection(stream, way)),
  );
  for (const name of ['LakeStorage', 'AzureWebJobsStorage', sharedConnection, ...own])
    checkUnusedParts(reader, name);
  return reader.problems;
}

/** The settings of streams only. Each is checked when it is asked for. */
export const readStreamSettings = (environment: Environment): StreamSettings => ({
  hub: (stream, direction) => readAlone(environment, (own) => readHubConnection(own, stream, direction)),
  text(definition) {
    const problem = problemOf(definition, environment);
    if (problem) throw new TributaryError('settings.invalid', problem);
    return settingText(definition, environment) ?? '';
  },
  isDisabled: (functionName) => isDisabled(functionName, environment),
});

/** The settings that work on the lake needs. Throws `settings.invalid` as parseSettings does, but not because of hubs. */
export const parseLakeSettings = (environment: Environment): LakeSettings =>
  readAlone(environment, readLakeSettings);

const readLakeSettings = (reader: SettingReader): LakeSettings => ({
  lake: readStorage(reader, 'LakeStorage'),
  lakeContainer: reader.matching('LAKE_CONTAINER', /^[a-z0-9](?:-?[a-z0-9]){2,62}$/),
  countsRefreshMs: reader.duration('COUNTS_REFRESH', minuteMs),
  countedProducts: reader.wholeNumber('COUNTED_PRODUCTS', 1, 1_000_000),
  targetFileBytes: reader.wholeNumber('TARGET_FILE_MB', 1, 512) * 1024 * 1024,
  warehouse: readWarehouse(reader),
});

/** The settings that a query of the warehouse needs. Throws `settings.invalid` if one of them is malformed. */
export const parseQuerySettings = (
  environment: Environment,
): { readonly warehouse: WarehouseSetting; readonly reader: ReaderSetting } =>
  readAlone(environment, (own) => {
    const warehouse = readWarehouse(own);
    return { warehouse, reader: readReader(own, warehouse) };
  });

/** Reads a part of the settings, for callers that need no others. Throws `settings.invalid` if something is wrong with them. */
function readAlone<T>(environment: Environment, read: (reader: SettingReader) => T): T {
  const reader = new SettingReader(environment);
  const result = read(reader);
  reader.throwIfAny();
  return result;
}

const readWarehouse = (reader: SettingReader): WarehouseSetting =>
  parsed(reader, () => parseWarehouse(reader.text('WAREHOUSE'))) ?? { kind: 'none' };

const readReader = (reader: SettingReader, warehouse: WarehouseSetting): ReaderSetting =>
  parsed(reader, () => parseReader(reader.text('WAREHOUSE_READER'), warehouse));

/** The result of `parse`. If it throws, its error becomes a problem of the settings. */
function parsed<T>(reader: SettingReader, parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    reader.problem(error.message);
    return undefined;
  }
}
