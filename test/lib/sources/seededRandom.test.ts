import { describe, expect, it } from 'vitest';
import { integerBetween, seededRandom } from '../../../src/lib/sources/seededRandom';

const draw = (seed: number, count: number) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
};

describe('seededRandom', () => {
  it('repeats itself for a seed, and differs between neighbouring seeds', () => {
    expect(draw(7, 20)).toEqual(draw(7, 20));
    expect(draw(7, 20)).not.toEqual(draw(8, 20));
  });

  it('spreads evenly over [0, 1)', () => {
    const numbers = draw(1, 100_000);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = numbers.filter((number) => Math.floor(number * 10) === tenth).length / numbers.length;
      expect(share).toBeGreaterThan(0.095);
      expect(share).toBeLessThan(0.105);
    }
  });

  it('draws integers up to but not including the upper end', () => {
    const random = seededRandom(1);
    const drawn = new Set(Array.from({ length: 1000 }, () => integerBetween(random, -1, 3)));
    expect([...drawn].sort()).toEqual([-1, 0, 1, 2]);
  });
});
