import type { ReceivedEventData } from '@azure/event-hubs';
import type { EventHubsNamespace } from '../connections/hubs';
import { within } from '../deadline';
import { TributaryError } from '../errors';
import { waitFor } from '../longWait';
import { closeSoon, openHubReader } from './hubClient';
import { describeHubError } from './hubErrors';

/** One event of a partition. */
export interface HubEvent {
  readonly sequenceNumber: number;
  readonly offset: string;
  /** Microseconds since 1970. */
  readonly enqueuedAt: number;
  /** The bytes of its data section; undefined if the AMQP body has another form, which the trigger cannot read. */
  readonly body: Uint8Array | undefined;
  /** The body if it has another form, as the SDK reads it: an AMQP value, a list, or nothing. */
  readonly value: unknown;
}

export interface PartitionRange {
  readonly namespace: EventHubsNamespace;
  readonly hub: string;
  readonly consumerGroup: string;
  readonly partitionId: string;
  /** The first sequence number to read. */
  readonly first: number;
  /** The last sequence number to read. It must be in the hub. */
  readonly last: number;
}

/** How long to wait for the next events, in milliseconds. They are known to be in the hub. */
const silenceMs = 30_000;
const batchSize = 500;

/**
 * Reads a range of a partition's events, batch by batch, with bodies of any form.
 * @throws `hub.unavailable` if no event comes for half a minute; `hub.refused`
 */
export async function* readPartition(range: PartitionRange): AsyncGenerator<HubEvent[], void> {
  const { namespace, hub, consumerGroup, partitionId, first, last } = range;
  const client = await openHubReader(namespace, hub, consumerGroup);
  const queue = new Handover<HubEvent[]>();
  const subscription = client.subscribe(
    partitionId,
    {
      // The SDK also calls this after it has waited in vain.
      processEvents: async (events) => {
        if (events.length > 0) await queue.give(events.map(toHubEvent));
      },
      processError: async (error) => queue.fail(asOurs(error, range)),
    },
    {
      startPosition: { sequenceNumber: first, isInclusive: true },
      maxBatchSize: batchSize,
      maxWaitTimeInSeconds: 1,
      skipParsingBodyAsJson: true,
    },
  );
  try {
    for (let next = first; next <= last; ) {
      const batch = await waitFor(
        `hub ${hub}`,
        within(silenceMs, () => queue.take(), noEvents),
      );
      const events = batch.filter(({ sequenceNumber }) => sequenceNumber <= last);
      if (events.length > 0) yield events;
      next = (batch.at(-1)?.sequenceNumber ?? next - 1) + 1;
    }
  } finally {
    queue.end();
    await closeSoon(subscription);
    await closeSoon(client);
  }
}

function toHubEvent({ sequenceNumber, offset, enqueuedTimeUtc, body }: ReceivedEventData): HubEvent {
  return {
    sequenceNumber,
    offset: String(offset),
    enqueuedAt: enqueuedTimeUtc.getTime() * 1000,
    body: Buffer.isBuffer(body) ? body : undefined,
    value: body,
  };
}

function asOurs(error: Error, { hub, consumerGroup }: PartitionRange): TributaryError {
  const { code, why } = describeHubError(error);
  return new TributaryError(code, `Consumer group ${consumerGroup} of hub ${hub}: ${why}`, { cause: error });
}

function noEvents(): never {
  throw new TributaryError('hub.unavailable', `No event came in ${silenceMs / 1000} s.`);
}

/** Passes items from the SDK's callbacks to an iterator. The SDK brings the next items only after the last one was taken. */
class Handover<T> {
  #given: { readonly item: T; readonly taken: () => void } | undefined;
  #failure: Error | undefined;
  #isEnded = false;
  #wake = () => {};

  give(item: T): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    return new Promise((taken) => {
      this.#given = { item, taken };
      this.#wake();
    });
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#given?.taken();
  }

  async take(): Promise<T> {
    while (!this.#given) {
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const { item, taken } = this.#given;
    this.#given = undefined;
    taken();
    return item;
  }
}
