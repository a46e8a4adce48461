import type { Txn } from '../delta/actions';
import { parseAppId } from '../lake/hubGeneration';

/** One partition of one generation of a hub, by which rows and letters are told apart. */
export interface SourcePartition {
  /** When the hub was made, in microseconds since 1970. */
  readonly hubCreatedAt: number;
  readonly partition: number;
}

export const partitionKey = ({ hubCreatedAt, partition }: SourcePartition): string =>
  `${hubCreatedAt}/${partition}`;

export interface PartitionTxn extends SourcePartition {
  readonly appId: string;
  /** `namespace/hub`: generations of the same hub have it in common. */
  readonly hub: string;
  /** The last sequence number that is committed. */
  readonly version: number;
}

/** The txns that stand for partitions of hubs, `namespace/hub@createdOn/partition`; others may be in the table as well. */
export function partitionTxns(txns: Iterable<Txn>): PartitionTxn[] {
  const found: PartitionTxn[] = [];
  for (const { appId, version } of txns) {
    const parsed = parseAppId(appId);
    if (!parsed) continue;
    const { hub, createdOn, partition } = parsed;
    found.push({ appId, hub, version, hubCreatedAt: createdOn.getTime() * 1000, partition });
  }
  return found;
}

/** When a hub was made again, by when it was made before: both in microseconds since 1970. */
export function successions(txns: readonly PartitionTxn[]): Map<number, number> {
  const found = new Map<number, number>();
  for (const ofHub of Map.groupBy(txns, ({ hub }) => hub).values()) {
    const made = [...new Set(ofHub.map(({ hubCreatedAt }) => hubCreatedAt))].sort((a, b) => a - b);
    for (const [index, hubCreatedAt] of made.slice(1).entries()) found.set(made[index] ?? 0, hubCreatedAt);
  }
  return found;
}
