import { randomUUID } from 'node:crypto';
import type {
  EventHubConsumerClient,
  PartitionContext,
  ReceivedEventData,
  Subscription,
} from '@azure/event-hubs';
import { within } from '../../src/lib/deadline';
import { BlobCheckpointStore, type ReaderGroup } from './checkpointStore';
import { readBodyMode, UnreadableEvent } from './eventBatch';
import { createConsumer, toSubscribeOptions } from './eventHubClient';
import { describeError } from './log';
import { PartitionReader } from './partitionReader';
import { readInTurns } from './readInTurns';
import { readRetryPolicy } from './retryPolicy';
import { type HubConnection, resolveHubConnection, resolveNames } from './settings';
import { findBindingName, type Trigger, type TriggerHost, type TriggerOptions } from './trigger';

/** If the load balancer was silent this long, make a new client: after a failed request the SDK's balancer waits half a minute. */
const balancerLimitMs = 8_000;
const closeLimitMs = 3_000;
const repeatedErrorMs = 10_000;

/** Starts a function with batches of events, one batch per partition at a time, and keeps checkpoints. */
export function createEventHubTrigger(host: TriggerHost, options: TriggerOptions): Trigger {
  return new EventHubTrigger(host, options);
}

class EventHubTrigger implements Trigger {
  readonly #connection: HubConnection;
  readonly #consumerGroup: string;
  readonly #perReader: Pick<
    ConstructorParameters<typeof PartitionReader>[0],
    'host' | 'trigger' | 'ownerId' | 'store' | 'bindingName' | 'mode' | 'policy' | 'counts'
  >;
  /** By partition id, the newest reader. */
  readonly #readers = new Map<string, PartitionReader>();
  /** The reader of each receiver of the SDK. A receiver that ends late must not feed or stop the reader of its successor. */
  readonly #readerOf = new WeakMap<PartitionContext, PartitionReader>();
  readonly #loggedAt = new Map<string, number>();
  /** By partition id, the unreadable event at which the partition is stuck. */
  readonly #stuck = new Map<string, { readonly sequenceNumber: number; readonly since: string }>();
  #client: EventHubConsumerClient | undefined;
  #subscription: Subscription | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #draining = false;
  #reconnecting = false;
  readonly #host: TriggerHost;
  readonly #options: TriggerOptions;

