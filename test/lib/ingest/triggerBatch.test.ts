import { describe, expect, it } from 'vitest';
import { partitionIdOf, readTriggerBatch } from '../../../src/lib/ingest/triggerBatch';

interface Entry {
  sequenceNumber?: unknown;
  enqueuedTimeUtc?: unknown;
}

const metadata = (...entries: Entry[]) => ({
  sequenceNumberArray: entries.map(({ sequenceNumber }) => sequenceNumber),
  enqueuedTimeUtcArray: entries.map(({ enqueuedTimeUtc }) => enqueuedTimeUtc),
  partitionContext: { partitionId: '3' },
});

const numbered = (...sequenceNumbers: number[]) =>
  metadata(
    ...sequenceNumbers.map((sequenceNumber) => ({ sequenceNumber, enqueuedTimeUtc: '2026-01-01T00:00:00Z' })),
  );

describe('a trigger batch', () => {
  it('is bodies with their sequence numbers and times, in UTC whether the host says so or not', () => {
    const batch = readTriggerBatch(
      [Buffer.from('a'), Buffer.alloc(0)],
      metadata(
        { sequenceNumber: 41, enqueuedTimeUtc: '2026-01-02T03:04:05.678' },
        { sequenceNumber: 42, enqueuedTimeUtc: '2026-01-02T03:04:05.678Z' },
      ),
    );
    const enqueuedAt = Date.UTC(2026, 0, 2, 3, 4, 5, 678) * 1000;
    expect(batch).toEqual({
      partitionId: '3',
      events: [
        { body: Buffer.from('a'), sequenceNumber: 41, enqueuedAt },
        { body: Buffer.alloc(0), sequenceNumber: 42, enqueuedAt },
      ],
    });
  });

  it('takes sequence numbers in two halves, as some workers pass them', () => {
    const enqueuedTimeUtc = '2026-01-01T00:00:00Z';
    const halves = { low: -2, high: 3, unsigned: false };
    const { events } = readTriggerBatch(
      [Buffer.from('a')],
      metadata({ sequenceNumber: halves, enqueuedTimeUtc }),
    );
    expect(events[0]?.sequenceNumber).toBe(3 * 2 ** 32 + 2 ** 32 - 2);
  });

  it.each([
    ['2026-01-01T02:00:00+02:00', 0],
    ['2025-12-31T22:00:00-0200', 0],
    ['2026-01-01T00:00:00z', 0],
    ['2026-01-01T00:00:00.001', 1],
  ])('takes the time %s with its zone', (enqueuedTimeUtc, ms) => {
    const { events } = readTriggerBatch([Buffer.from('a')], metadata({ sequenceNumber: 0, enqueuedTimeUtc }));
    expect(events[0]?.enqueuedAt).toBe((Date.UTC(2026, 0, 1) + ms) * 1000);
  });

  it.each([
    ['0', 0],
    ['12', 12],
    [{ low: 5, high: 0 }, 5],
  ])('takes a sequence number that comes as %j', (sequenceNumber, expected) => {
    const one = metadata({ sequenceNumber, enqueuedTimeUtc: '2026-01-01' });
    expect(readTriggerBatch([Buffer.from('a')], one).events[0]?.sequenceNumber).toBe(expected);
  });

  it('believes no sequence number or time that a sender put among the system properties', () => {
    const forged = { sequenceNumber: 1_000_000, enqueuedTimeUtc: '2099-01-01T00:00:00' };
    const { events } = readTriggerBatch([Buffer.from('a')], {
      ...numbered(41),
      systemPropertiesArray: [forged],
    });
    expect(events).toMatchObject([{ sequenceNumber: 41, enqueuedAt: Date.UTC(2026, 0, 1) * 1000 }]);
  });

  it('is read if the metadata are JSON text', () => {
    const texts = Object.entries(numbered(5, 6)).map(([name, value]) => [name, JSON.stringify(value)]);
    const { partitionId, events } = readTriggerBatch(
      [Buffer.from('a'), Buffer.from('b')],
      Object.fromEntries(texts),
    );
    expect([partitionId, ...events.map(({ sequenceNumber }) => sequenceNumber)]).toEqual(['3', 5, 6]);
  });

  it('names its partition even if it cannot be read', () => {
    expect(partitionIdOf(metadata())).toBe('3');
    for (const none of [undefined, {}, { partitionContext: null }, { partitionContext: { partitionId: 3 } }])
      expect(partitionIdOf(none)).toBeUndefined();
  });

  it.each([
    ['text bodies', ['a'], metadata({ sequenceNumber: 1, enqueuedTimeUtc: '2026-01-01' })],
    ['a single body', Buffer.from('a'), metadata({ sequenceNumber: 1, enqueuedTimeUtc: '2026-01-01' })],
    ['no bodies', undefined, numbered(1)],
    ['metadata of another length', [Buffer.from('a')], metadata()],
    ['no metadata', [Buffer.from('a')], undefined],
    ['no partition', [Buffer.from('a')], { ...numbered(1), partitionContext: {} }],
    ['fewer sequence numbers', [Buffer.from('a')], { ...numbered(1), sequenceNumberArray: [] }],
    ['fewer times', [Buffer.from('a')], { ...numbered(1), enqueuedTimeUtcArray: [] }],
    ['sequence numbers that are no array', [Buffer.from('a')], { ...numbered(1), sequenceNumberArray: '1' }],
    ['more sequence numbers', [Buffer.from('a')], { ...numbered(1), sequenceNumberArray: [1, 2] }],
    [
      'more times',
      [Buffer.from('a')],
      { ...numbered(1), enqueuedTimeUtcArray: ['2026-01-01', '2026-01-01'] },
    ],
    ['an empty sequence number', [Buffer.from('a')], { ...numbered(1), sequenceNumberArray: [''] }],
    ['no sequence number', [Buffer.from('a')], metadata({ enqueuedTimeUtc: '2026-01-01' })],
    [
      'a sequence number of which a half is missing',
      [Buffer.from('a')],
      { ...numbered(1), sequenceNumberArray: [{ low: 1 }] },
    ],
    [
      'a sequence number that is no whole one',
      [Buffer.from('a')],
      { ...numbered(1), sequenceNumberArray: [1.5] },
    ],
    ['a negative sequence number', [Buffer.from('a')], numbered(-1)],
    ['null for a sequence number', [Buffer.from('a')], { ...numbered(1), sequenceNumberArray: [null] }],
    ['a time that is none', [Buffer.from('a')], { ...numbered(1), enqueuedTimeUtcArray: ['noon'] }],
    ['times that are no array', [Buffer.from('a')], { ...numbered(1), enqueuedTimeUtcArray: 'x' }],
    ['no time', [Buffer.from('a')], metadata({ sequenceNumber: 1 })],
    ['a sequence number twice', [Buffer.from('a'), Buffer.from('b')], numbered(7, 7)],
    ['a lower sequence number after a higher one', [Buffer.from('a'), Buffer.from('b')], numbered(7, 6)],
  ])('is refused with %s, for events would be lost or misplaced', (_what, bodies, triggerMetadata) => {
    expect(() => readTriggerBatch(bodies, triggerMetadata)).toThrow(
      expect.objectContaining({ code: 'ingest.batch', retriable: true }),
    );
  });
});
