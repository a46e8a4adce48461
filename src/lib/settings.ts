import { parseDuration } from './duration';
import { TributaryError } from './errors';
import { once } from './once';
import {
  type Environment,
  type SettingDefinition,
  settingDefinitions,
  settingText,
} from './settingDefinitions';
import type { StorageAccount } from './storage/azureBlobStore';
import { loadStreams } from './streams/loadStreams';
import { type Stream, settingsOf } from './streams/stream';
import { parseWarehouse, type WarehouseSetting } from './warehouse/warehouseSetting';

/** How to reach an Event Hubs namespace: by a connection string, or by its host name with an identity. */
export type EventHubsNamespace =
  | { readonly connectionString: string }
  | { readonly fullyQualifiedNamespace: string; readonly clientId?: string };

export interface Settings {
  readonly eventHubs: EventHubsNamespace;
  readonly lake: StorageAccount;
  readonly lakeContainer: string;
  readonly consumerGroup: string;
  /** Least time between two commits of one process to one table, from start to start, in milliseconds. */
  readonly commitIntervalMs: number;
  /** Whether to continue without the events of a gap, which are recorded in `dead_letters`. */
  readonly acceptGaps: boolean;
  /** Least time between two reads of the log for new clicks, in milliseconds. */
  readonly countsRefreshMs: number;
  readonly warehouse: WarehouseSetting;
  /** The Functions host's own storage, where its checkpoints are. Throws `settings.invalid` if it is not set. */
  hostStorage(): StorageAccount;
  /** The value of a stream's hub setting. */
  hub(setting: string): string;
  /** The value of one of a stream's own settings, or its default. */
  text(definition: SettingDefinition): string;
}

/** The app's settings and those of every stream, read from the environment once. Rejects with what parseSettings throws. */
export const settings = once(async () => parseSettings(process.env, await loadStreams()));

/**
 * Throws `settings.invalid` with one line for each setting that is missing or malformed. The lines never contain a value.
 * @param streams the streams whose settings are required besides the app's own
 * @param hubsOf the streams whose hub settings, where they are set, must name the hub that the connection string names
 */
export function parseSettings(
  environment: Environment,
  streams: readonly Stream[] = [],
  hubsOf: readonly Stream[] = streams,
): Settings {
  const problems: string[] = [];
  const values = new SettingReader(environment, problems, streams.flatMap(settingsOf));
  const result: Settings = {
    eventHubs: values.eventHubs(),
    lake: values.storage('LakeStorage'),
    lakeContainer: values.matching('LAKE_CONTAINER', /^[a-z0-9](?:-?[a-z0-9]){2,62}$/),
    consumerGroup: values.text('CONSUMER_GROUP'),
    commitIntervalMs: values.duration('COMMIT_INTERVAL', 60_000),
    acceptGaps: values.matching('ACCEPT_GAPS', /^(?:true|false)$/) === 'true',
    countsRefreshMs: values.duration('COUNTS_REFRESH', 60_000),
    warehouse: values.warehouse('WAREHOUSE'),
    hostStorage: () => parseHostStorage(environment),
    hub: (setting) => textOf(environment, { name: setting, expected: 'the name of an event hub' }),
    text: (definition) => textOf(environment, definition),
  };
  values.ofStreams();
  for (const { hubSetting } of hubsOf) values.hub(hubSetting);
  throwIfAny(problems);
  return result;
}

function textOf(environment: Environment, definition: Omit<SettingDefinition, 'meaning'>): string {
  const value = settingText(definition, environment);
  if (value !== undefined) return value;
  const { name, expected } = definition;
  throw new TributaryError('settings.invalid', `${name} is missing: expected ${expected}.`);
}

function throwIfAny(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new TributaryError('settings.invalid', `Settings are missing or malformed:\n${problems.join('\n')}`);
}

function parseHostStorage(environment: Environment): StorageAccount {
  const problems: string[] = [];
  const account = new SettingReader(environment, problems, []).storage('AzureWebJobsStorage');
  throwIfAny(problems);
  return account;
}

class SettingReader {
  readonly #environment: Environment;
  readonly #problems: string[];
  /** The streams' settings by name, because streams may share a setting. */
  readonly #ofStreams: ReadonlyMap<string, SettingDefinition>;

  constructor(environment: Environment, problems: string[], ofStreams: readonly SettingDefinition[]) {
    this.#environment = environment;
    this.#problems = problems;
    this.#ofStreams = new Map(ofStreams.map((definition) => [definition.name, definition]));
  }

