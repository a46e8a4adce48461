import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseJsonObject } from '../jsonObject';

/** The app setting that overrides the value in host.json. The Functions host accepts its name in upper and lower case. */
const override = 'AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize';

/** The size that the Event Hubs extension takes if host.json does not give one. */
const defaultSize = 100;

interface HostJson {
  readonly extensions?: { readonly eventHubs?: { readonly maxEventBatchSize?: unknown } };
}

/**
 * The most events that the Event Hubs trigger passes in one batch, read from host.json and the app settings as the host reads them.
 * Infinity if that is not known.
 * @param folder the app's folder, which has host.json, or a folder below it
 */
export function maxTriggerBatch(folder: string, env: Readonly<Record<string, string | undefined>>): number {
  const named = Object.keys(env).find((name) => name.toLowerCase() === override.toLowerCase());
  const size = Number((named && env[named]) ?? inHostJson(folder) ?? defaultSize);
  return size >= 1 ? size : Number.POSITIVE_INFINITY;
}

function inHostJson(folder: string): unknown {
  const path = join(folder, 'host.json');
  if (existsSync(path)) {
    const { extensions }: HostJson = parseJsonObject(readFileSync(path, 'utf8'), path);
    return extensions?.eventHubs?.maxEventBatchSize;
  }
  const above = dirname(folder);
  return above === folder ? Number.NaN : inHostJson(above);
}
