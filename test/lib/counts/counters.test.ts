import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Counters } from '../../../src/lib/counts/counters';

const listed = (counters: Counters | undefined) => {
  const found: [number, number][] = [];
  counters?.forEach((index, count) => void found.push([index, count]));
  return found;
};

/** Counts that fit into a byte, into four, and into none. */
const someCount = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 254 }) },
  fc.integer({ min: 1, max: 2 ** 33 }),
  fc.integer({ min: 2 ** 32 - 2, max: 2 ** 50 }),
);
const additions = fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), someCount), { maxLength: 200 });

describe('counters', () => {
  it('count as a map does, whatever the counts, and are the same after they were stored', () => {
    fc.assert(
      fc.property(additions, (added) => {
        const counters = new Counters();
        const expected = new Map<number, number>();
        for (const [index, count] of added) {
          counters.add(index, count);
          expected.set(index, (expected.get(index) ?? 0) + count);
        }
        const sorted = [...expected].sort(([a], [b]) => a - b);
        for (const each of [counters, counters.copy(), Counters.decode(counters.encoded(), 301)]) {
          expect(listed(each)).toEqual(sorted);
          const sums = new Float64Array(200).fill(1);
          each?.addTo(sums);
          expect([...sums]).toEqual([...sums.keys()].map((index) => 1 + (expected.get(index) ?? 0)));
          expect([0, 5, 300, 100_000].map((index) => each?.get(index))).toEqual(
            [0, 5, 300, 100_000].map((index) => expected.get(index) ?? 0),
          );
        }
      }),
    );
  });
});
