import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseJsonObject } from '../jsonObject';

/** The app setting that takes the place of the value in host.json. The Functions host reads its name in any case. */
const override = 'AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize';

/** What the extension takes where host.json does not say. */
const defaultSize = 100;

interface HostJson {
  readonly extensions?: { readonly eventHubs?: { readonly maxEventBatchSize?: unknown } };
}

/**
 * The most events that the Event Hubs trigger passes in one batch, as the host takes it from host.json and the app settings.
 * Infinity if that is not known.
 * @param folder the app's, which has host.json, or one below it
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
