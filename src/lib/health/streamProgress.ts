import type { TableState } from '../delta/state';
import { generationOfAppId, type HubGeneration, parseAppId, partitionAppId } from '../lake/hubGeneration';
import { eventsAfter, type HubHeads, type PartitionHead } from '../lake/hubHeads';
import type { StuckPartitions } from './stuckPartitions';

/** The events of a hub's partition that are committed, and those that wait, as GET /api/health answers them. */
export interface PartitionProgress {
  /** The partition's id. */
  readonly partition: string;
  /** The last sequence number that is committed; -1 if there is none. */
  readonly committed: number;
  /** The sequence number of the hub's newest event; -1 if there never was one. */
  readonly head: number;
  /** How many events the hub holds that are not committed. */
  readonly waiting: number;
  /** ISO time. It is set if nothing has been committed since then although events wait, and if that is long ago. */
  readonly stuckSince?: string;
}

/** How far a stream's table is. */
export interface TableProgress {
  /** ISO time of the newest commit; null if there is no table yet, or if its commit does not give a time. */
  readonly lastCommit: string | null;
  /** How many events were committed as rows or letters, or recorded as expired, in all generations of the hub. */
  readonly eventsCommitted: number;
}

export function tableProgress(state: TableState | undefined): TableProgress {
  let eventsCommitted = 0;
  for (const { appId, version } of state?.txns.values() ?? [])
    if (parseAppId(appId)) eventsCommitted += version + 1;
  const { committedAt } = state ?? {};
  const lastCommit = committedAt === undefined ? null : new Date(committedAt).toISOString();
  return { lastCommit, eventsCommitted };
}

/** The partitions of the hub, in the order of their numbers. */
export function partitionProgress(
  state: TableState | undefined,
  { generation, partitions }: HubHeads,
  stuck: StuckPartitions,
): PartitionProgress[] {
  const progressOf = (head: PartitionHead): PartitionProgress => {
    const appId = partitionAppId(generation, head.partitionId);
    const txn = state?.txns.get(appId);
    const committed = txn?.version ?? -1;
    const waiting = eventsAfter(head, committed);
    const since = stuck.stuckSince(appId, head, waiting, txn);
    return {
      partition: head.partitionId,
      committed,
      head: head.last,
      waiting,
      ...(since !== undefined && { stuckSince: new Date(since).toISOString() }),
    };
  };
  return [...partitions].sort((a, b) => Number(a.partitionId) - Number(b.partitionId)).map(progressOf);
}

/**
 * Whether the table has events of an earlier hub of this name, and none of the hub that is there now. Then the hub was deleted and made
 * again, and the trigger's positions may still be those of the earlier one.
 */
export function isMadeAgain(state: TableState | undefined, generation: HubGeneration): boolean {
  const known = [...(state?.txns.keys() ?? [])].flatMap((appId) => {
    const of = generationOfAppId(appId, generation);
    return of ? [of.createdOn.getTime()] : [];
  });
  return known.length > 0 && !known.includes(generation.createdOn.getTime());
}

/** Whether a partition was committed later than a time, in milliseconds since 1970, and nothing waits in it. */
export function isCaughtUpSince(
  state: TableState | undefined,
  { generation, partitions }: HubHeads,
  { partitionId, timeMs }: { readonly partitionId: string; readonly timeMs: number },
): boolean {
  const head = partitions.find((each) => each.partitionId === partitionId);
  const { version = -1, lastUpdated = 0 } = state?.txns.get(partitionAppId(generation, partitionId)) ?? {};
  return head !== undefined && lastUpdated > timeMs && eventsAfter(head, version) === 0;
}
