import type { ReceivedEventData } from '@azure/event-hubs';
import { BatchAccumulator } from './batchAccumulator';
import type { BlobCheckpointStore, ReaderGroup } from './checkpointStore';
import { type BodyMode, readBodies, toBatchInput, toBatchMetadata } from './eventBatch';
import { describeError } from './log';
import { type RetryPolicy, runWithRetry } from './retryPolicy';
import { separateTurn } from './separateTurn';
import type { TriggerHost, TriggerOptions } from './trigger';

export interface PartitionReaderOptions {
  host: TriggerHost;
  trigger: TriggerOptions;
  partitionId: string;
  group: ReaderGroup;
  ownerId: string;
  store: BlobCheckpointStore;
  bindingName: string;
  mode: BodyMode;
  policy: RetryPolicy | undefined;
  /** The trigger's counts, to which this reader adds. */
  counts: { batches: number; events: number; failures: number };
  /** Resolves when the earlier reader of the partition has ended its batch. */
  previous: Promise<void>;
}

/** Runs the function on the events of one partition, from the time it is claimed until it is lost. */
export class PartitionReader {
  readonly #accumulator: BatchAccumulator<ReceivedEventData>;
  readonly #stopping = new AbortController();
  #batchesSinceCheckpoint = 0;
  readonly #options: PartitionReaderOptions;

  constructor(options: PartitionReaderOptions) {
    this.#options = options;
    const { minEventBatchSize, maxEventBatchSize, maxWaitTimeMs, prefetchSizeInBytes } =
      options.host.hostJson.eventHubs;
    this.#accumulator = new BatchAccumulator({
      minSize: minEventBatchSize,
      maxSize: maxEventBatchSize,
      // The real extension bounds the queue of events from which it takes a batch. The SDK for Node.js cannot, so this bounds the batch.
      maxWeight: prefetchSizeInBytes ?? Number.POSITIVE_INFINITY,
      weigh: ({ body }) => (Buffer.isBuffer(body) ? body.length : 0),
      maxWaitMs: maxWaitTimeMs,
      handle: (events) => this.#handle(events),
    });
  }

  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Takes events. Resolves when more may come. Throws if reading the partition cannot go on. */
  async receive(events: ReceivedEventData[]): Promise<void> {
    await this.#options.previous;
    await this.#accumulator.add(events);
  }

  /** Ends retries and checkpoints at once. Resolves when the function no longer runs. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#options.previous, this.#accumulator.close()]);
  }

  async #handle(events: ReceivedEventData[]): Promise<void> {
    const { counts, host, partitionId } = this.#options;
    const outcome = await this.#run(events);
    if (this.stopped) return;
    if (outcome === 'given-up') {
      throw new Error(`Partition ${partitionId} went to another host during the retries of a batch.`);
    }
    counts.batches += 1;
    counts.events += events.length;
    this.#batchesSinceCheckpoint += 1;
    if (this.#batchesSinceCheckpoint < host.hostJson.eventHubs.batchCheckpointFrequency) return;
    this.#batchesSinceCheckpoint = 0;
    await this.#checkpoint(events);
  }

  async #run(events: ReceivedEventData[]): Promise<'succeeded' | 'failed' | 'given-up'> {
    const { host, trigger, group, partitionId, bindingName, policy, counts } = this.#options;
    // The real host makes the batch in a process of its own, so that the app's process does other work before and after that.
    await separateTurn();
    const bodies = readBodies(events);
    const triggerMetadata = toBatchMetadata(events, group, partitionId);
    await separateTurn();
    return runWithRetry({
      policy,
      signal: this.#stopping.signal,
      attempt: async (retryContext) => {
        const inputData = [{ name: bindingName, data: this.#bind(bodies) }];
        const invocation = { inputData, triggerMetadata, ...(retryContext && { retryContext }) };
        await host.invoker.invoke(trigger.fn, invocation);
      },
      onFailure: () => {
        counts.failures += 1;
      },
      mayRetry: () => this.#isOwner(),
    });
  }

  #bind(bodies: Buffer[]) {
    try {
      return toBatchInput(bodies, this.#options.mode);
    } catch (error) {
      this.#options.host.log('error', this.#options.trigger.name, describeError(error));
      throw error;
    }
  }

  /** Writes the checkpoint unless the partition was lost, because its new owner has already started from the old checkpoint. */
  async #checkpoint(events: ReceivedEventData[]): Promise<void> {
    const { group, partitionId, store } = this.#options;
    const last = events.at(-1);
    if (!last) return;
    if (!(await this.#isOwner())) {
      throw new Error(`Partition ${partitionId} went to another host; its batch is not checkpointed.`);
    }
    if (this.stopped) return;
    const { sequenceNumber, offset } = last;
    await store.updateCheckpoint({ ...group, partitionId, sequenceNumber, offset });
  }

  #isOwner(): Promise<boolean> {
    const { group, partitionId, store, ownerId } = this.#options;
    return store.isOwner(group, partitionId, ownerId);
  }
}
