import { setTimeout as sleep } from 'node:timers/promises';
import type { EventHubsNamespace } from '../../src/lib/connections/hubs';
import { type HubClient, openHubClient } from '../../src/lib/sources/hubClient';
import type { MadeEvent } from './bodies';
import { sendForged } from './forge';

/** Milliseconds between two batches to one partition. */
const tickMs = 200;
const sendLimitMs = 15_000;
/** Milliseconds between two sends of forged events, and how many are sent at once. */
const forgeMs = 500;
const forgedAtOnce = 3;

export interface ProducerOptions {
  readonly namespace: EventHubsNamespace;
  readonly hub: string;
  readonly bodies: { make(): MadeEvent };
  readonly eventsPerSecond: number;
}

/** Sends events to all partitions in parallel until it is stopped, even if the broker fails. */
export class Producer {
  /** Ids of the events that the hub acknowledged. The hub may have others too. */
  readonly acknowledged = new Set<number>();
  failures = 0;
  /** How many of the acknowledged events had forged annotations. */
  forged = 0;
  /** While this is set, nothing is sent. */
  paused = false;
  readonly #options: ProducerOptions;
  readonly #stopping = new AbortController();
  readonly #loops: Promise<unknown>;

  private constructor(options: ProducerOptions, partitionIds: readonly string[]) {
    this.#options = options;
    const perTick = (options.eventsPerSecond * tickMs) / 1000 / partitionIds.length;
    this.#loops = Promise.all([
      ...partitionIds.map((partitionId) => this.#run(partitionId, perTick)),
      this.#forge(partitionIds),
    ]);
  }

  static async start(options: ProducerOptions): Promise<Producer> {
    const client = await openHubClient(options.namespace, options.hub);
    const partitionIds = await client.getPartitionIds();
    await client.close();
    return new Producer(options, partitionIds);
  }

  /** Stops sending. Resolves when the last batch has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loops;
  }

  async #run(partitionId: string, perTick: number): Promise<void> {
    const { namespace, hub } = this.#options;
    const { signal } = this.#stopping;
    let client: HubClient | undefined;
    let due = 0;
    while (!signal.aborted) {
      due = this.paused ? 0 : Math.min(due + perTick, perTick * 5);
      client ??= await openHubClient(namespace, hub);
      try {
        due -= await this.#send(client, partitionId, Math.floor(due));
      } catch {
        this.failures++;
        // Do not wait for the close: noticing that a broker was killed may take longer than opening a new connection.
        void client.close().catch(() => {});
        client = undefined;
      }
      await sleep(tickMs, undefined, { signal }).catch(() => {});
    }
    await client?.close();
  }

  /** Sends a few events to each partition in turn, with annotations that claim another place in it. */
  async #forge(partitionIds: readonly string[]): Promise<void> {
    const { namespace, hub, bodies } = this.#options;
    const { signal } = this.#stopping;
    if (!('connectionString' in namespace)) return;
    for (let turn = 0; !signal.aborted; turn++) {
      await sleep(forgeMs, undefined, { signal }).catch(() => {});
      if (this.paused || signal.aborted) continue;
      const partitionId = partitionIds[turn % partitionIds.length] ?? '0';
      const events = Array.from({ length: forgedAtOnce }, () => bodies.make());
      try {
        await sendForged(namespace.connectionString, { hub, partitionId }, events);
        for (const { id } of events) this.acknowledged.add(id);
        this.forged += events.length;
      } catch {
        this.failures++;
      }
    }
  }

  async #send(client: HubClient, partitionId: string, count: number): Promise<number> {
    if (count === 0) return 0;
    const abortSignal = AbortSignal.timeout(sendLimitMs);
    const batch = await client.createBatch({ partitionId, abortSignal });
    const ids: number[] = [];
    for (let i = 0; i < count; i++) {
      const { id, body } = this.#options.bodies.make();
      if (!batch.tryAdd({ body, properties: { id } })) break;
      ids.push(id);
    }
    await client.sendBatch(batch, { abortSignal });
    for (const id of ids) this.acknowledged.add(id);
    return ids.length;
  }
}
