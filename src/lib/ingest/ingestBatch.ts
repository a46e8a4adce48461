import { performance } from 'node:perf_hooks';
import type { Stream } from '../streams/stream';
import { decodeEvents } from './decodeEvents';
import type { HubDirectory } from './hubDirectory';
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
}

/**
 * Commits one trigger batch. Resolves when each of its events is in the Delta log as rows or in dead_letters. Rejects if an event
 * may be missing; then the same batch must come again.
 */
export async function ingestBatch(options: IngestOptions): Promise<BatchOutcome | undefined> {
  const { stream, hub, hubs, writer } = options;
  const { partitionId, events } = readTriggerBatch(options.bodies, options.triggerMetadata);
  if (events.length === 0) return undefined;
  const generation = await hubs.generation(hub);
  const started = performance.now();
  const decoded = decodeEvents(stream, events);
  const decodeMs = performance.now() - started;
  return writer.commit({ stream: stream.name, generation, partitionId, events: decoded }, decodeMs);
}
