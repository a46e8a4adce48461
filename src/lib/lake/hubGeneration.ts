/** A generation of a hub. If a hub is deleted and made again under the same name, that is a new generation. */
export interface HubGeneration {
  /** Fully qualified, like contoso.servicebus.windows.net. */
  readonly namespace: string;
  readonly hub: string;
  readonly createdOn: Date;
}

/** The txn appId under which the table records how far a partition is committed. */
export const partitionAppId = ({ namespace, hub, createdOn }: HubGeneration, partitionId: string): string =>
  `${namespace}/${hub}@${createdOn.toISOString()}/${partitionId}`.toLowerCase();

/** The parts of a `partitionAppId`. The names are in lower case. */
export interface ParsedAppId extends HubGeneration {
  readonly partition: number;
}

/** Parses a `partitionAppId`. Undefined for other appIds. */
export function parseAppId(appId: string): ParsedAppId | undefined {
  const [, namespace, hub, createdOn, partition] = /^([^/]+)\/(.+)@([^/@]+)\/(\d+)$/.exec(appId) ?? [];
  const createdMs = Date.parse((createdOn ?? '').toUpperCase());
  if (namespace === undefined || hub === undefined || Number.isNaN(createdMs)) return undefined;
  return { namespace, hub, createdOn: new Date(createdMs), partition: Number(partition) };
}

/** The generation that an appId names; undefined if the appId belongs to another hub. */
export function generationOfAppId(
  appId: string,
  { namespace, hub }: HubGeneration,
): HubGeneration | undefined {
  const parsed = parseAppId(appId);
  if (parsed?.namespace !== namespace.toLowerCase() || parsed.hub !== hub.toLowerCase()) return undefined;
  return { namespace, hub, createdOn: parsed.createdOn };
}
