import { isHostHere } from '../../src/lib/sameMachine';

export type Settings = Readonly<Record<string, string | undefined>>;

/** Replaces `%NAME%` with the setting of that name, as the host does in binding properties. Throws if it is not set. */
export function resolveNames(text: string, settings: Settings, where: string): string {
  return text.replace(/%([^%]+)%/g, (_match, name: string) => {
    const value = settings[name];
    if (value === undefined) throw new Error(`${where} refers to the setting ${name}, which is not set.`);
    return value;
  });
}

/** How to reach an Event Hub: by a connection string or, with an identity, by its namespace. */
export interface HubConnection {
  eventHubName: string;
  connectionString?: string;
  fullyQualifiedNamespace?: string;
}

/**
 * Resolves the `connection` property of an Event Hub trigger. It is the name of a setting with a connection string, whose
 * EntityPath overrides `eventHubName`, or the prefix of `NAME__fullyQualifiedNamespace`. Throws if neither is set, or if the identity
 * cannot exist on this machine.
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
  if (fullyQualifiedNamespace) {
    checkIdentity(options, settings, fullyQualifiedNamespace);
    return { eventHubName, fullyQualifiedNamespace };
  }
  throw new Error(
    `${where}: neither the setting ${connection} (a connection string) nor ${connection}__fullyQualifiedNamespace is set.`,
  );
}

/** Throws if an identity can never work here. Otherwise the developer's own login is used, for a namespace in Azure. */
function checkIdentity(
  { connection, where }: { connection: string; where: string },
  settings: Settings,
  namespace: string,
): void {
  if (isHostHere(namespace))
    throw new Error(
      `${where}: the broker on this machine knows no identities: remove ${connection}__fullyQualifiedNamespace, and set ${connection} to a connection string.`,
    );
  if (settings[`${connection}__credential`])
    throw new Error(
      `${where}: there is no managed identity on this machine: remove ${connection}__credential, so that your own login is used, or set ${connection} to a connection string.`,
    );
}

/** The app's id, by which its hosts share timers: a setting that the real host has too, or the name of the app's folder. */
export function readHostId(appDir: string, settings: Settings): string {
  const id = settings.AzureFunctionsWebHost__hostid ?? appDir.split(/[\\/]/).at(-1) ?? '';
  return (
    id
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, '-')
      .slice(0, 32) || 'host'
  );
}
