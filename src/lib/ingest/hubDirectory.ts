import { orAborted } from '../deadline';
import type { EventHubsNamespace } from '../settings';
import { type HubClient, openHubClient } from '../sources/hubClient';
import type { HubFacts } from './admitBatch';
import type { HubGeneration } from './rowAddress';

/** For one answer: a round of commits waits for it. */
const answerLimitMs = 10_000;

/**
 * How long an answer stands. A hub that was made again goes unnoticed for that long where its sequence numbers happen to go
 * on where those of the old one ended.
 */
const trustedMs = 60_000;

/** Asks the service about its hubs. When a hub was made is kept for a while, or until somebody doubts it. */
export class HubDirectory implements HubFacts {
  readonly #namespace: EventHubsNamespace;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly askedAt: number; readonly answer: Promise<HubGeneration> }>();

  /** @param now milliseconds since 1970; the clock unless told */
  constructor(namespace: EventHubsNamespace, now: () => number = Date.now) {
    this.#namespace = namespace;
    this.#now = now;
  }

  /** The hub as the service said within the last minute. Rejects when it does not answer. */
  generation(hub: string): Promise<HubGeneration> {
    const known = this.#known.get(hub);
    return known && this.#now() - known.askedAt < trustedMs ? known.answer : this.refresh(hub);
  }

  /** The hub as the service says now. */
  refresh(hub: string): Promise<HubGeneration> {
    const askedAt = this.#now();
    const answer = this.#ask(hub, async (client, abortSignal) => {
      const { createdOn } = await client.getEventHubProperties({ abortSignal });
      return { namespace: client.fullyQualifiedNamespace, hub, createdOn };
    });
    this.#known.set(hub, { askedAt, answer });
    // A failed call must be made again.
    answer.catch(() => {
      if (this.#known.get(hub)?.answer === answer) this.#known.delete(hub);
    });
    return answer;
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
      const abortSignal = AbortSignal.timeout(answerLimitMs);
      return await orAborted(call(client, abortSignal), abortSignal);
    } finally {
      // Not awaited: a service that does not answer would hold this up as well.
      client.close().catch(() => {});
    }
  }
}