  ofStreams(): void {
    for (const { name, check } of this.#ofStreams.values()) {
      const value = this.text(name);
      const problem = value === '' ? undefined : check?.(value);
      if (problem) this.#problem(name, problem);
    }
  }

  text(name: string): string {
    const value = this.#value(name);
    if (value === undefined) this.#problem(name, 'is missing');
    return value ?? '';
  }

  matching(name: string, pattern: RegExp): string {
    const value = this.text(name);
    if (value !== '' && !pattern.test(value)) this.#problem(name, 'is malformed');
    return value;
  }

  /** Reads a duration of at most `most` milliseconds. */
  duration(name: string, most: number): number {
    const text = this.text(name);
    const value = parseDuration(text, ['ms', 's', 'm']);
    if (value === undefined && text !== '') this.#problem(name, 'is malformed');
    if (value !== undefined && value > most) this.#problem(name, 'is out of range');
    return value ?? 0;
  }

  warehouse(name: string): WarehouseSetting {
    try {
      return parseWarehouse(this.text(name));
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      this.#problems.push(`- ${error.message}`);
      return { kind: 'none' };
    }
  }

  eventHubs(): EventHubsNamespace {
    const fullyQualifiedNamespace = this.#value('EventHubConnection__fullyQualifiedNamespace');
    if (fullyQualifiedNamespace !== undefined) {
      if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(fullyQualifiedNamespace)) {
        const name = 'EventHubConnection__fullyQualifiedNamespace';
        this.#problems.push(
          `- ${name} is malformed: expected a host name like contoso.servicebus.windows.net.`,
        );
      }
      return { fullyQualifiedNamespace, ...this.#clientId('EventHubConnection') };
    }
    const connectionString = this.text('EventHubConnection');
    const complete = ['Endpoint', 'SharedAccessKeyName', 'SharedAccessKey'].every((part) =>
      partOf(connectionString, part),
    );
    if (connectionString !== '' && !complete) this.#problem('EventHubConnection', 'is malformed');
    return { connectionString };
  }

  storage(name: string): StorageAccount {
    const blobServiceUri = this.#value(`${name}__blobServiceUri`);
    if (blobServiceUri !== undefined) {
      if (!/^https:\/\/[^/]+\/?$/.test(blobServiceUri)) {
        this.#problems.push(
          `- ${name}__blobServiceUri is malformed: expected https://<account>.blob.core.windows.net.`,
        );
      }
      return { blobServiceUri, ...this.#clientId(name) };
    }
    const connectionString = this.text(name);
    const complete =
      connectionString === 'UseDevelopmentStorage=true' ||
      (partOf(connectionString, 'AccountName') && partOf(connectionString, 'AccountKey')) ||
      partOf(connectionString, 'SharedAccessSignature');
    if (connectionString !== '' && !complete) this.#problem(name, 'is malformed');
    return { connectionString };
  }

  /** Checks a hub setting. A connection string that names a hub would bind the trigger to that hub, whatever the setting says. */
  hub(name: string): void {
    const entity = partOf(this.#value('EventHubConnection') ?? '', 'EntityPath');
    const hub = this.#value(name);
    if (!entity || !hub || entity.toLowerCase() === hub.toLowerCase()) return;
    this.#problems.push(
      `- EventHubConnection has EntityPath=${entity}, but ${name} is ${hub}: take ;EntityPath=${entity} out of the connection string.`,
    );
  }

  #clientId(prefix: string): { clientId?: string } {
    const clientId = this.#value(`${prefix}__clientId`);
    return clientId === undefined ? {} : { clientId };
  }

  #value(name: string): string | undefined {
    return settingText(this.#definition(name) ?? { name }, this.#environment);
  }

  #problem(name: string, what: string): void {
    this.#problems.push(
      `- ${name} ${what}: expected ${this.#definition(name)?.expected ?? 'a storage connection string'}.`,
    );
  }

  #definition(name: string): SettingDefinition | undefined {
    return this.#ofStreams.get(name) ?? settingDefinitions.find((definition) => definition.name === name);
  }
}

/** The value of one `Name=value` part of a connection string; the value may contain `=`. */
function partOf(connectionString: string, name: string): string | undefined {
  const found = connectionString
    .split(';')
    .map((part) => part.trim())
    .find((part) => part.toLowerCase().startsWith(`${name.toLowerCase()}=`));
  return found?.slice(name.length + 1) || undefined;
}
