import {
  contentOfText,
  DATA,
  DELIVERY_ANNOTATIONS,
  encodeSymbol,
  endOfValue,
  HEADER,
  MalformedMessage,
  MESSAGE_ANNOTATIONS,
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
  /** In UTF-8. */
  partitionKey: Buffer | undefined;
}

/** The events of one transfer of a producer. */
export interface SentBatch {
  events: SentEvent[];
  partitionKey: Buffer | undefined;
}

/** The position and time that the service adds to an event. */
export interface Stamp {
  sequence: number;
  offset: number;
  /** Milliseconds since 1970. */
  enqueuedTime: number;
  partitionKey: Buffer | undefined;
}

/** The message format of a batch: each data section of the envelope is one encoded event. */
export const BATCH_FORMAT = 0x80013700;

const NOTHING = Buffer.alloc(0);
const PARTITION_KEY = 'x-opt-partition-key';
const SYSTEM_ANNOTATIONS = new Set([
  'x-opt-sequence-number',
  'x-opt-offset',
  'x-opt-enqueued-time',
  PARTITION_KEY,
]);

/**
 * Splits a transfer into its events.
 *
 * @throws MalformedMessage if the bytes are not AMQP, or are a batch without an event.
 */
export function parseTransfer(bytes: Buffer, format: number): SentBatch {
  const outer = parseEvent(bytes);
  if (format !== BATCH_FORMAT) return { events: [outer], partitionKey: outer.partitionKey };
  const events: SentEvent[] = [];
  for (let at = 0; at < outer.rest.length; ) {
    const section = sectionAt(outer.rest, at);
    const content = section.code === DATA ? contentOfText(outer.rest, section.value) : undefined;
    if (content) events.push(parseEvent(content));
    at = section.end;
  }
  if (events.length === 0) throw new MalformedMessage('a batch must hold at least one event');
  return { events, partitionKey: outer.partitionKey ?? events[0]?.partitionKey };
}

function parseEvent(bytes: Buffer): SentEvent {
  const event: SentEvent = {
    header: NOTHING,
    annotations: NOTHING,
    annotationCount: 0,
    rest: NOTHING,
    partitionKey: undefined,
  };
  let restStart: number | undefined;
  for (let at = 0; at < bytes.length; ) {
    const section = sectionAt(bytes, at);
    at = section.end;
    if (section.code > MESSAGE_ANNOTATIONS) restStart ??= section.start;
    else if (restStart !== undefined) throw new MalformedMessage('message sections out of order');
    else if (section.code === HEADER) event.header = bytes.subarray(section.start, section.end);
    else if (section.code !== DELIVERY_ANNOTATIONS) takeAnnotations(bytes, section.value, event);
  }
  event.rest = restStart === undefined ? NOTHING : bytes.subarray(restStart);
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
    if (name === PARTITION_KEY) event.partitionKey = contentOfText(bytes, valueAt);
    if (!SYSTEM_ANNOTATIONS.has(name)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  event.annotationCount = kept.length * 2;
  event.annotations = kept.length === 0 ? NOTHING : Buffer.concat(kept);
}

const PREFIX = Buffer.concat([
  Buffer.from([0x00, 0x53, MESSAGE_ANNOTATIONS, 0xd1, 0, 0, 0, 0, 0, 0, 0, 0]),
  encodeSymbol('x-opt-sequence-number'),
  Buffer.from([0x81, 0, 0, 0, 0, 0, 0, 0, 0]),
  encodeSymbol('x-opt-enqueued-time'),
  Buffer.from([0x83, 0, 0, 0, 0, 0, 0, 0, 0]),
  encodeSymbol('x-opt-offset'),
  Buffer.from([0xa1]),
]);
const SIZE_AT = 4;
const COUNT_AT = 8;
const SEQUENCE_AT = 12 + encodeSymbol('x-opt-sequence-number').length + 1;
const TIME_AT = SEQUENCE_AT + 8 + encodeSymbol('x-opt-enqueued-time').length + 1;
const KEY_PREFIX = Buffer.concat([encodeSymbol(PARTITION_KEY), Buffer.from([0xb1])]);

/** An upper limit of the event's length when it is stored. */
export function storedSizeLimit(event: SentEvent, partitionKey: Buffer | undefined): number {
  const key = partitionKey ? KEY_PREFIX.length + 4 + partitionKey.length : 0;
  return event.header.length + PREFIX.length + 21 + key + event.annotations.length + event.rest.length;
}

/** Writes the event with the service's annotations, as readers get it. Returns the position after it. */
export function writeEvent(target: Buffer, start: number, event: SentEvent, stamp: Stamp): number {
  const section = start + event.header.copy(target, start);
  PREFIX.copy(target, section);
  writeLong(target, section + SEQUENCE_AT, stamp.sequence);
  writeLong(target, section + TIME_AT, stamp.enqueuedTime);
  let at = section + PREFIX.length;
  const offsetLength = target.write(String(stamp.offset), at + 1, 'latin1');
  target[at] = offsetLength;
  at += 1 + offsetLength;
  if (stamp.partitionKey) {
    at += KEY_PREFIX.copy(target, at);
    at = target.writeUInt32BE(stamp.partitionKey.length, at);
    at += stamp.partitionKey.copy(target, at);
  }
  at += event.annotations.copy(target, at);
  target.writeUInt32BE(at - section - COUNT_AT, section + SIZE_AT);
  target.writeUInt32BE(6 + (stamp.partitionKey ? 2 : 0) + event.annotationCount, section + COUNT_AT);
  return at + event.rest.copy(target, at);
}

/** The last enqueued event of a partition. Readers that track it get this with every event. */
export interface LastEnqueued {
  sequence: number;
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
    long(0x81, last.sequence),
    encodeSymbol('last_enqueued_offset'),
    Buffer.from([0xa1, offset.length]),
    Buffer.from(offset, 'latin1'),
    encodeSymbol('last_enqueued_time_utc'),
    long(0x83, last.enqueuedTime),
    encodeSymbol('runtime_info_retrieval_time_utc'),
    long(0x83, last.retrievedTime),
  ]);
  const start = Buffer.from([0x00, 0x53, DELIVERY_ANNOTATIONS, 0xc1, entries.length + 1, 8]);
  const first = sectionAt(event, 0);
  const headerEnd = first.code === HEADER ? first.end : 0;
  return Buffer.concat([event.subarray(0, headerEnd), start, entries, event.subarray(headerEnd)]);
}
