import { performance } from 'node:perf_hooks';
import type { EventHubsNamespace } from '../connections/hubs';
import { within } from '../deadline';
import { TributaryError } from '../errors';
import type { HubGeneration } from '../lake/hubGeneration';
import { type HubHeads, readHubHeads } from '../lake/hubHeads';
import { waitFor } from '../longWait';
import { type OncePerKey, oncePerKey } from '../once';
import { type HubClient, openHubClient } from '../sources/hubClient';
import { describeHubError } from '../sources/hubErrors';
import type { HubFacts } from './admitBatch';

/** How long to wait for an answer, in milliseconds. It is short, because a round of commits waits for it too. */
const answerLimitMs = 10_000;

/**
 * How long an answer is reused, in milliseconds. It must be less than the time that a reader needs to reconnect to a hub that was
 * made again. Such a reader continues in the new hub after its last sequence number, as if nothing had happened.
 */
const trustedMs = 2000;

interface Opened {
  readonly client: Promise<HubClient>;
  /** The questions that are still waiting for an answer. */
  readonly waiting: Set<Promise<unknown>>;
}

/**
 * Asks the service about its hubs. Each hub has one connection, which stays open. Questions reject with `hub.unavailable` or `hub.refused`.
 */
export class HubDirectory implements HubFacts {
  readonly #now: () => number;
  readonly #clients: OncePerKey<string, Opened>;
  readonly #known = new Map<string, { readonly askedAt: number; readonly answer: Promise<HubGeneration> }>();

  /** @param now a clock that only goes forward, in milliseconds */
  constructor(namespace: EventHubsNamespace, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#clients = oncePerKey((hub) => ({ client: openHubClient(namespace, hub), waiting: new Set() }));
  }

  /** The hub's generation, at most two seconds old. Rejects if the service does not answer. */
  generation(hub: string): Promise<HubGeneration> {
    const known = this.#known.get(hub);
    return known && this.#now() - known.askedAt < trustedMs ? known.answer : this.refresh(hub);
  }

  /** The hub's generation, asked of the service now. */
  refresh(hub: string): Promise<HubGeneration> {
    const askedAt = this.#now();
    const answer = this.#ask(hub, async (client, abortSignal) => {
      const { createdOn } = await client.getEventHubProperties({ abortSignal });
      return { namespace: client.fullyQualifiedNamespace, hub, createdOn };
    });
    this.#known.set(hub, { askedAt, answer });
    // A call that failed must not be remembered, so that the next one asks again.
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

  /** The newest sequence number of a partition; -1 if nothing was ever sent to it. */
  async lastSequenceNumber(hub: string, partitionId: string): Promise<number> {
    const properties = await this.#ask(hub, (client, abortSignal) =>
      client.getPartitionProperties(partitionId, { abortSignal }),
    );
    return properties.lastEnqueuedSequenceNumber;
  }

  /** The names of the hub's partitions. */
  partitions(hub: string): Promise<string[]> {
    return this.#ask(hub, async (client, abortSignal) => {
      const { partitionIds } = await client.getEventHubProperties({ abortSignal });
      return partitionIds;
    });
  }

  /** The first and the newest event of each partition. Rejects if the service does not answer within `limitMs`. */
  heads(hub: string, limitMs = answerLimitMs): Promise<HubHeads> {
    return this.#ask(hub, (client, abortSignal) => readHubHeads(client, abortSignal), limitMs);
  }

  /** Closes the connections as soon as no question waits on them. The next question opens a new one. */
  close(): void {
    for (const hub of [...this.#clients.made().keys()]) this.#giveUp(hub);
  }

  async #ask<T>(
    hub: string,
    call: (client: HubClient, abortSignal: AbortSignal) => Promise<T>,
    limitMs = answerLimitMs,
  ): Promise<T> {
    const opened = this.#clients(hub);
    const asked = within(limitMs, async (abortSignal) => call(await opened.client, abortSignal));
    opened.waiting.add(asked);
    try {
      return await waitFor(`hub ${hub}`, asked);
    } catch (error) {
      // The connection may be broken, so open another one next time.
      if (this.#clients.made().get(hub) === opened) this.#giveUp(hub);
      const { code, why } = describeHubError(error);
      throw new TributaryError(code, `Hub ${hub}: ${why}`, { cause: error });
    } finally {
      opened.waiting.delete(asked);
    }
  }

  #giveUp(hub: string): void {
    const given = this.#clients.forget(hub);
    if (!given) return;
    // If a client is closed while a question waits, the SDK opens it again, and then nobody closes it. So the waiting questions must end
    // first. This is not awaited, because a service that does not answer would block the caller too.
    Promise.allSettled(given.waiting)
      .then(async () => (await given.client).close())
      .catch(() => {});
  }
}
