import { asObject } from '../../src/lib/jsonObject';

/**
 * The rules of host.json (versionMatchStrategy) for which orchestrations a host goes on with, by the version with which they were started.
 */
export const versionStrategies = ['None', 'Strict', 'CurrentOrOlder'] as const;
export type VersionStrategy = (typeof versionStrategies)[number];

/**
 * Whether a host with the version `own` may go on with an orchestration of the version `other`. A host without a version goes on with
 * all; an orchestration without one is the oldest.
 */
export function accepts(
  strategy: VersionStrategy,
  own: string | undefined,
  other: string | undefined,
): boolean {
  if (strategy === 'None' || own === undefined) return true;
  const order = compareVersions(own, other ?? '');
  return strategy === 'Strict' ? order === 0 : order >= 0;
}

/** Compares versions like `1.10` number by number, and other text as text. */
function compareVersions(a: string, b: string): number {
  if (![a, b].every((text) => /^\d+(\.\d+)*$/.test(text))) return a < b ? -1 : a > b ? 1 : 0;
  const [ofA = [], ofB = []] = [a, b].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(ofA.length, ofB.length); i++) {
    const difference = (ofA[i] ?? 0) - (ofB[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export interface DurableTaskOptions {
  hubName: string;
  maxConcurrentActivityFunctions: number;
  /** The version of orchestrations that are started without one, and of this app. */
  defaultVersion: string | undefined;
  versionMatchStrategy: VersionStrategy;
}

/**
 * Reads `extensions.durableTask` of host.json. Throws, naming the key, if a value is wrong or needs something that this host does not have.
 */
export function readDurableTaskOptions(options: Record<string, unknown>): DurableTaskOptions {
  const key = 'extensions.durableTask';
  const { hubName = 'TestHubName', defaultVersion } = options;
  if (typeof hubName !== 'string' || !/^[a-z][a-z0-9]{2,44}$/i.test(hubName))
    throw new Error(`host.json: ${key}.hubName must be 3 to 45 letters and digits, and begin with a letter.`);
  if (defaultVersion !== undefined && typeof defaultVersion !== 'string')
    throw new Error(`host.json: ${key}.defaultVersion must be text, such as "1.0".`);
  const given = options.versionMatchStrategy ?? 'CurrentOrOlder';
  const versionMatchStrategy = versionStrategies.find((one) => one === given);
  if (!versionMatchStrategy)
    throw new Error(`host.json: ${key}.versionMatchStrategy must be one of ${versionStrategies.join(', ')}.`);
  const failure = options.versionFailureStrategy ?? 'Reject';
  if (failure !== 'Reject')
    throw new Error(
      `host.json: ${key}.versionFailureStrategy "${failure}" is not supported by the local host; leave it out, or set it to Reject.`,
    );
  const type =
    asObject(options.storageProvider ?? {}, `host.json: ${key}.storageProvider`).type ?? 'AzureStorage';
  if (String(type).toLowerCase() !== 'azurestorage')
    throw new Error(
      `host.json: ${key}.storageProvider.type "${type}" is not supported by the local host, which has its task hub in AzureWebJobsStorage. Leave it out here, and set it in Azure by the app setting AzureFunctionsJobHost__extensions__durableTask__storageProvider__type.`,
    );
  const maxConcurrentActivityFunctions = Number(options.maxConcurrentActivityFunctions ?? 10);
  if (!Number.isInteger(maxConcurrentActivityFunctions) || maxConcurrentActivityFunctions < 1)
    throw new Error(`host.json: ${key}.maxConcurrentActivityFunctions must be 1 or more.`);
  return {
    hubName,
    defaultVersion,
    versionMatchStrategy,
    maxConcurrentActivityFunctions,
  };
}

/** In Azure, app settings with this prefix override values in host.json. This host reads only the file. */
const overridePrefix = 'AzureFunctionsJobHost__extensions__durableTask__';

/** Throws if a setting is meant to override a value in host.json. */
export function refuseOverrides(settings: Readonly<Record<string, string | undefined>>): void {
  const found = Object.keys(settings).find((name) =>
    name.toLowerCase().startsWith(overridePrefix.toLowerCase()),
  );
  if (found !== undefined)
    throw new Error(
      `The setting ${found} is not supported by the local host, which reads extensions.durableTask in host.json alone. Remove the setting here.`,
    );
}
