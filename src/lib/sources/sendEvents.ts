import type { EventDataBatch } from '@azure/event-hubs';
import type { EventHubsNamespace } from '../connections/hubs';
import { within } from '../deadline';
import { type ErrorCode, TributaryError } from '../errors';
import { inParallel } from '../inParallel';
import { waitFor } from '../longWait';
import { once } from '../once';
import { closeSoon, type HubClient, openHubClient } from './hubClient';
import { conditionOf, describeHubError } from './hubErrors';
import { partitionOfKey } from './partitionOfKey';

/** One event to send. `body` becomes JSON. Events with the same partition key go to one partition and keep their order. */
export interface OutgoingEvent {
  readonly body: NonNullable<unknown> | null;
  readonly partitionKey: string;
}

/** A connection to one event hub, opened by the first `sendEvents`. */
export interface EventProducer {
  readonly hub: string;
  /** `partitionIds` is undefined if the connection may send, but may not ask for the hub's partitions. */
  connect(limitMs: number): Promise<{ client: HubClient; partitionIds: readonly string[] | undefined }>;
  /** Makes the next call ask for the partitions again. A hub that was made again may have others. */
  forgetPartitions(): void;
  close(): Promise<void>;
}

/** The error of `sendEvents` if it could not send all events. The hub has acknowledged `accepted` of them. */
export class SendError extends TributaryError {
  readonly accepted: number;

  constructor(code: ErrorCode, message: string, accepted: number, cause?: unknown) {
    super(code, message, { cause });
    this.name = 'SendError';
    this.accepted = accepted;
  }
}

export interface SendOptions {
  /** The limit for each batch, retries included. By default 30 s. */
  readonly limitMs?: number;
  /** Called after each batch with the number of events that the hub has acknowledged so far. */
  readonly onAccepted?: (accepted: number) => void;
}

const producers = new Map<string, EventProducer>();

/** The process's producer for a hub. It is made at the first call and shared by later calls until it is closed. */
export function openProducer(namespace: EventHubsNamespace, hub: string): EventProducer {
  const key = JSON.stringify([namespace, hub]);
  let producer = producers.get(key);
  if (!producer) {
    const created = createProducer(namespace, hub, () => {
      if (producers.get(key) === created) producers.delete(key);
    });
    producers.set(key, created);
    producer = created;
  }
  return producer;
}

function createProducer(namespace: EventHubsNamespace, hub: string, onClose: () => void): EventProducer {
  const client = once(() => openHubClient(namespace, hub));
  const partitionIds = once(async () => knownPartitions(await client()));
  return {
    hub,
    connect: (limitMs) =>
      within(limitMs, async () => ({ client: await client(), partitionIds: await partitionIds() })),
    forgetPartitions() {
      partitionIds.forget();
    },
    async close() {
      onClose();
      const made = await client.made();
      if (made) await closeSoon(made);
    },
  };
}

/**
 * The ids of a hub's partitions. Undefined if the service refuses to tell them: it is not documented whether a policy that may only send is
 * allowed to ask. If the key itself is wrong, sending is refused too.
 */
const knownPartitions = (client: HubClient): Promise<readonly string[] | undefined> =>
  client.getPartitionIds().catch((error: unknown) => {
    if (conditionOf(error) === 'UnauthorizedError') return undefined;
    throw error;
  });

/**
 * Sends events in as few round trips as their sizes allow, and returns how many the hub acknowledged.
 *
 * The service allows only one partition key per batch, and clicks have about as many keys as there are clicks. So the keys are hashed here,
 * as the service does it, and each partition gets its own full batches. (The SDK's buffered producer does so too, but at a quarter of the
 * rate.) The events arrive without the key in their properties. Partitions are served in parallel, and the batches of one partition in
 * order. If the connection may not ask for the partitions, each key gets its own batches, which takes more round trips.
 *
 * Throws a SendError. With `hub.oversize`, it names events that are too large for any batch, after all others were sent. With
 * `hub.unavailable` or `hub.refused`, the hub did not acknowledge a batch in time. Events that were not acknowledged may still have
 * arrived.
 */
