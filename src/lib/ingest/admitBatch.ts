import type { Txn } from '../delta/actions';
import type { DecodedEvent } from './decodeEvents';
import { explainGaps, missingRanges } from './gaps';
import type { PartitionBatch } from './round';
import { type HubGeneration, partitionAppId } from './rowAddress';

/** A trigger batch, decoded, as the invocation saw it. */
export interface IncomingBatch {
  readonly stream: string;
  /** The hub as this process knew it when the batch came. */
  readonly generation: HubGeneration;
  readonly partitionId: string;
  /** Ascending by sequence number, at least one. */
  readonly events: readonly DecodedEvent[];
}

/** What the service says of a hub now. */
export interface HubFacts {
  refresh(hub: string): Promise<HubGeneration>;
  /** The first sequence number that a partition still has, or would have. */
  firstSequenceNumber(hub: string, partitionId: string): Promise<number>;
}

export interface AdmitOptions {
  readonly batch: IncomingBatch;
  /** The table's txns by appId. */
  readonly committed: ReadonlyMap<string, Txn>;
  /** Sequence numbers, by appId, that batches before this one in the round will have moved to. */
  readonly moved: ReadonlyMap<string, number>;
  readonly hubs: HubFacts;
  /** Go on without events that the hub still has. */
  readonly acceptGaps: boolean;
}

/**
 * Works out which generation of its hub a batch belongs to and what is missing before it. The service is asked only when
 * the batch does not simply follow on what is committed.
 * @throws `ingest.gap` when some reader ran ahead; the SDK's errors when the service does not answer
 */
export async function admitBatch(options: AdmitOptions): Promise<PartitionBatch> {
  const { batch, hubs, acceptGaps } = options;
  const last = lastTaken(options, batch.generation);
  if (follows(batch, last)) return address(batch, batch.generation);
  const generation = generationOf(batch, await hubs.refresh(batch.generation.hub));
  const lastNow = lastTaken(options, generation);
  const ranges = lastNow === undefined ? [] : missingRanges(batch.events, lastNow);
  if (ranges.length === 0) return address(batch, generation);
  const beginning = await hubs.firstSequenceNumber(generation.hub, batch.partitionId);
  const where = `${batch.stream} partition ${batch.partitionId}`;
  return { ...address(batch, generation), gaps: explainGaps(ranges, beginning, acceptGaps, where) };
}

/** The first batch of a partition may start anywhere. */
const follows = ({ events }: IncomingBatch, last: number | undefined): boolean =>
  last === undefined || (events[0]?.sequenceNumber === last + 1 && missingRanges(events, last).length === 0);

const lastTaken = (
  { batch, committed, moved }: AdmitOptions,
  generation: HubGeneration,
): number | undefined => {
  const appId = partitionAppId(generation, batch.partitionId);
  return moved.get(appId) ?? committed.get(appId)?.version;
};

/**
 * A hub that was made again starts at 0. A batch that was under way before still holds events of the old one: to take them
 * for new ones would hide the new hub's own. Both times are the service's.
 */
const generationOf = ({ events, generation }: IncomingBatch, now: HubGeneration): HubGeneration =>
  (events[0]?.enqueuedAt ?? 0) >= now.createdOn.getTime() * 1000 ? now : generation;

const address = ({ partitionId, events }: IncomingBatch, generation: HubGeneration): PartitionBatch => ({
  appId: partitionAppId(generation, partitionId),
  hubCreatedAt: generation.createdOn.getTime() * 1000,
  partition: Number(partitionId),
  events,
});
