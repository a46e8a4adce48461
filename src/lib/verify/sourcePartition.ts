import type { Txn } from '../delta/actions';
import { parseAppId } from '../lake/hubGeneration';

/** One partition of one generation of a hub, from which rows and dead letters come. */
export interface SourcePartition {
  /** When the hub was made, in microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
}

export const partitionKey = ({ hubCreatedAt, partition }: SourcePartition): string =>
  `${hubCreatedAt}/${partition}`;

export interface PartitionTxn extends SourcePartition {
  readonly appId: string;
  /** `namespace/hub`, which is the same for all generations of a hub. */
  readonly hub: string;
  /** The last sequence number that is committed. */
  readonly version: number;
}

/** The txns of hub partitions, `namespace/hub@createdOn/partition`. The table may have other txns too. */
export function partitionTxns(txns: Iterable<Txn>): PartitionTxn[] {
  const found: PartitionTxn[] = [];
  for (const { appId, version } of txns) {
    const parsed = parseAppId(appId);
    if (!parsed) continue;
    const { namespace, createdOn, partition } = parsed;
    const hub = `${namespace}/${parsed.hub}`;
    found.push({ appId, hub, version, hubCreatedAt: createdOn.getTime() * 1000, partition });
  }
  return found;
}

/** For the creation time of each hub that was made again, the time when that happened. Both are in microseconds since 1970. */
export function successions(txns: readonly PartitionTxn[]): Map<number, number> {
  const found = new Map<number, number>();
  for (const ofHub of Map.groupBy(txns, ({ hub }) => hub).values()) {
    const made = [...new Set(ofHub.map(({ hubCreatedAt }) => hubCreatedAt))].sort((a, b) => a - b);
    for (const [index, hubCreatedAt] of made.slice(1).entries()) found.set(made[index] ?? 0, hubCreatedAt);
  }
  return found;
}
