import type { ReceivedEventData } from '@azure/event-hubs';
import type { ReaderGroup } from './checkpointStore';
import type { Binding, TypedData } from './functionsCore';

/** The form in which a function gets event bodies; it chooses with `dataType`. */
export type BodyMode = 'binary' | 'string' | 'json';

export function readBodyMode(binding: Binding): BodyMode {
  const dataType = String(binding.dataType ?? '').toLowerCase();
  return dataType === 'binary' || dataType === 'string' ? dataType : 'json';
}

/** An event that can be bound in no mode. Its partition is stuck until somebody skips the event. */
export class UnreadableEvent extends Error {
  constructor(readonly sequenceNumber: number) {
    super(`The AMQP body of the event with sequence number ${sequenceNumber} is not one data section.`);
  }
}

/** The bodies of events. Throws UnreadableEvent if an AMQP body is a value, a sequence, several sections or none. */
export function readBodies(events: ReceivedEventData[]): Buffer[] {
  return events.map((event) => {
    const body: unknown = event.body;
    if (Buffer.isBuffer(body)) return body;
    throw new UnreadableEvent(event.sequenceNumber);
  });
}

/**
 * The input of a function with cardinality many. If `dataType` is missing, the host makes one JSON array of the bodies. Then events with an
 * empty body are left out, and a body that is not JSON makes the whole batch fail before the function runs.
 */
export function toBatchInput(bodies: Buffer[], mode: BodyMode): TypedData {
  if (mode === 'binary') return { collectionBytes: { bytes: bodies } };
  const texts = bodies.map((body) => body.toString('utf8'));
  if (mode === 'string') return { collectionString: { string: texts } };
  const present = texts.filter((text) => text !== '');
  for (const text of present) parseBody(text);
  return { json: `[${present.join(',')}]` };
}

/**
 * The trigger metadata of a batch, in the shapes that the real host sends to the Node.js worker. The system properties include the
 * sender's own annotations. Arrays of texts leave out empty entries, so they may be shorter than the batch.
 */
export function toBatchMetadata(
  events: ReceivedEventData[],
  group: ReaderGroup,
  partitionId: string,
): Record<string, TypedData> {
  const json = (value: unknown): TypedData => ({ json: JSON.stringify(value) });
  const texts = (all: (string | null | undefined)[]): TypedData => ({
    collectionString: { string: all.filter((text): text is string => Boolean(text)) },
  });
  const times = formatTimes(events);
  return {
    PartitionContext: json({
      FullyQualifiedNamespace: group.fullyQualifiedNamespace,
      EventHubName: group.eventHubName,
      ConsumerGroup: group.consumerGroup,
      PartitionId: partitionId,
    }),
    SystemPropertiesArray: json(
      events.map((event, index) => ({
        SequenceNumber: event.sequenceNumber,
        Offset: event.offset,
        PartitionKey: event.partitionKey ?? null,
        EnqueuedTimeUtc: times[index],
        ...event.systemProperties,
      })),
    ),
    SequenceNumberArray: { collectionSint64: { sint64: events.map((event) => event.sequenceNumber) } },
    OffsetArray: texts(events.map((event) => event.offset)),
    PartitionKeyArray: texts(events.map((event) => event.partitionKey)),
    PropertiesArray: json(events.map((event) => event.properties ?? {})),
    EnqueuedTimeUtcArray: json(times),
  };
}

/**
 * Writes times as the real host does: in UTC, but without a Z, and without zeros at the end of the fraction. Events that came together
 * have the same time, and share its text.
 */
function formatTimes(events: readonly ReceivedEventData[]): string[] {
  let last = Number.NaN;
  let text = '';
  return events.map(({ enqueuedTimeUtc }) => {
    if (enqueuedTimeUtc.getTime() !== last) {
      last = enqueuedTimeUtc.getTime();
      text = enqueuedTimeUtc.toISOString().replace(/\.?0*Z$/, '');
    }
    return text;
  });
}

function parseBody(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Error(
      `The batch cannot be bound, because a body is no JSON: ${error instanceof Error ? error.message : error}. With dataType "binary" the function gets the bodies as they are.`,
    );
  }
}
