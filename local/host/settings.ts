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
 * EntityPath overrides `eventHubName`, or the prefix of `NAME__fullyQualifiedNamespace`. Throws if neither is set.
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
