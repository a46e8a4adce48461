import { TributaryError } from '../errors';
import { jsonValue } from '../jsonObject';

/** One event of a batch in the form in which the trigger passes it. */
export interface TriggerEvent {
  readonly body: Uint8Array;
  readonly sequenceNumber: number;
  /** Microseconds since 1970. */
  readonly enqueuedAt: number;
}

/** Consecutive events of one partition, in ascending order of sequence numbers. */
export interface TriggerBatch {
  readonly partitionId: string;
  readonly events: readonly TriggerEvent[];
}

/** The partition of a batch; undefined if the trigger's metadata does not say. */
export function partitionIdOf(triggerMetadata: Record<string, unknown> | undefined): string | undefined {
  const context = parsed(triggerMetadata?.partitionContext) as { partitionId?: unknown } | null | undefined;
  return typeof context?.partitionId === 'string' ? context.partitionId : undefined;
}

/**
 * Reads a batch as the Event Hubs trigger passes it to a function with cardinality many and dataType binary. It has a list of bodies, and
 * triggerMetadata with one entry of sequenceNumberArray and enqueuedTimeUtcArray for each body. Only the service can set these two arrays.
 * systemPropertiesArray is not read, because a sender can put any `sequenceNumber` into it.
 * @throws `ingest.batch` when bodies and metadata do not belong together: then the function is not registered as binary
 */
export function readTriggerBatch(
  bodies: unknown,
  triggerMetadata: Record<string, unknown> | undefined,
): TriggerBatch {
  const sequenceNumbers = parsed(triggerMetadata?.sequenceNumberArray);
  const times = parsed(triggerMetadata?.enqueuedTimeUtcArray);
  const partitionId = partitionIdOf(triggerMetadata);
  if (!Array.isArray(bodies)) throw unexpected('an array of bodies');
  for (const [name, array] of Object.entries({
    sequenceNumberArray: sequenceNumbers,
    enqueuedTimeUtcArray: times,
  })) {
    if (!Array.isArray(array) || array.length !== bodies.length)
      throw unexpected(`as many entries of ${name} as bodies`);
  }
  if (partitionId === undefined) throw unexpected('partitionContext.partitionId');
  const enqueuedAt = readEnqueuedTimes(times as unknown[]);
  const events = bodies.map((body: unknown, index) => {
    if (!(body instanceof Uint8Array)) throw unexpected('binary bodies');
    return {
      body,
      sequenceNumber: readLong((sequenceNumbers as unknown[])[index]),
      enqueuedAt: enqueuedAt[index] as number,
    };
  });
  for (const [index, { sequenceNumber }] of events.entries()) {
    const before = events[index - 1]?.sequenceNumber ?? -1;
    if (sequenceNumber <= before) throw unexpected('ascending sequence numbers');
  }
  return { partitionId, events };
}

/** A part of the metadata. It may come as JSON text, depending on how the host passes it to the worker. */
function parsed(value: unknown): unknown {
  const read = typeof value === 'string' ? jsonValue(value) : undefined;
  return read === undefined ? value : read;
}

/** A long as a number. Some workers pass it as its two halves. */
function readLong(value: unknown): number {
  const halves = value as { low?: unknown; high?: unknown } | null | undefined;
  const number =
    typeof halves?.low === 'number' && typeof halves.high === 'number'
      ? halves.high * 2 ** 32 + (halves.low >>> 0)
      : Number(value ?? Number.NaN);
  if (!Number.isSafeInteger(number) || value === '') throw unexpected('whole numbers in sequenceNumberArray');
  return number;
}

/** Reads the times of a batch. Events that came together have the same text, which is parsed only once. */
function readEnqueuedTimes(texts: readonly unknown[]): number[] {
  let last: unknown;
  let time = Number.NaN;
  return texts.map((text) => {
    if (text !== last || Number.isNaN(time)) {
      last = text;
      time = readEnqueuedTime(text);
    }
    return time;
  });
}

/** A time in microseconds since 1970. The host writes times in UTC without a time zone. */
function readEnqueuedTime(value: unknown): number {
  const text = String(value);
  const ms = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
  if (Number.isNaN(ms)) throw unexpected('times in enqueuedTimeUtcArray');
  return ms * 1000;
}

const unexpected = (wanted: string) =>
  new TributaryError(
    'ingest.batch',
    `The Event Hubs trigger did not pass ${wanted}: is the function's dataType binary?`,
  );
