import {
  contentOfText,
  dataSection,
  deliveryAnnotations,
  encodeSymbol,
  endOfValue,
  headerSection,
  MalformedMessage,
  messageAnnotations,
  openMap,
  sectionAt,
  writeLong,
} from './amqpBytes';

/**
 * An event as its sender encoded it, split where the broker inserts its annotations. Events are never decoded and encoded again, so
 * that the reader gets exactly the types that the sender chose.
 */
export interface SentEvent {
  header: Buffer;
  /** The sender's own annotations: the entries of a map, without the entries that the service sets. */
  annotations: Buffer;
  /** The number of keys and values in `annotations`. */
  annotationCount: number;
  /** Everything after the annotations: properties, application properties, body, footer. */
  rest: Buffer;
  /** The partition key in UTF-8; undefined if the event has none. */
  partitionKey: Buffer | undefined;
}

/** The events of one transfer of a producer. */
export interface SentBatch {
  events: SentEvent[];
  partitionKey: Buffer | undefined;
}

/** The position and time that the service adds to an event. */
export interface Stamp {
  sequenceNumber: number;
  offset: number;
  /** Milliseconds since 1970. */
  enqueuedTime: number;
  partitionKey: Buffer | undefined;
}

/** The message format of a batch: each data section of the envelope is one encoded event. */
export const batchFormat = 0x80013700;

const nothing = Buffer.alloc(0);
const partitionKeyName = 'x-opt-partition-key';
const systemAnnotations = new Set([
  'x-opt-sequence-number',
  'x-opt-offset',
  'x-opt-enqueued-time',
  partitionKeyName,
]);

/**
 * Splits a transfer into its events.
 *
 * @throws MalformedMessage if the bytes are not AMQP, or are a batch without an event.
 */
export function parseTransfer(bytes: Buffer, format: number): SentBatch {
  const outer = parseEvent(bytes);
  if (format !== batchFormat) return { events: [outer], partitionKey: outer.partitionKey };
  const events: SentEvent[] = [];
  for (let at = 0; at < outer.rest.length; ) {
    const section = sectionAt(outer.rest, at);
    const content = section.code === dataSection ? contentOfText(outer.rest, section.value) : undefined;
    if (content) events.push(parseEvent(content));
    at = section.end;
  }
  if (events.length === 0) throw new MalformedMessage('a batch must hold at least one event');
  return { events, partitionKey: outer.partitionKey ?? events[0]?.partitionKey };
}

function parseEvent(bytes: Buffer): SentEvent {
  const event: SentEvent = {
    header: nothing,
    annotations: nothing,
    annotationCount: 0,
    rest: nothing,
    partitionKey: undefined,
  };
  let restStart: number | undefined;
  for (let at = 0; at < bytes.length; ) {
    const section = sectionAt(bytes, at);
    at = section.end;
    if (section.code > messageAnnotations) restStart ??= section.start;
    else if (restStart !== undefined) throw new MalformedMessage('message sections out of order');
    else if (section.code === headerSection) event.header = bytes.subarray(section.start, section.end);
    else if (section.code !== deliveryAnnotations) takeAnnotations(bytes, section.value, event);
  }
  event.rest = restStart === undefined ? nothing : bytes.subarray(restStart);
  return event;
}

