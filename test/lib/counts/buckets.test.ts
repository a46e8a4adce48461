import { describe, expect, it } from 'vitest';
import { Buckets } from '../../../src/lib/counts/buckets';

const minute = 60_000;
const now = Date.UTC(2026, 0, 1, 12, 0, 30);

describe('buckets', () => {
  const kept = [
    ['of now', 0],
    ['of the oldest bucket', -9 * minute],
    // The service that says when an event was enqueued has another clock.
    ['of a clock that is a little ahead', 30 * minute],
    ['of a clock that is an hour ahead', 60 * minute],
  ] as const;
  it.each(kept)('keep a count %s', (_what, ahead) => {
    const buckets = new Buckets({ bucketMs: minute, kept: 10 }, now);
    buckets.add(3, now + ahead);
    expect(buckets.count(buckets.bucketOf(now + ahead), 3)).toBe(1);
    expect([...buckets.stored()]).toEqual([[buckets.bucketOf(now + ahead), [3], [1]]]);
  });

  it.each([
    ['older than the oldest bucket', -10 * minute],
    ['further ahead than an hour', 61 * minute],
    ['without a time', Number.NaN],
  ])('keep none %s', (_what, ahead) => {
    const buckets = new Buckets({ bucketMs: minute, kept: 10 }, now);
    buckets.add(3, now + ahead);
    expect([...buckets.stored()]).toEqual([]);
  });

  it('keep the counts of any number of keys, in any order', () => {
    const buckets = new Buckets({ bucketMs: minute, kept: 10 }, now);
    const bucket = buckets.bucketOf(now);
    const keys = [0, 63, 64, 3, 127, 128, 5, 1000, 64, 1];
    for (const key of keys) buckets.add(key, now);
    buckets.addTo(bucket, 1023, 4);
    buckets.addTo(bucket, 1024, 5);
    expect([...keys, 1023, 1024, 2].map((key) => buckets.count(bucket, key))).toEqual([
      ...[1, 1, 2, 1, 1, 1, 1, 1, 2, 1],
      ...[4, 5, 0],
    ]);
    expect(buckets.sum(bucket, bucket, 1025).reduce((sum, count) => sum + count)).toBe(keys.length + 9);
  });

  it('keep a row from the future until its time has come and gone', () => {
    const buckets = new Buckets({ bucketMs: minute, kept: 10 }, now);
    const later = now + 30 * minute;
    buckets.add(0, later);
    for (const [at, there] of [
      [later, 1],
      [later + 9 * minute, 1],
      [later + 10 * minute, 0],
    ] as const) {
      buckets.advance(at);
      expect(buckets.count(buckets.bucketOf(later), 0)).toBe(there);
    }
  });
});