export async function sendEvents(
  producer: EventProducer,
  events: readonly OutgoingEvent[],
  { limitMs = 30_000, onAccepted }: SendOptions = {},
): Promise<number> {
  if (events.length === 0) return 0;
  const place = `hub ${producer.hub}`;
  const connected = waitFor(place, producer.connect(limitMs));
  const { client, partitionIds } = await connected.catch((cause: unknown) => {
    throw sendError(producer, 0, events.length, cause);
  });
  const oversize: string[] = [];
  let accepted = 0;
  const send = (lane: Lane) =>
    sendLane({ client, limitMs }, lane, {
      accept: (count) => {
        accepted += count;
        onAccepted?.(accepted);
      },
      refuse: (problem) => oversize.push(problem),
    });
  const sent = inParallel(lanesOf(events, partitionIds), maxLanes, (lane) => waitFor(place, send(lane)));
  await sent.catch((cause: unknown) => {
    throw sendError(producer, accepted, events.length, cause);
  });
  if (oversize.length > 0) {
    const others = oversize.length > 1 ? ` (and ${oversize.length - 1} more)` : '';
    throw new SendError('hub.oversize', `Hub ${producer.hub}: ${oversize[0]}${others}.`, accepted);
  }
  return accepted;
}

/** The most lanes that are served at once: more than hubs usually have partitions, and fewer than there may be keys. */
const maxLanes = 64;

/** Events that keep their order: those of a partition or, if the partitions are not known, those of a key. */
interface Lane {
  readonly to: { readonly partitionId: string } | { readonly partitionKey: string };
  readonly events: readonly OutgoingEvent[];
}

function lanesOf(events: readonly OutgoingEvent[], partitionIds: readonly string[] | undefined): Lane[] {
  if (!partitionIds) {
    const byKey = Map.groupBy(events, ({ partitionKey }) => partitionKey);
    return [...byKey].map(([partitionKey, own]) => ({ to: { partitionKey }, events: own }));
  }
  const byPartition = Map.groupBy(
    events,
    ({ partitionKey }) => partitionIds[partitionOfKey(partitionKey, partitionIds.length)] ?? '0',
  );
  return [...byPartition].map(([partitionId, own]) => ({ to: { partitionId }, events: own }));
}

interface LaneOutcome {
  /** Called when the hub has acknowledged this many more events. */
  accept(count: number): void;
  /** Called for an event that fits into no batch. */
  refuse(problem: string): void;
}

async function sendLane(
  { client, limitMs }: { readonly client: HubClient; readonly limitMs: number },
  { to, events }: Lane,
  { accept, refuse }: LaneOutcome,
): Promise<void> {
  const open = () => within(limitMs, (abortSignal) => client.createBatch({ ...to, abortSignal }));
  const flush = async (full: EventDataBatch) => {
    await within(limitMs, (abortSignal) => client.sendBatch(full, { abortSignal }));
    accept(full.count);
  };
  let batch = await open();
  for (const event of events) {
    const data = { body: Buffer.from(JSON.stringify(event.body)) };
    if (batch.tryAdd(data)) continue;
    if (batch.count > 0) {
      await flush(batch);
      batch = await open();
      if (batch.tryAdd(data)) continue;
    }
    refuse(
      `the event with key ${JSON.stringify(event.partitionKey.slice(0, 64))} has ${data.body.length} bytes, and ${batch.maxSizeInBytes} is the most that a batch of the hub holds`,
    );
  }
  if (batch.count > 0) await flush(batch);
}

function sendError(producer: EventProducer, accepted: number, total: number, cause: unknown): SendError {
  producer.forgetPartitions();
  const { code, why } = describeHubError(cause);
  return new SendError(
    code,
    `Hub ${producer.hub} acknowledged ${accepted} of ${total} events: ${why}`,
    accepted,
    cause,
  );
}
