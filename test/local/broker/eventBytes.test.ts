import fc from 'fast-check';
import rhea, { type Message } from 'rhea';
import { describe, expect, it } from 'vitest';
import { MalformedMessage } from '../../../local/broker/amqpBytes';
import {
  batchFormat,
  parseTransfer,
  storedSizeLimit,
  withLastEnqueued,
  writeEvent,
} from '../../../local/broker/eventBytes';

const { types, message } = rhea;
const encode = (fields: Record<string, unknown>): Buffer => message.encode(fields);

const oneEvent = encode({
  durable: true,
  priority: 7,
  delivery_annotations: { dropped: 1 },
  message_annotations: {
    'x-opt-offset': 'forged',
    custom: types.wrap_ubyte(9),
    'x-opt-partition-key': 'ключ',
    other: [1, { deep: 'x' }],
  },
  message_id: types.wrap_ulong(2 ** 40),
  application_properties: {
    ubyte: types.wrap_ubyte(1),
    char: types.wrap_char(0x1f600),
    uuid: types.wrap_uuid(Buffer.alloc(16, 7)),
  },
  body: message.data_section(Buffer.from('body')),
});

function store(bytes: Buffer, format = 0): { stored: Buffer; rest: Buffer; decoded: Partial<Message> } {
  const { events, partitionKey } = parseTransfer(bytes, format);
  const [event] = events;
  if (!event) throw new Error('no event');
  const target = Buffer.alloc(storedSizeLimit(event, partitionKey));
  const end = writeEvent(target, 0, event, {
    sequenceNumber: 2 ** 33 + 5,
    offset: 123,
    enqueuedTime: 1_700_000_000_123,
    partitionKey,
  });
  const stored = target.subarray(0, end);
  return { stored, rest: event.rest, decoded: message.decode(stored) as Partial<Message> };
}

describe('a stored event', () => {
  it('has the service’s annotations and the sender’s own', () => {
    const { decoded } = store(oneEvent);
    expect(decoded.message_annotations).toEqual({
      'x-opt-sequence-number': 2 ** 33 + 5,
      'x-opt-enqueued-time': new Date(1_700_000_000_123),
      'x-opt-offset': '123',
      'x-opt-partition-key': 'ключ',
      custom: 9,
      other: [1, { deep: 'x' }],
    });
    expect(decoded.delivery_annotations).toBeUndefined();
    expect([decoded.durable, decoded.priority]).toEqual([true, 7]);
  });

  it('keeps everything after the annotations bit by bit', () => {
    const { stored, rest } = store(oneEvent);
    expect(oneEvent.subarray(oneEvent.length - rest.length).equals(rest)).toBe(true);
    expect(stored.subarray(stored.length - rest.length).equals(rest)).toBe(true);
    expect(message.decode(Buffer.from(rest)).message_id).toBe(2 ** 40);
  });

  it('takes the partition key from the batch around it', () => {
    const inner = encode({ body: message.data_section(Buffer.from('x')) });
    const batch = encode({
      message_annotations: { 'x-opt-partition-key': 'key' },
      body: message.data_sections([inner, inner]),
    });
    expect(parseTransfer(batch, batchFormat).events).toHaveLength(2);
    expect(store(batch, batchFormat).decoded.message_annotations).toMatchObject({
      'x-opt-partition-key': 'key',
    });
  });

  it('has the last enqueued event after its header', () => {
    const { stored } = store(oneEvent);
    const last = { sequenceNumber: 77, offset: 9_876_543, enqueuedTime: 1000, retrievedTime: 2000 };
    const decoded = message.decode(withLastEnqueued(stored, last)) as Partial<Message>;
    expect(decoded.delivery_annotations).toEqual({
      last_enqueued_sequence_number: 77,
      last_enqueued_offset: '9876543',
      last_enqueued_time_utc: new Date(1000),
      runtime_info_retrieval_time_utc: new Date(2000),
    });
    expect(decoded.durable).toBe(true);
    expect(decoded.message_annotations).toMatchObject({ 'x-opt-offset': '123' });
  });
});

describe('parseTransfer', () => {
  it('refuses a batch without an event, and sections out of order', () => {
    expect(() => parseTransfer(encode({ body: 'text' }), batchFormat)).toThrow(MalformedMessage);
    const body = encode({ body: message.data_section(Buffer.from('x')) });
    expect(() => parseTransfer(Buffer.concat([body, oneEvent]), 0)).toThrow('out of order');
  });

  it('refuses damaged bytes as a malformed message, never with another error', () => {
    fc.assert(
      fc.property(
        fc.nat(oneEvent.length - 1),
        fc.array(fc.tuple(fc.nat(oneEvent.length - 1), fc.nat(255)), { maxLength: 4 }),
        (length, changes) => {
          const bytes = Buffer.from(oneEvent.subarray(0, length));
          for (const [at, value] of changes) if (at < length) bytes[at] = value;
          for (const format of [0, batchFormat]) {
            try {
              parseTransfer(bytes, format);
            } catch (error) {
              expect(error).toBeInstanceOf(MalformedMessage);
            }
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
