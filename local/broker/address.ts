/** The parts of a link's address, in lower case, because the service ignores case. */
export interface EntityAddress {
  hub: string;
  /** The partition's id as written, even if it does not exist. */
  partitionId: string | undefined;
  consumerGroup: string | undefined;
}

const schemeAndHost = /^[a-z]+:\/\/[^/]*/;
const entityPath = /^([^/]+)(?:\/consumergroups\/([^/]+))?(?:\/partitions\/([^/]+))?$/;

/** An address or audience in lower case, without scheme and host and without slashes at its ends. */
export function normalizeAddress(address: string): string {
  return address
    .toLowerCase()
    .replace(schemeAndHost, '')
    .replace(/^\/+|\/+$/g, '');
}

/**
 * Parses `hub`, `hub/Partitions/N` and `hub/ConsumerGroups/G/Partitions/N`.
 *
 * @returns undefined if the address has another form.
 */
export function parseAddress(address: string): EntityAddress | undefined {
  const match = entityPath.exec(normalizeAddress(address));
  if (!match?.[1]) return undefined;
  return { hub: match[1], consumerGroup: match[2], partitionId: match[3] };
}
