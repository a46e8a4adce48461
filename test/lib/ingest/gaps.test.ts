import { describe, expect, it } from 'vitest';
import { explainGaps } from '../../../src/lib/ingest/gaps';

const missing = [{ first: 10, last: 19 }];

const explained = (beginning: number, acceptGaps: boolean) =>
  explainGaps(missing, beginning, acceptGaps, 'clickstream partition 0');

describe('a range of missing events', () => {
  it.each([
    ['before it', 9, [['skipped', 10, 19]]],
    ['with its first event', 10, [['skipped', 10, 19]]],
    [
      'with its second event',
      11,
      [
        ['expired', 10, 10],
        ['skipped', 11, 19],
      ],
    ],
    [
      'with its last event',
      19,
      [
        ['expired', 10, 18],
        ['skipped', 19, 19],
      ],
    ],
    ['right after it', 20, [['expired', 10, 19]]],
  ])(
    'is expired up to where the hub begins, and stepped over from there on: %s',
    (_what, beginning, gaps) => {
      expect(explained(beginning, true).map(({ reason, first, last }) => [reason, first, last])).toEqual(
        gaps,
      );
    },
  );

  it.each([
    ['the first event', 10, '10 to 19'],
    ['no more than the last event', 19, '19 to 19'],
  ])('is never passed over by itself while the hub still has %s of it', (_what, beginning, held) => {
    expect(() => explained(beginning, false)).toThrow(
      expect.objectContaining({
        code: 'ingest.gap',
        message: expect.stringContaining(`partition 0: the events ${held} are in the hub`),
      }),
    );
  });
});
