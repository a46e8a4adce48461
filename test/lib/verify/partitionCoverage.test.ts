import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartitionCoverage } from '../../../src/lib/verify/partitionCoverage';

/** The expected result, from a simple implementation with sets. */
function judge(keys: readonly (readonly [number, number])[], upTo: number) {
  const elements = new Map<number, Set<number>>();
  for (const [sequenceNumber, element] of keys) {
    const of = elements.get(sequenceNumber) ?? new Set();
    elements.set(sequenceNumber, of.add(element));
  }
  const first = Math.min(...elements.keys());
  const missing: number[] = [];
  for (let sequenceNumber = first; sequenceNumber <= upTo; sequenceNumber++)
    if (!elements.has(sequenceNumber)) missing.push(sequenceNumber);
  const torn = [...elements]
    .filter(([sequenceNumber, of]) => sequenceNumber <= upTo && Math.max(...of) + 1 !== of.size)
    .map(([sequenceNumber]) => sequenceNumber);
  return { missing, torn: torn.sort((a, b) => a - b) };
}

const numbersIn = (ranges: Iterable<{ first: number; last: number }>): number[] =>
  [...ranges].flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));

describe('PartitionCoverage', () => {
  it('finds the same gaps, duplicates and torn events as a set of all keys would', () => {
    const key = fc.tuple(
      fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 4090, max: 4100 })),
      fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 28, max: 100 })),
    );
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 0, max: 5000 }),
        (keys, upTo) => {
          const coverage = new PartitionCoverage();
          const seen = new Set<string>();
          for (const [sequenceNumber, element] of keys) {
            expect(coverage.add(sequenceNumber, element)).toBe(!seen.has(`${sequenceNumber}/${element}`));
            seen.add(`${sequenceNumber}/${element}`);
          }
          const { missing, torn } = judge(keys, upTo);
          expect(numbersIn(coverage.gaps(upTo))).toEqual(missing);
          expect([...coverage.torn(upTo)].sort((a, b) => a - b)).toEqual(torn);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds the same gaps as a set of all numbers, with any ranges that never came', () => {
    const number = fc.integer({ min: 0, max: 40 });
    const range = fc.tuple(number, fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 1, maxLength: 20 }),
        fc.array(range, { maxLength: 8 }),
        number,
        (sequenceNumbers, ranges, upTo) => {
          const coverage = new PartitionCoverage();
          const there = new Set(sequenceNumbers);
          for (const sequenceNumber of sequenceNumbers) coverage.add(sequenceNumber, 0);
          for (const [first, more] of ranges) {
            coverage.addRange({ first, last: first + more });
            for (let sequenceNumber = first; sequenceNumber <= first + more; sequenceNumber++)
              there.add(sequenceNumber);
          }
          const begin = Math.min(...there);
          const all = Array.from({ length: Math.max(0, upTo - begin + 1) }, (_, index) => begin + index);
          expect(numbersIn(coverage.gaps(upTo))).toEqual(
            all.filter((sequenceNumber) => !there.has(sequenceNumber)),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it('still finds a duplicate, and another element, in a stretch that is full', () => {
    const coverage = new PartitionCoverage();
    for (let sequenceNumber = 0; sequenceNumber < 10_000; sequenceNumber++)
      expect(coverage.add(sequenceNumber, 0)).toBe(true);
    expect(coverage.add(5000, 0)).toBe(false);
    expect(coverage.add(5000, 2)).toBe(true);
    expect([...coverage.gaps(9999)]).toEqual([]);
    expect([...coverage.torn(9999)]).toEqual([5000]);
    expect([...coverage.gaps(10_001)]).toEqual([{ first: 10_000, last: 10_001 }]);
  });

  it('takes ranges that never came for covered, and nothing beside them', () => {
    const coverage = new PartitionCoverage();
    for (const sequenceNumber of [5, 6, 20]) coverage.add(sequenceNumber, 0);
    expect(coverage.addRange({ first: 8, last: 12 })).toBe(true);
    expect(coverage.addRange({ first: 8, last: 12 })).toBe(false);
    expect(coverage.addRange({ first: 11, last: 15 })).toBe(true);
    expect([...coverage.gaps(21)]).toEqual([
      { first: 7, last: 7 },
      { first: 16, last: 19 },
      { first: 21, last: 21 },
    ]);
    coverage.addRange({ first: 2, last: 4 });
    expect(coverage.first).toBe(2);
  });
});
