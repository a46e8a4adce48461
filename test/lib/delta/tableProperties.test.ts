import { describe, expect, it } from 'vitest';
import { parseInterval, retentionMs } from '../../../src/lib/delta/tableProperties';
import { hourMs } from '../../../src/lib/duration';

describe('an interval', () => {
  it.each([
    ['interval 3 days', 72 * hourMs],
    ['interval 1 week', 168 * hourMs],
    ['INTERVAL 12 Hours', 12 * hourMs],
    ['interval 1 day 12 hours', 36 * hourMs],
    ['30 minutes', hourMs / 2],
    [' interval  90  seconds ', hourMs / 40],
    ['interval 0 days', 0],
    ['interval 5 milliseconds', 5],
  ])('%j is read', (text, milliseconds) => {
    expect(parseInterval(text)).toBe(milliseconds);
  });

  it.each([
    '',
    'interval',
    'interval 3',
    'interval days',
    'interval 1 month',
    'interval -1 days',
    '3d',
    'interval 1.5 days',
  ])('%j is none', (text) => {
    expect(parseInterval(text)).toBeUndefined();
  });

  it("that a table does not set is the protocol's default; one that cannot be read is named", () => {
    expect(retentionMs({}, 'delta.logRetentionDuration', 'lake/t')).toBe(720 * hourMs);
    expect(retentionMs({}, 'delta.deletedFileRetentionDuration', 'lake/t')).toBe(168 * hourMs);
    expect(() =>
      retentionMs({ 'delta.logRetentionDuration': 'forever' }, 'delta.logRetentionDuration', 'lake/t'),
    ).toThrow('lake/t: the table property delta.logRetentionDuration is "forever": expected an interval');
  });
});
