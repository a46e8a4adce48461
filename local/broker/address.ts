/** What a link's address names. Names are in lower case: the service does not tell cases apart. */
export interface EntityAddress {
  hub: string;
  /** As written, also when no such partition exists. */
  partition: string | undefined;
  consumerGroup: string | undefined;
}

const SCHEME_AND_HOST = /^[a-z]+:\/\/[^/]*/;
const ENTITY = /^([^/]+)(?:\/consumergroups\/([^/]+))?(?:\/partitions\/([^/]+))?$/;

/** An address or audience without scheme and host, without slashes around it, in lower case. */
export function normalizeAddress(address: string): string {
  return address
    .toLowerCase()
    .replace(SCHEME_AND_HOST, '')
    .replace(/^\/+|\/+$/g, '');
}

/**
 * Parses `hub`, `hub/Partitions/N` and `hub/ConsumerGroups/G/Partitions/N`.
 *
 * @returns undefined when the address has another form.
 */
export function parseAddress(address: string): EntityAddress | undefined {
  const match = ENTITY.exec(normalizeAddress(address));
  if (!match?.[1]) return undefined;
  return { hub: match[1], consumerGroup: match[2], partition: match[3] };
}
