import type { Txn } from '../delta/actions';
import { TributaryError } from '../errors';
import { generationOfAppId, type HubGeneration, partitionAppId } from '../lake/hubGeneration';
import type { DecodedEvent } from './decodeEvents';
import { explainGaps, missingRanges } from './gaps';
import type { PartitionBatch } from './partitionBatch';
import { refuseRenamed } from './renamedHub';

/** A decoded trigger batch, with the hub as it was known when the batch came. */
export interface IncomingBatch {
  readonly stream: string;
  /** The hub as this process knew it when the batch came. */
  readonly generation: HubGeneration;
  readonly partitionId: string;
  /** Ascending by sequence number, at least one. */
  readonly events: readonly DecodedEvent[];
}

/** Facts about a hub, asked of the service now. */
export interface HubFacts {
  refresh(hub: string): Promise<HubGeneration>;
  /** The first sequence number that a partition still holds. If it holds no event, the number that its next event will have. */
  firstSequenceNumber(hub: string, partitionId: string): Promise<number>;
}

export interface AdmitOptions {
  readonly batch: IncomingBatch;
  /** The table's txns by appId. */
  readonly committed: ReadonlyMap<string, Txn>;
  /** By appId, the sequence numbers up to which earlier batches of the same round will be committed. */
  readonly moved: ReadonlyMap<string, number>;
  readonly hubs: HubFacts;
  /** True to continue without missing events that the hub still has. */
  readonly acceptGaps: boolean;
}

/**
 * Finds the hub generation of a batch, and the events that are missing before it. The service is only asked if the batch does not simply
 * continue the committed events.
 * @throws `ingest.gap` if a reader ran ahead; `ingest.renamed` if the table knows the hub by another name; `ingest.batch` for events of a
 * hub that is gone and was never read; the SDK's errors if the service does not answer
 */
export async function admitBatch(options: AdmitOptions): Promise<PartitionBatch> {
  const { batch, hubs, acceptGaps } = options;
  if (followsOn(options)) return address(batch, batch.generation);
  const now = await hubs.refresh(batch.generation.hub);
  const generation = generationOf(options, now);
  refuseRenamed(generation, options.committed.keys(), nameOf(batch));
  const taken = lastTaken(options, generation) ?? startOf(options, generation, now);
  if (taken !== undefined && missingRanges(batch.events, taken).length === 0)
    return address(batch, generation);
  const beginning = await hubs.firstSequenceNumber(generation.hub, batch.partitionId);
  const ranges = missingRanges(batch.events, taken ?? Math.min(beginning, firstOf(batch)) - 1);
  return { ...address(batch, generation), gaps: explainGaps(ranges, beginning, acceptGaps, nameOf(batch)) };
}

/** The batch's stream and partition, for messages. */
const nameOf = ({ stream, partitionId }: IncomingBatch): string => `${stream} partition ${partitionId}`;

const firstOf = ({ events }: IncomingBatch): number => events[0]?.sequenceNumber ?? 0;

/**
 * Whether each batch begins where the table, or an earlier batch, ended. If not, the caller must first read what other processes have
 * committed meanwhile.
 */
export function allFollowOn(
  batches: readonly IncomingBatch[],
  committed: AdmitOptions['committed'],
): boolean {
  const moved = new Map<string, number>();
  return batches.every((batch) => {
    const follows = followsOn({ batch, committed, moved });
    moved.set(partitionAppId(batch.generation, batch.partitionId), lastOf(batch)?.sequenceNumber ?? -1);
    return follows;
  });
}

type Known = Pick<AdmitOptions, 'batch' | 'committed' | 'moved'>;

/**
 * Whether a batch continues the committed events. The enqueue time is checked too, because a batch of an old hub may happen to have the
 * next sequence number of the new hub.
 */
function followsOn(known: Known): boolean {
  const { events, generation } = known.batch;
  const last = lastTaken(known, generation);
  const isNext = last !== undefined && events[0]?.sequenceNumber === last + 1;
  return isNext && missingRanges(events, last).length === 0 && isOf(known.batch, generation);
}

const lastTaken = ({ batch, committed, moved }: Known, generation: HubGeneration): number | undefined => {
  const appId = partitionAppId(generation, batch.partitionId);
  return moved.get(appId) ?? committed.get(appId)?.version;
};

/**
 * The last sequence number that counts as committed, for a partition of which nothing is committed:
 *
 * | the batch's hub | result |
 * |---|---|
 * | was made again after one that we have read | -1: read from 0, because an old checkpoint may have made the reader start in its middle |
 * | is an older generation than the hub is now | just before the batch: nobody knows what that hub still held |
 * | otherwise | undefined: the caller starts at the hub's first event |
 *
 * The last case is a partition that is read for the first time, or whose table lost all of it when storage went back in time.
 */
function startOf(known: Known, generation: HubGeneration, now: HubGeneration): number | undefined {
  const wasMadeAgain = knownGenerations(known).some(({ createdOn }) => createdOn < generation.createdOn);
  if (wasMadeAgain) return -1;
  return generation.createdOn < now.createdOn ? firstOf(known.batch) - 1 : undefined;
}

/**
 * The generation in which the events were enqueued. A hub that was made again counts from 0, and a batch that was on its way before still
 * has events of the old hub. If they were taken for events of the new hub, its events with the same numbers would be trimmed as duplicates.
 * Both times come from the service's clock. An old generation is one that the table knows from any partition of the hub, or that this
 * process saw.
 */
function generationOf(known: Known, now: HubGeneration): HubGeneration {
  const { batch } = known;
  const newest = [now, batch.generation, ...knownGenerations(known)]
    .filter((generation) => isOf(batch, generation))
    .reduce<HubGeneration | undefined>((a, b) => (a && a.createdOn >= b.createdOn ? a : b), undefined);
  if (newest) return newest;
  throw new TributaryError(
    'ingest.batch',
    `${nameOf(batch)}: the events were enqueued before the hub ${now.hub} was made, ` +
      `at ${now.createdOn.toISOString()}, and nothing of an earlier hub of that name is in the table.`,
  );
}

/** The generations of the batch's hub from which the table has events. */
const knownGenerations = ({ batch, committed, moved }: Known): HubGeneration[] =>
  [...committed.keys(), ...moved.keys()].flatMap((appId) => generationOfAppId(appId, batch.generation) ?? []);

/** Whether a batch was enqueued after its hub was made. Its last event decides, because all events of a batch are of one hub. */
const isOf = (batch: IncomingBatch, { createdOn }: HubGeneration): boolean =>
  (lastOf(batch)?.enqueuedAt ?? 0) >= createdOn.getTime() * 1000;

const lastOf = ({ events }: IncomingBatch) => events.at(-1);

const address = ({ partitionId, events }: IncomingBatch, generation: HubGeneration): PartitionBatch => ({
  appId: partitionAppId(generation, partitionId),
  hubCreatedAt: generation.createdOn.getTime() * 1000,
  partition: Number(partitionId),
  events,
});