function takeAnnotations(bytes: Buffer, mapAt: number, event: SentEvent): void {
  const { start, count } = openMap(bytes, mapAt);
  const kept: Buffer[] = [];
  let at = start;
  for (let entry = 0; entry + 1 < count; entry += 2) {
    const valueAt = endOfValue(bytes, at);
    const end = endOfValue(bytes, valueAt);
    const name = contentOfText(bytes, at)?.toString('latin1') ?? '';
    if (name === partitionKeyName) event.partitionKey = contentOfText(bytes, valueAt);
    if (!systemAnnotations.has(name)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  event.annotationCount = kept.length * 2;
  event.annotations = kept.length === 0 ? nothing : Buffer.concat(kept);
}

const prefix = Buffer.concat([
  Buffer.from([0x00, 0x53, messageAnnotations, 0xd1, 0, 0, 0, 0, 0, 0, 0, 0]),
  encodeSymbol('x-opt-sequence-number'),
  Buffer.from([0x81, 0, 0, 0, 0, 0, 0, 0, 0]),
  encodeSymbol('x-opt-enqueued-time'),
  Buffer.from([0x83, 0, 0, 0, 0, 0, 0, 0, 0]),
  encodeSymbol('x-opt-offset'),
  Buffer.from([0xa1]),
]);
const sizeAt = 4;
const countAt = 8;
const sequenceNumberAt = 12 + encodeSymbol('x-opt-sequence-number').length + 1;
const timeAt = sequenceNumberAt + 8 + encodeSymbol('x-opt-enqueued-time').length + 1;
const keyPrefix = Buffer.concat([encodeSymbol(partitionKeyName), Buffer.from([0xb1])]);

/** An upper limit of the event's length when it is stored. */
export function storedSizeLimit(event: SentEvent, partitionKey: Buffer | undefined): number {
  const key = partitionKey ? keyPrefix.length + 4 + partitionKey.length : 0;
  return event.header.length + prefix.length + 21 + key + event.annotations.length + event.rest.length;
}

/** Writes the event with the service's annotations, as readers get it. Returns the position after it. */
export function writeEvent(target: Buffer, start: number, event: SentEvent, stamp: Stamp): number {
  const section = start + event.header.copy(target, start);
  prefix.copy(target, section);
  writeLong(target, section + sequenceNumberAt, stamp.sequenceNumber);
  writeLong(target, section + timeAt, stamp.enqueuedTime);
  let at = section + prefix.length;
  const offsetLength = target.write(String(stamp.offset), at + 1, 'latin1');
  target[at] = offsetLength;
  at += 1 + offsetLength;
  if (stamp.partitionKey) {
    at += keyPrefix.copy(target, at);
    at = target.writeUInt32BE(stamp.partitionKey.length, at);
    at += stamp.partitionKey.copy(target, at);
  }
  at += event.annotations.copy(target, at);
  target.writeUInt32BE(at - section - countAt, section + sizeAt);
  target.writeUInt32BE(6 + (stamp.partitionKey ? 2 : 0) + event.annotationCount, section + countAt);
  return at + event.rest.copy(target, at);
}

/** The last enqueued event of a partition. Readers that track it get this with every event. */
export interface LastEnqueued {
  sequenceNumber: number;
  offset: number;
  enqueuedTime: number;
  /** When these values were read, in milliseconds since 1970 like enqueuedTime. */
  retrievedTime: number;
}

/** The stored event with the delivery annotations of last-enqueued tracking inserted after its header. */
export function withLastEnqueued(event: Buffer, last: LastEnqueued): Buffer {
  const long = (type: number, value: number): Buffer => {
    const bytes = Buffer.alloc(9);
    bytes[0] = type;
    writeLong(bytes, 1, value);
    return bytes;
  };
  const offset = String(last.offset);
  const entries = Buffer.concat([
    encodeSymbol('last_enqueued_sequence_number'),
    long(0x81, last.sequenceNumber),
    encodeSymbol('last_enqueued_offset'),
    Buffer.from([0xa1, offset.length]),
    Buffer.from(offset, 'latin1'),
    encodeSymbol('last_enqueued_time_utc'),
    long(0x83, last.enqueuedTime),
    encodeSymbol('runtime_info_retrieval_time_utc'),
    long(0x83, last.retrievedTime),
  ]);
  const start = Buffer.from([0x00, 0x53, deliveryAnnotations, 0xc1, entries.length + 1, 8]);
  const first = sectionAt(event, 0);
  const headerEnd = first.code === headerSection ? first.end : 0;
  return Buffer.concat([event.subarray(0, headerEnd), start, entries, event.subarray(headerEnd)]);
}
