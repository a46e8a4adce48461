import { TributaryError } from '../errors';

/** One event of a batch as the trigger hands it over. */
export interface TriggerEvent {
  readonly body: Uint8Array;
  readonly sequenceNumber: number;
  /** Microseconds since 1970. */
  readonly enqueuedAt: number;
}

/** Consecutive events of one partition, ascending by sequence number. */
export interface TriggerBatch {
  readonly partitionId: string;
  readonly events: readonly TriggerEvent[];
}

/** The partition that a batch is of; undefined where the trigger's metadata does not say. */
export function partitionIdOf(triggerMetadata: Record<string, unknown> | undefined): string | undefined {
  const context = triggerMetadata?.partitionContext as { partitionId?: unknown } | undefined;
  return typeof context?.partitionId === 'string' ? context.partitionId : undefined;
}

/**
 * Reads what the Event Hubs trigger passes to a function with cardinality many and dataType binary: bodies, and in
 * triggerMetadata one entry of systemPropertiesArray for each.
 * @throws `ingest.batch` when bodies and metadata do not belong together: the function is not registered as binary
 */
export function readTriggerBatch(
  bodies: unknown,
  triggerMetadata: Record<string, unknown> | undefined,
): TriggerBatch {
  const properties = triggerMetadata?.systemPropertiesArray;
  const partitionId = partitionIdOf(triggerMetadata);
  if (!Array.isArray(bodies) || !Array.isArray(properties) || bodies.length !== properties.length) {
    throw unexpected('as many systemPropertiesArray entries as bodies');
  }
  if (partitionId === undefined) throw unexpected('partitionContext.partitionId');
  const events = bodies.map((body: unknown, index) => {
    const { sequenceNumber, enqueuedTimeUtc } = (properties[index] ?? {}) as Record<string, unknown>;
    if (!(body instanceof Uint8Array)) throw unexpected('binary bodies');
    return { body, sequenceNumber: readLong(sequenceNumber), enqueuedAt: readEnqueuedTime(enqueuedTimeUtc) };
  });
  for (const [index, { sequenceNumber }] of events.entries()) {
    const before = events[index - 1]?.sequenceNumber ?? -1;
    if (sequenceNumber <= before) throw unexpected('ascending sequence numbers');
  }
  return { partitionId, events };
}

/** Some workers hand a long over as its two halves. */
function readLong(value: unknown): number {
  const halves = value as { low?: unknown; high?: unknown } | null;
  const number =
    typeof halves?.low === 'number' && typeof halves.high === 'number'
      ? halves.high * 2 ** 32 + (halves.low >>> 0)
      : Number(value ?? Number.NaN);
  if (!Number.isSafeInteger(number)) throw unexpected('systemPropertiesArray[].sequenceNumber');
  return number;
}

/** The host writes UTC times without saying so. */
function readEnqueuedTime(value: unknown): number {
  const text = String(value);
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
  if (Number.isNaN(ms)) throw unexpected('systemPropertiesArray[].enqueuedTimeUtc');
  return ms * 1000;
}

const unexpected = (wanted: string) =>
  new TributaryError(
    'ingest.batch',
    `The Event Hubs trigger did not pass ${wanted}: is the function's dataType binary?`,
  );
