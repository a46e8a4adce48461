import { performance } from 'node:perf_hooks';
import type { Stream } from '../streams/stream';
import { decodeEvents } from './decodeEvents';
import type { HubDirectory } from './hubDirectory';
import type { BatchOutcome, TableWriter } from './tableWriter';
import { readTriggerBatch, type TriggerEvent } from './triggerBatch';

export interface IngestOptions {
  readonly stream: Stream;
  /** Name of the hub that the stream is read from. */
  readonly hub: string;
  readonly hubs: Pick<HubDirectory, 'generation'>;
  readonly writer: TableWriter;
  /** Event bodies and triggerMetadata, as the Event Hubs trigger passes them. */
  readonly bodies: unknown;
  readonly triggerMetadata: Record<string, unknown> | undefined;
}

/** A batch with more bytes of bodies than this is decoded and committed in parts, so that its rows are not all in memory at once. */
const partBytes = 16 * 1024 * 1024;

/**
 * Commits one trigger batch. Resolves when each of its events is in the Delta log, as rows or as dead letters. Rejects if an event may be
 * missing. Then the same batch must come again, and the events that are in the log already are dropped from it as duplicates.
 */
export async function ingestBatch(options: IngestOptions): Promise<BatchOutcome | undefined> {
  const { stream, hub, hubs, writer } = options;
  const { partitionId, events } = readTriggerBatch(options.bodies, options.triggerMetadata);
  if (events.length === 0) return undefined;
  const generation = await hubs.generation(hub);
  let outcome: BatchOutcome = { rows: 0, duplicates: 0, letters: 0, version: -1 };
  let first = 0;
  while (first < events.length) {
    const end = endOfPart(events, first);
    const started = performance.now();
    const decoded = decodeEvents(stream, events.slice(first, end));
    const decodeMs = performance.now() - started;
    const batch = { stream: stream.name, generation, partitionId, events: decoded };
    const part = await writer.commit(batch, { decodeMs, moreFollow: end < events.length });
    outcome = {
      rows: outcome.rows + part.rows,
      duplicates: outcome.duplicates + part.duplicates,
      letters: outcome.letters + part.letters,
      version: part.version,
    };
    first = end;
  }
  return outcome;
}

/** The end of the part that begins with the event at index `first`. A part has at least one event. */
function endOfPart(events: readonly TriggerEvent[], first: number): number {
  let bytes = 0;
  for (let index = first; index < events.length; index++) {
    bytes += events[index]?.body.length ?? 0;
    if (bytes > partBytes && index > first) return index;
  }
  return events.length;
}
