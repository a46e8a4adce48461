import { describe, expect, it } from 'vitest';
import { Buckets } from '../../../src/lib/counts/buckets';
import { Counters } from '../../../src/lib/counts/counters';
import { Series } from '../../../src/lib/counts/series';
import { minuteMs } from '../../../src/lib/duration';
import { plainBuckets } from './plainTally';

const now = Date.UTC(2026, 0, 1, 12, 0, 30);

const bucketOf = (timeMs: number) => Math.floor(timeMs / minuteMs);

describe('buckets', () => {
  const kept = [
    ['of now', 0],
    ['of the oldest bucket', -9 * minuteMs],
    // The service that says when an event was enqueued has another clock.
    ['of a clock that is a little ahead', 30 * minuteMs],
    ['of a clock that is an hour ahead', 60 * minuteMs],
  ] as const;
  it.each(kept)('keep a count %s', (_what, ahead) => {
    const buckets = new Buckets({ bucketMs: minuteMs, kept: 10 }, now);
    buckets.add(3, now + ahead);
    expect(plainBuckets(buckets.parts())).toEqual([[bucketOf(now + ahead), [3], [1]]]);
  });

  it.each([
    ['older than the oldest bucket', -10 * minuteMs],
    ['further ahead than an hour', 61 * minuteMs],
    ['without a time', Number.NaN],
  ])('keep none %s', (_what, ahead) => {
    const buckets = new Buckets({ bucketMs: minuteMs, kept: 10 }, now);
    buckets.add(3, now + ahead);
    expect([...buckets.parts()]).toEqual([]);
  });

  it('keep the counts of any number of keys, in any order', () => {
    const buckets = new Buckets({ bucketMs: minuteMs, kept: 10 }, now);
    const keys = [0, 63, 64, 3, 127, 128, 5, 1000, 64, 1];
    for (const key of keys) buckets.add(key, now);
    expect(plainBuckets(buckets.parts())).toEqual([
      [bucketOf(now), [0, 1, 3, 5, 63, 64, 127, 128, 1000], [1, 1, 1, 1, 1, 2, 1, 1, 1]],
    ]);
    const sums = new Float64Array(1001);
    buckets.addTo(sums, bucketOf(now) - 1, bucketOf(now));
    expect(sums.reduce((sum, count) => sum + count)).toBe(keys.length);
    expect(buckets.sumOf([64, 1000, 2], bucketOf(now) - 1, bucketOf(now))).toBe(3);
  });

  it.each([
    [
      'the same indexes',
      'the same',
      [
        [0, 2],
        [2, 1],
      ],
      [],
    ],
    [
      'other indexes',
      [5, 0, 2],
      [
        [2, 5],
        [1, 2],
      ],
      [],
    ],
    ['keys that belong to others', [undefined, 0, 7], [[7], [1]], [[bucketOf(now), 2]]],
  ] as const)('add those of other buckets with %s', (_what, indexes, [places, counts], others) => {
    const span = { bucketMs: minuteMs, kept: 10 };
    const there = new Buckets(span, now);
    for (const key of [0, 2, 0]) there.add(key, now);
    const [here, series] = [new Buckets(span, now), new Series(span, now)];
    here.merge(there.parts(), indexes, series);
    expect(plainBuckets(here.parts())).toEqual([[bucketOf(now), places, counts]]);
    expect([...series.parts()]).toEqual(others);
    // They were copied: what is counted here later is not counted there.
    here.add(0, now);
    expect(plainBuckets(there.parts())).toEqual([[bucketOf(now), [0, 2], [2, 1]]]);
  });

  it('take over no bucket that is too old, and none further ahead than an hour', () => {
    const span = { bucketMs: minuteMs, kept: 10 };
    const one = new Counters();
    one.add(0, 1);
    const [oldest, newest] = [bucketOf(now) - 9, bucketOf(now) + 60];
    const there = [oldest - 1, oldest, newest, newest + 1];
    for (const indexes of ['the same', [0], [undefined]] as const) {
      const [here, others] = [new Buckets(span, now), new Series(span, now)];
      here.merge(
        there.map((bucket) => [bucket, one]),
        indexes,
        others,
      );
      const taken = [...here.parts(), ...others.parts()].map(([bucket]) => bucket);
      expect(taken).toEqual([oldest, newest]);
    }
    const series = new Series(span, now);
    series.merge(there.map((bucket) => [bucket, 1]));
    expect([...series.parts()]).toEqual([
      [oldest, 1],
      [newest, 1],
    ]);
  });

  it('keep a row from the future until its time has come and gone', () => {
    const buckets = new Buckets({ bucketMs: minuteMs, kept: 10 }, now);
    const later = now + 30 * minuteMs;
    buckets.add(0, later);
    for (const [at, there] of [
      [later, 1],
      [later + 9 * minuteMs, 1],
      [later + 10 * minuteMs, 0],
    ] as const) {
      buckets.advance(at);
      expect(buckets.sumOf([0], bucketOf(later), bucketOf(later))).toBe(there);
    }
  });
});
