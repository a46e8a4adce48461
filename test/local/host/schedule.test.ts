import { describe, expect, test } from 'vitest';
import { isSubMinute, parseSchedule } from '../../../local/host/schedule';

const from = new Date('2026-05-15T10:20:30.500Z'); // a Friday
const next = (text: string) => parseSchedule(text, 'emit').next(from).toISOString();

describe('schedules', () => {
  test.each([
    ['*/10 * * * * *', '2026-05-15T10:20:40.000Z'],
    ['0 */5 * * * *', '2026-05-15T10:25:00.000Z'],
    ['*/5 * * * *', '2026-05-15T10:25:00.000Z'],
    ['0 0 9-17 * * 1-5', '2026-05-15T11:00:00.000Z'],
    ['0 30 9 * Jan Mon', '2027-01-04T09:30:00.000Z'],
    ['0 0 0 1 * 1', '2026-06-01T00:00:00.000Z'], // day of month and day of week
    ['00:00:05', '2026-05-15T10:20:35.500Z'],
    ['1.00:00:00', '2026-05-16T10:20:30.500Z'],
  ])('%s fires next at %s', (text, expected) => {
    expect(next(text)).toBe(expected);
  });

  test.each([
    ['* * * *', 'six fields'],
    ['0 0 0 L * *', 'L, W, # and ?'],
    ['0 0 0 15W * *', 'L, W, # and ?'],
    ['0 0 0 ? * 1', 'L, W, # and ?'],
    ['0 0 0 * * 1#2', 'L, W, # and ?'],
    ['0 0 0 * * 7', '0 (Sunday) to 6'],
    ['0 0 0 * * 5-7', '0 (Sunday) to 6'],
    ['61 * * * * *', 'neither'],
    ['00:00:00', 'longer than zero'],
    ['0 0 0 31 2 *', 'never fires'],
  ])('%s is refused', (text, reason) => {
    expect(() => parseSchedule(text, 'emit')).toThrow(`emit: the schedule "${text}"`);
    expect(() => parseSchedule(text, 'emit')).toThrow(reason);
  });

  test('only schedules of less than a minute keep no status', () => {
    expect(
      ['* * * * * *', '00:00:59', '0,30 0 * * * *'].map((text) => isSubMinute(parseSchedule(text, 'emit'))),
    ).toEqual([true, true, true]);
    expect(['0 * * * * *', '00:01:00'].map((text) => isSubMinute(parseSchedule(text, 'emit')))).toEqual([
      false,
      false,
    ]);
  });
});
