import { performance } from 'node:perf_hooks';
import { within } from '../deadline';
import type { HubGeneration } from '../lake/hubGeneration';
import { type OncePerKey, oncePerKey } from '../once';
import type { EventHubsNamespace } from '../settings';
import { type HubClient, openHubClient } from '../sources/hubClient';
import type { HubFacts } from './admitBatch';

/** For one answer: a round of commits waits for it. */
const answerLimitMs = 10_000;

/**
 * How long an answer stands, in milliseconds: for less time than a reader needs to find its way into a hub that was made
 * again. There it goes on at the sequence number after its last one, as if nothing had happened, once the new hub has
 * come that far.
 */
const trustedMs = 2000;

/** Asks the service about its hubs, on one connection a hub that stays open. */
export class HubDirectory implements HubFacts {
  readonly #now: () => number;
  readonly #clients: OncePerKey<string, Promise<HubClient>>;
  readonly #known = new Map<string, { readonly askedAt: number; readonly answer: Promise<HubGeneration> }>();

  /** @param now milliseconds on a clock that only goes forward */
  constructor(namespace: EventHubsNamespace, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#clients = oncePerKey((hub) => openHubClient(namespace, hub));
  }

  /** The hub as the service said within the last seconds. Rejects when it does not answer. */
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

  /** The newest sequence number of a partition; -1 where nothing was ever sent to it. */
  async lastSequenceNumber(hub: string, partitionId: string): Promise<number> {
    const properties = await this.#ask(hub, (client, abortSignal) =>
      client.getPartitionProperties(partitionId, { abortSignal }),
    );
    return properties.lastEnqueuedSequenceNumber;
  }

  /** Gives the connections up. The next question opens another one. */
  close(): void {
    for (const hub of [...this.#clients.made().keys()]) this.#giveUp(hub);
  }

  async #ask<T>(hub: string, call: (client: HubClient, abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const client = this.#clients(hub);
    try {
      return await within(answerLimitMs, async (abortSignal) => call(await client, abortSignal));
    } catch (error) {
      // The connection may be what is wrong.
      if (this.#clients.made().get(hub) === client) this.#giveUp(hub);
      throw error;
    }
  }

  #giveUp(hub: string): void {
    // Not awaited: a service that does not answer would hold this up as well.
    this.#clients
      .forget(hub)
      ?.then((open) => open.close())
      .catch(() => {});
  }
}
