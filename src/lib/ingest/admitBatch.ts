import type { Txn } from '../delta/actions';
import { TributaryError } from '../errors';
import type { DecodedEvent } from './decodeEvents';
import { explainGaps, missingRanges } from './gaps';
import type { PartitionBatch } from './round';
import { generationOfAppId, type HubGeneration, partitionAppId } from './rowAddress';

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
 * @throws `ingest.gap` when some reader ran ahead, `ingest.batch` for events of a hub that is gone and was never read; the
 * SDK's errors when the service does not answer
 */
export async function admitBatch(options: AdmitOptions): Promise<PartitionBatch> {
  const { batch, hubs, acceptGaps } = options;
  const last = lastTaken(options, batch.generation);
  if (last !== undefined && missesNothing(batch, last)) return address(batch, batch.generation);
  const generation = generationOf(options, await hubs.refresh(batch.generation.hub));
  const first = batch.events[0]?.sequenceNumber ?? 0;
  // The first batch of a partition may start anywhere, but have no holes.
  const ranges = missingRanges(batch.events, lastTaken(options, generation) ?? first - 1);
  if (ranges.length === 0) return address(batch, generation);
  const beginning = await hubs.firstSequenceNumber(generation.hub, batch.partitionId);
  const where = `${batch.stream} partition ${batch.partitionId}`;
  return { ...address(batch, generation), gaps: explainGaps(ranges, beginning, acceptGaps, where) };
}

const missesNothing = ({ events }: IncomingBatch, last: number): boolean =>
  events[0]?.sequenceNumber === last + 1 && missingRanges(events, last).length === 0;

const lastTaken = (
  { batch, committed, moved }: AdmitOptions,
  generation: HubGeneration,
): number | undefined => {
  const appId = partitionAppId(generation, batch.partitionId);
  return moved.get(appId) ?? committed.get(appId)?.version;
};

/**
 * The generation that the events were enqueued in. A hub that was made again starts at 0, and a batch that was under way
 * before still holds events of the old one: to take them for new ones would hide the new hub's own. Both times are the
 * service's. An old generation is one that the table knows from any partition of the hub, or that this process saw.
 */
function generationOf({ batch, committed, moved }: AdmitOptions, now: HubGeneration): HubGeneration {
  const enqueuedMs = (batch.events[0]?.enqueuedAt ?? 0) / 1000;
  const known = [...committed.keys(), ...moved.keys()].flatMap(
    (appId) => generationOfAppId(appId, now) ?? [],
  );
  const newest = [now, batch.generation, ...known]
    .filter(({ createdOn }) => createdOn.getTime() <= enqueuedMs)
    .reduce<HubGeneration | undefined>((a, b) => (a && a.createdOn >= b.createdOn ? a : b), undefined);
  if (newest) return newest;
  throw new TributaryError(
    'ingest.batch',
    `${batch.stream} partition ${batch.partitionId}: the events were enqueued before the hub ${now.hub} was made, ` +
      `at ${now.createdOn.toISOString()}, and nothing of an earlier hub of that name is in the table.`,
  );
}

const address = ({ partitionId, events }: IncomingBatch, generation: HubGeneration): PartitionBatch => ({
  appId: partitionAppId(generation, partitionId),
  hubCreatedAt: generation.createdOn.getTime() * 1000,
  partition: Number(partitionId),
  events,
});
