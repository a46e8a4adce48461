import type { EventHubsNamespace } from '../settings';
import { type HubClient, openHubClient } from '../sources/hubClient';
import type { HubFacts } from './admitBatch';
import type { HubGeneration } from './rowAddress';

/** For one answer: a round of commits waits for it. */
const answerLimitMs = 10_000;

/** Asks the service about its hubs. When a hub was made is asked once and kept, until somebody doubts it. */
export class HubDirectory implements HubFacts {
  readonly #namespace: EventHubsNamespace;
  readonly #generations = new Map<string, Promise<HubGeneration>>();

  constructor(namespace: EventHubsNamespace) {
    this.#namespace = namespace;
  }

  /** The hub as this process knows it. Rejects when the service does not answer. */
  generation(hub: string): Promise<HubGeneration> {
    return this.#generations.get(hub) ?? this.refresh(hub);
  }

  /** The hub as the service says now. */
  refresh(hub: string): Promise<HubGeneration> {
    const asked = this.#ask(hub, async (client, abortSignal) => {
      const { createdOn } = await client.getEventHubProperties({ abortSignal });
      return { namespace: client.fullyQualifiedNamespace, hub, createdOn };
    });
    this.#generations.set(hub, asked);
    // A failed call must be made again.
    asked.catch(() => {
      if (this.#generations.get(hub) === asked) this.#generations.delete(hub);
    });
    return asked;
  }

  async firstSequenceNumber(hub: string, partitionId: string): Promise<number> {
    const { beginningSequenceNumber, lastEnqueuedSequenceNumber, isEmpty } = await this.#ask(
      hub,
      (client, abortSignal) => client.getPartitionProperties(partitionId, { abortSignal }),
    );
    return isEmpty ? lastEnqueuedSequenceNumber + 1 : beginningSequenceNumber;
  }

  async #ask<T>(hub: string, call: (client: HubClient, abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const client = await openHubClient(this.#namespace, hub);
    try {
      return await call(client, AbortSignal.timeout(answerLimitMs));
    } finally {
      // Not awaited: a service that does not answer would hold this up as well.
      client.close().catch(() => {});
    }
  }
}
