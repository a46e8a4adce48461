/** One event hub of the broker. */
export interface HubConfig {
  name: string;
  /** From 1 to 32. */
  partitionCount: number;
  /** The consumer groups besides `$default`, which every hub has. */
  consumerGroups: string[];
}

/** The broker's configuration: one namespace with its hubs. */
export interface EmulatorConfig {
  namespace: string;
  hubs: HubConfig[];
}

const maxPartitions = 32;
const hubName = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$/;
const groupName = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?$/;

/**
 * Parses a Config.json in the schema of the official Event Hubs emulator.
 *
 * @param source The text of the file, or the object parsed from it.
 * @throws An error that names the wrong field and what is accepted.
 */
export function parseConfig(source: unknown): EmulatorConfig {
  const config = asObject(typeof source === 'string' ? parseJson(source) : source, 'the file');
  const user = asObject(config.UserConfig, 'UserConfig');
  const namespaces = asArray(user.NamespaceConfig, 'UserConfig.NamespaceConfig');
  const at = 'UserConfig.NamespaceConfig[0]';
  if (namespaces.length !== 1) {
    fail('UserConfig.NamespaceConfig', `must hold exactly one namespace, found ${namespaces.length}`);
  }
  const namespace = asObject(namespaces[0], at);
  if (namespace.Type !== 'EventHub') {
    fail(`${at}.Type`, `must be "EventHub", found ${show(namespace.Type)}`);
  }
  const entities = asArray(namespace.Entities, `${at}.Entities`);
  const hubs = entities.map((entity, index) => parseHub(entity, `${at}.Entities[${index}]`));
  refuseDuplicates(hubs, `${at}.Entities`);
  return { namespace: asName(namespace.Name, `${at}.Name`, hubName), hubs };
}

function parseHub(value: unknown, at: string): HubConfig {
  const entity = asObject(value, at);
  const groups = entity.ConsumerGroups === undefined ? [] : entity.ConsumerGroups;
  const consumerGroups = asArray(groups, `${at}.ConsumerGroups`)
    .map((group, index) => {
      const where = `${at}.ConsumerGroups[${index}]`;
      const name = asObject(group, where).Name;
      return name === '$default' || name === '$Default'
        ? undefined
        : asName(name, `${where}.Name`, groupName);
    })
    .filter((name) => name !== undefined);
  return {
    name: asName(entity.Name, `${at}.Name`, hubName),
    partitionCount: asPartitionCount(entity.PartitionCount, `${at}.PartitionCount`),
    consumerGroups,
  };
}

function asPartitionCount(value: unknown, at: string): number {
  const text = typeof value === 'number' ? String(value) : value;
  const count = typeof text === 'string' && /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > maxPartitions) {
    fail(at, `must be a whole number from 1 to ${maxPartitions}, found ${show(value)}`);
  }
  return count;
}

function refuseDuplicates(hubs: HubConfig[], at: string): void {
  const seen = new Set<string>();
  for (const { name } of hubs) {
    if (seen.has(name.toLowerCase())) fail(at, `names the hub ${show(name)} twice`);
    seen.add(name.toLowerCase());
  }
}

function asName(value: unknown, at: string, pattern: RegExp): string {
  if (typeof value === 'string' && pattern.test(value)) return value;
  return fail(at, `must be a name of letters, digits, '.', '-' and '_', found ${show(value)}`);
}

function asObject(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  return fail(at, `must be an object, found ${show(value)}`);
}

function asArray(value: unknown, at: string): unknown[] {
  if (Array.isArray(value)) return value;
  return fail(at, `must be an array, found ${show(value)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail('the file', `is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

function fail(at: string, problem: string): never {
  throw new Error(`broker configuration: ${at} ${problem}`);
}
