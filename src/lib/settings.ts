import { isConfidential } from './confidentialUrl';
import { parseDuration } from './duration';
import { TributaryError } from './errors';
import { once } from './once';
import { settingDefinitions } from './settingDefinitions';
import type { StorageAccount } from './storage/azureBlobStore';
import { parseWarehouse, type WarehouseSetting } from './warehouse/warehouseSetting';

/** How to reach an Event Hubs namespace: a connection string, or its host name with an identity. */
export type EventHubsNamespace =
  | { readonly connectionString: string }
  | { readonly fullyQualifiedNamespace: string; readonly clientId?: string };

export interface Settings {
  readonly eventHubs: EventHubsNamespace;
  readonly lake: StorageAccount;
  readonly lakeContainer: string;
  readonly consumerGroup: string;
  readonly clicksPerSecond: number;
  /** Milliseconds between the starts of two commits of one process to one table. */
  readonly commitIntervalMs: number;
  /** Go on without events that a reader overtook. */
  readonly acceptGaps: boolean;
  /** Least milliseconds between two looks at the log for new clicks. */
  readonly countsRefreshMs: number;
  readonly warehouse: WarehouseSetting;
  readonly coincap: { readonly url: URL; readonly apiKey: string | undefined };
  /** The Functions host's own storage, where its checkpoints are. Throws `settings.invalid` when it is not set. */
  hostStorage(): StorageAccount;
  /** The hub of a stream: the value of its hub setting. */
  hub(setting: string): string;
}

/** Which settings a hub of a stream may be named by. */
const isHubSetting = (name: string) => /^[A-Z][A-Z0-9_]*_HUB$/.test(name);

type Environment = Readonly<Record<string, string | undefined>>;

/** The app's settings, read from the environment once. Throws `settings.invalid` with every problem there is. */
export const settings = once(() => parseSettings(process.env));

/** Throws `settings.invalid` with one line for each setting that is missing or malformed, and never its value. */
export function parseSettings(environment: Environment): Settings {
  const problems: string[] = [];
  const values = new SettingReader(environment, problems);
  const result: Settings = {
    eventHubs: values.eventHubs(),
    lake: values.storage('LakeStorage'),
    lakeContainer: values.matching('LAKE_CONTAINER', /^[a-z0-9](?:-?[a-z0-9]){2,62}$/),
    consumerGroup: values.text('CONSUMER_GROUP'),
    clicksPerSecond: values.number('CLICKS_PER_SECOND', 0, 100_000),
    commitIntervalMs: values.duration('COMMIT_INTERVAL', 60_000),
    acceptGaps: values.matching('ACCEPT_GAPS', /^(?:true|false)$/) === 'true',
    countsRefreshMs: values.duration('COUNTS_REFRESH', 60_000),
    warehouse: values.warehouse('WAREHOUSE'),
    coincap: { url: values.url('COINCAP_URL'), apiKey: values.optional('COINCAP_API_KEY') },
    hostStorage: () => parseHostStorage(environment),
    hub(setting) {
      const hub = environment[setting]?.trim();
      if (hub) return hub;
      throw new TributaryError(
        'settings.invalid',
        `${setting} is missing: expected the name of an event hub.`,
      );
    },
  };
  // The host resolves these two in the functions' bindings; here they are only asked for.
  values.text('CLICKSTREAM_SCHEDULE');
  values.text('COINCAP_SCHEDULE');
  values.hubs();
  if (problems.length > 0) {
    throw new TributaryError(
      'settings.invalid',
      `Settings are missing or malformed:\n${problems.join('\n')}`,
    );
  }
  return result;
}

function parseHostStorage(environment: Environment): StorageAccount {
  const problems: string[] = [];
  const account = new SettingReader(environment, problems).storage('AzureWebJobsStorage');
  if (problems.length === 0) return account;
  throw new TributaryError('settings.invalid', `Settings are missing or malformed:\n${problems.join('\n')}`);
}

class SettingReader {
  readonly #environment: Environment;
  readonly #problems: string[];

  constructor(environment: Environment, problems: string[]) {
    this.#environment = environment;
    this.#problems = problems;
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

  number(name: string, least: number, most: number): number {
    const value = Number(this.matching(name, /^\d+(?:\.\d+)?$/));
    if (value < least || value > most) this.#problem(name, 'is out of range');
    return value;
  }

  /** Milliseconds, `most` at the most. */
  duration(name: string, most: number): number {
    const text = this.text(name);
    const value = parseDuration(text, ['ms', 's', 'm']);
    if (value === undefined && text !== '') this.#problem(name, 'is malformed');
    if (value !== undefined && value > most) this.#problem(name, 'is out of range');
    return value ?? 0;
  }

  optional(name: string): string | undefined {
    return this.#value(name) || undefined;
  }

  /** Plain http carries the key in the open, so it is for this machine alone. */
  url(name: string): URL {
    const url = URL.parse(this.text(name));
    if (url && isConfidential(url)) return url;
    this.#problem(name, 'is malformed');
    return new URL('https://invalid');
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

  /** A connection string that names a hub binds the trigger to it, whatever the function says. */
  hubs(): void {
    const entity = partOf(this.#value('EventHubConnection') ?? '', 'EntityPath');
    for (const { name } of settingDefinitions) {
      if (!isHubSetting(name)) continue;
      const hub = this.text(name);
      if (!entity || hub === '' || entity.toLowerCase() === hub.toLowerCase()) continue;
      this.#problems.push(
        `- EventHubConnection has EntityPath=${entity}, but ${name} is ${hub}: take ;EntityPath=${entity} out of the connection string.`,
      );
    }
  }

  #clientId(prefix: string): { clientId?: string } {
    const clientId = this.#value(`${prefix}__clientId`);
    return clientId === undefined ? {} : { clientId };
  }

  #value(name: string): string | undefined {
    const value = this.#environment[name]?.trim();
    return value || definitionOf(name)?.default;
  }

  #problem(name: string, what: string): void {
    this.#problems.push(
      `- ${name} ${what}: expected ${definitionOf(name)?.expected ?? 'a storage connection string'}.`,
    );
  }
}

const definitionOf = (name: string) => settingDefinitions.find((definition) => definition.name === name);

/** One `Name=value` part of a connection string; values may hold `=`. */
function partOf(connectionString: string, name: string): string | undefined {
  const found = connectionString
    .split(';')
    .map((part) => part.trim())
    .find((part) => part.toLowerCase().startsWith(`${name.toLowerCase()}=`));
  return found?.slice(name.length + 1) || undefined;
}