  constructor(host: TriggerHost, options: TriggerOptions) {
    this.#host = host;
    this.#options = options;
    const { name, binding, fn } = options;
    if (binding.cardinality !== 'many') {
      throw new Error(`${name}: cardinality must be "many"; this host hands over events in batches only.`);
    }
    const read = (key: string) => {
      const value = binding[key];
      if (typeof value !== 'string' || value === '') return undefined;
      return resolveNames(value, host.settings, `${name}: ${key}`);
    };
    const connection = read('connection');
    if (connection === undefined) throw new Error(`${name}: connection must name a setting.`);
    const hub = { connection, eventHubName: read('eventHubName'), where: name };
    this.#connection = resolveHubConnection(hub, host.settings);
    this.#consumerGroup = read('consumerGroup') ?? '$Default';
    this.#perReader = {
      host,
      trigger: options,
      ownerId: host.instance ?? randomUUID(),
      store: new BlobCheckpointStore(host.storage()),
      bindingName: findBindingName(options),
      mode: readBodyMode(binding),
      policy: readRetryPolicy(fn.metadata.retryOptions, name),
      counts: { batches: 0, events: 0, failures: 0 },
    };
  }

  async start(): Promise<void> {
    const { store, ownerId } = this.#perReader;
    await store.createContainer().catch((error: Error) => {
      const { name } = this.#options;
      throw new Error(`${name}: the storage in AzureWebJobsStorage cannot be reached: ${error.message}`);
    });
    const client = this.#connect();
    // Release what this host held before it was killed, so that nobody has to wait until it expires.
    if (this.#host.instance !== undefined) await store.release(this.#groupOf(client), ownerId);
    this.#subscribe(client);
    this.#watchdog = setInterval(() => {
      if (Date.now() - store.lastListedAt > balancerLimitMs) void this.#reconnect();
    }, 1_000);
  }

  async drain(): Promise<void> {
    this.#draining = true;
    clearInterval(this.#watchdog);
    await Promise.all([...this.#readers.values()].map((reader) => reader.stop()));
  }

  /** Gives up the partitions, so that another host can take them at once. */
  async close(): Promise<void> {
    // These two only: where their end takes longer than its limit, the host has made new ones meanwhile.
    const subscription = this.#subscription;
    const client = this.#client;
    const closing = (async () => {
      try {
        await subscription?.close();
      } finally {
        // The subscription asks the storage before it ends, and fails if the storage does not answer.
        await client?.close();
      }
    })().catch((error) => this.#host.log('debug', this.#options.name, describeError(error)));
    await within(
      closeLimitMs,
      () => closing,
      () => {},
    );
  }

  status(): Record<string, unknown> {
    const partitions = [...this.#readers].filter(([, reader]) => !reader.stopped).map(([id]) => id);
    return { ...this.#perReader.counts, partitions: partitions.sort() };
  }

  #connect(): EventHubConsumerClient {
    const connection = this.#connection;
    const consumerGroup = this.#consumerGroup;
    this.#client = createConsumer({ connection, consumerGroup, ...this.#perReader });
    return this.#client;
  }

  #subscribe(client: EventHubConsumerClient): void {
    this.#perReader.store.lastListedAt = Date.now();
    this.#subscription = client.subscribe(
      {
        processInitialize: async (context) => this.#open(context, client),
        processEvents: (events, context) => {
          readInTurns(client);
          return this.#receive(context, events);
        },
        processError: async (error, context) => this.#report(error, context),
        processClose: async (_reason, context) => void this.#readerOf.get(context)?.stop(),
      },
      toSubscribeOptions(this.#host.hostJson.eventHubs),
    );
  }

  /** Makes the connection anew, one at a time: two connections would take the partitions from each other for ever. */
  async #reconnect(): Promise<void> {
    if (this.#reconnecting) return;
    this.#reconnecting = true;
    try {
      await this.close();
      for (const reader of this.#readers.values()) void reader.stop();
      if (!this.#draining) this.#subscribe(this.#connect());
    } finally {
      this.#reconnecting = false;
    }
  }

  #groupOf(client: EventHubConsumerClient): ReaderGroup {
    const { fullyQualifiedNamespace, eventHubName } = client;
    return { fullyQualifiedNamespace, eventHubName, consumerGroup: this.#consumerGroup };
  }

  #open(context: PartitionContext, client: EventHubConsumerClient): void {
    // An earlier client, which could not be closed in time, opens nothing any more.
    if (client !== this.#client) return;
    const { partitionId } = context;
    const group = this.#groupOf(client);
    // Do not await it here: the load balancer waits for this method, and must go on renewing the other partitions.
    const previous = this.#readers.get(partitionId)?.stop() ?? Promise.resolve();
    const reader = new PartitionReader({ ...this.#perReader, partitionId, group, previous });
    this.#readers.set(partitionId, reader);
    this.#readerOf.set(context, reader);
    this.#host.log(
      'information',
      this.#options.name,
      `reads partition ${partitionId} of ${group.eventHubName}.`,
    );
  }

  #receive(context: PartitionContext, events: ReceivedEventData[]): Promise<void> {
    const reader = this.#readerOf.get(context);
    // A promise that stays pending stops the SDK from reading on. The SDK does not wait for it when it closes.
    if (this.#draining || !reader || reader.stopped) return new Promise(() => {});
    return reader.receive(events);
  }

  #report(error: Error & { code?: unknown }, context: PartitionContext): void {
    const { name } = this.#options;
    const { partitionId, eventHubName } = context;
    if (error.name === 'AbortError' || this.#draining) return;
    if (error.code === 'ReceiverDisconnectedError') {
      this.#host.log(
        'information',
        name,
        `partition ${partitionId} of ${eventHubName} went to another host.`,
      );
      return;
    }
    if (/supplied (sequence number|offset) .* is invalid/i.test(error.message)) {
      const text = `partition ${partitionId} of the hub ${eventHubName} cannot be read: its checkpoint lies beyond the end of the hub, so the hub was probably deleted and made again. If so, stop the app, run "npm run checkpoints -- reset <stream>", and start it again. (${error.message})`;
      this.#host.log('error', name, text);
      return;
    }
    if (error instanceof UnreadableEvent) {
      const { sequenceNumber } = error;
      const known = this.#stuck.get(partitionId);
      const since = known?.sequenceNumber === sequenceNumber ? known.since : new Date().toISOString();
      this.#stuck.set(partitionId, { sequenceNumber, since });
      this.#logSometimes(
        `partition ${partitionId} of the hub ${eventHubName} stands still since ${since}: ${error.message} Stop the app, run "npm run checkpoints -- skip <stream> ${partitionId}", and start it again.`,
      );
      return;
    }
    const where = partitionId === '' ? `hub ${eventHubName}` : `partition ${partitionId} of ${eventHubName}`;
    this.#logSometimes(`${where}: ${error.name}: ${error.message}`);
  }

  #logSometimes(text: string): void {
    const now = Date.now();
    if (now - (this.#loggedAt.get(text) ?? 0) < repeatedErrorMs) return;
    // Some messages contain a new id each time, so this map needs a limit.
    if (this.#loggedAt.size > 100) this.#loggedAt.clear();
    this.#loggedAt.set(text, now);
    this.#host.log('error', this.#options.name, text);
  }
}
