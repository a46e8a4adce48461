import type { Stream } from '../streams/stream';
import { decodeEvents } from './decodeEvents';
import type { HubDirectory } from './hubGeneration';
import { partitionAppId } from './rowAddress';
import type { BatchOutcome, TableWriter } from './tableWriter';
import { readTriggerBatch } from './triggerBatch';

export interface IngestOptions {
  readonly stream: Stream;
  /** Name of the hub that the stream is read from. */
  readonly hub: string;
  readonly hubs: HubDirectory;
  readonly writer: TableWriter;
  /** Event bodies and triggerMetadata, as the Event Hubs trigger passes them. */
  readonly bodies: unknown;
  readonly triggerMetadata: Record<string, unknown> | undefined;
  /** Told of every element that is not a row. */
  readonly warn: (message: string) => void;
}

/**
 * Commits one trigger batch: resolves when all its rows are in the Delta log, or were before. Rejects when they may not be,
 * and then the same batch must come again.
 */
export async function ingestBatch(options: IngestOptions): Promise<BatchOutcome> {
  const { stream, hub, hubs, writer, warn } = options;
  const { partitionId, events } = readTriggerBatch(options.bodies, options.triggerMetadata);
  const generation = await hubs.generation(hub);
  const decoded = decodeEvents(stream, events);
  for (const { sequenceNumber, letters } of decoded) {
    for (const { element, reason, detail } of letters) {
      warn(
        `Not a row: ${stream.name} partition ${partitionId} sequence ${sequenceNumber} element ${element}: ${reason}: ${detail}`,
      );
    }
  }
  return writer.commit({
    appId: partitionAppId(generation, partitionId),
    hubCreatedAt: generation.createdOn.getTime() * 1000,
    partition: Number(partitionId),
    events: decoded,
  });
}
