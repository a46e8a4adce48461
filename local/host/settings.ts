import { existsSync, readFileSync } from 'node:fs';
import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient, type StoragePipelineOptions } from '@azure/storage-blob';

export type Settings = Readonly<Record<string, string | undefined>>;

/**
 * Reads `Values` of a local.settings.json. Throws when the file is missing, is not JSON or has a value that is no string.
 */
export function readSettingsFile(path: string): Record<string, string> {
  if (!existsSync(path)) throw new Error(`The settings file ${path} does not exist.`);
  const file = parseObject(readFileSync(path, 'utf8'), path);
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(asObject(file.Values ?? {}, `${path}: Values`))) {
    if (typeof value !== 'string') throw new Error(`${path}: Values.${name} must be a string.`);
    values[name] = value;
  }
  return values;
}

/** Replaces `%NAME%` by the setting of that name, as the host does in binding properties. Throws when it is not set. */
export function resolveNames(text: string, settings: Settings, where: string): string {
  return text.replace(/%([^%]+)%/g, (_match, name: string) => {
    const value = settings[name];
    if (value === undefined) throw new Error(`${where} refers to the setting ${name}, which is not set.`);
    return value;
  });
}

/** Where an Event Hub is reached: by connection string or, with an identity, by namespace. */
export interface HubConnection {
  eventHubName: string;
  connectionString?: string;
  fullyQualifiedNamespace?: string;
}

/**
 * Resolves the `connection` property of an Event Hub trigger: the name of a setting that holds a connection string, whose
 * EntityPath beats `eventHubName`, or the prefix of `NAME__fullyQualifiedNamespace`. Throws when neither is set.
 */
export function resolveHubConnection(
  options: { connection: string; eventHubName: string | undefined; where: string },
  settings: Settings,
): HubConnection {
  const { connection, where } = options;
  const connectionString = settings[connection];
  const entityPath = /(?:^|;)\s*EntityPath\s*=\s*([^;\s]+)/i.exec(connectionString ?? '')?.[1];
  const eventHubName = entityPath ?? options.eventHubName;
  if (!eventHubName) throw new Error(`${where}: eventHubName is missing.`);
  if (connectionString) return { eventHubName, connectionString };
  const fullyQualifiedNamespace = settings[`${connection}__fullyQualifiedNamespace`];
  if (fullyQualifiedNamespace) return { eventHubName, fullyQualifiedNamespace };
  throw new Error(
    `${where}: neither the setting ${connection} (a connection string) nor ${connection}__fullyQualifiedNamespace is set.`,
  );
}

// A host must notice a storage outage before its leases and ownerships expire. The limit of a try is only told to the
// service: storageDeadline.ts has the one that this side keeps.
const pipeline: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1_000, tryTimeoutInMs: 4_000 },
};

/** The host's own storage: setting AzureWebJobsStorage or AzureWebJobsStorage__blobServiceUri. Throws when neither is set. */
export function connectHostStorage(settings: Settings): BlobServiceClient {
  const connectionString = settings.AzureWebJobsStorage;
  if (connectionString) return BlobServiceClient.fromConnectionString(connectionString, pipeline);
  const uri = settings.AzureWebJobsStorage__blobServiceUri;
  if (uri) return new BlobServiceClient(uri, new DefaultAzureCredential(), pipeline);
  throw new Error(
    'The setting AzureWebJobsStorage (a storage connection string) is not set; timers and Event Hub triggers keep their state there.',
  );
}

/** Parses text that must hold a JSON object; the error names `where`. */
export function parseObject(text: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new Error(`${where} is not valid JSON: ${error instanceof Error ? error.message : error}`);
  }
  return asObject(value, where);
}

export function asObject(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${where} must be a JSON object.`);
  }
  return Object.fromEntries(Object.entries(value));
}
