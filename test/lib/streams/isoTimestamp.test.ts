import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  earliestMillis,
  isoMicros,
  latestMillis,
  microsOfMilli,
  parseIsoTimestamp,
} from '../../../src/lib/streams/isoTimestamp';

describe('parseIsoTimestamp', () => {
  it('reads what .NET writes, cutting seven digits to milliseconds', () => {
    expect(parseIsoTimestamp('2019-12-30T17:13:20.3295826+00:00')).toBe(
      Date.UTC(2019, 11, 30, 17, 13, 20, 329),
    );
    expect(parseIsoTimestamp('2019-12-30T17:13:20.9999999Z')).toBe(Date.UTC(2019, 11, 30, 17, 13, 20, 999));
    expect(parseIsoTimestamp('1969-12-31T23:59:59.9999999Z')).toBe(-1);
  });

  it.each([
    ['2026-01-01T00:00:00+05:30', Date.UTC(2025, 11, 31, 18, 30)],
    ['2026-01-01T00:00:00-0800', Date.UTC(2026, 0, 1, 8)],
    ['2026-01-01T00:00:00+05', Date.UTC(2025, 11, 31, 19)],
    ['2026-01-01T00:00:00-00:00', Date.UTC(2026, 0, 1)],
    ['2026-01-01t00:00:00.5z', Date.UTC(2026, 0, 1, 0, 0, 0, 500)],
    ['2026-01-01 00:00:00', Date.UTC(2026, 0, 1)],
    ['2024-02-29T12:00:00Z', Date.UTC(2024, 1, 29, 12)],
    ['2000-02-29T12:00:00.123456789012Z', Date.UTC(2000, 1, 29, 12, 0, 0, 123)],
  ])('reads %s', (text, millis) => {
    expect(parseIsoTimestamp(text)).toBe(millis);
  });

  it('agrees with Date on every millisecond between its bounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: earliestMillis, max: latestMillis }), (millis) => {
        expect(parseIsoTimestamp(new Date(millis).toISOString())).toBe(millis);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2016-12-31T23:59:60Z',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+00:60',
  ])('finds %s impossible', (text) => {
    expect(parseIsoTimestamp(text)).toBe('impossible');
  });

  it.each([
    '',
    'yesterday',
    '2026-01-01',
    '2026-01-01T00:00Z',
    '2026-01-01T00:00:0Z',
    '2026/01/01T00:00:00Z',
    '2026-01-01X00:00:00Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00,5Z',
    '2026-01-01T00:00:00+',
    '2026-01-01T00:00:00+1',
    '2026-01-01T00:00:00+01:0',
    '2026-01-01T00:00:00+01:000',
    '2026-01-01T00:00:00+ab:cd',
    '2026-01-01T00:00:00ZZ',
    '2026-01-01T00:00:00.123Z ',
    ' 2026-01-01T00:00:00Z',
    '20a6-01-01T00:00:00Z',
    '2-26-01-01T00:00:00Z',
    '٢٠٢٦-01-01T00:00:00Z',
    '1680191493124',
    `2026-01-01T00:00:00.${'1'.repeat(100)}Z`,
  ])('finds %j malformed', (text) => {
    expect(parseIsoTimestamp(text)).toBe('malformed');
  });
});

describe('isoMicros', () => {
  const within = (text: string) => {
    const bytes = Buffer.from(`9${text}9`);
    return isoMicros(bytes, 1, bytes.length - 1);
  };

  it('reads nothing before or after the text', () => {
    expect(within('2026-01-01T00:00:00.1234567+01:00')).toBe((Date.UTC(2025, 11, 31, 23) + 123) * 1000 + 456);
    expect(within('2026-01-01T00:00:00.1234')).toBe((Date.UTC(2026, 0, 1) + 123) * 1000 + 400);
    expect(within('2026-01-01T00:00:00')).toBe(Date.UTC(2026, 0, 1) * 1000);
    expect(within('2026-01-01T00:00:0')).toBeUndefined();
    expect(within('2026-01-01T00:00:00.')).toBeUndefined();
    expect(within('2026-01-01T00:00:00+0')).toBeUndefined();
  });

  it.each(['1899-12-31T23:59:59Z', '2256-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-02-30T00:00:00Z'])(
    'leaves %s to the slower reader',
    (text) => {
      expect(within(text)).toBeUndefined();
    },
  );

  it('agrees with the reader of text', () => {
    fc.assert(
      fc.property(fc.integer({ min: earliestMillis, max: Date.UTC(2255) }), fc.nat(999), (millis, micros) => {
        const text = new Date(millis).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
        expect(parseIsoTimestamp(text)).toBe(millis);
        expect(microsOfMilli(text)).toBe(micros);
        expect(within(text)).toBe(millis * 1000 + micros);
      }),
    );
  });
});
