import { afterEach, expect, it, vi } from 'vitest';
import { backoffMs } from '../../src/lib/backoff';

afterEach(() => void vi.restoreAllMocks());

const waits = (steps: Parameters<typeof backoffMs>[1], random: number): number[] => {
  vi.spyOn(Math, 'random').mockReturnValue(random);
  return [1, 2, 3, 4, 5].map((failures) => backoffMs(failures, steps));
};

it('a wait is twice as long as the one before, up to the longest', () => {
  expect(waits({ firstMs: 100, mostMs: 500 }, 0.5)).toEqual([100, 200, 400, 500, 500]);
});

it('a wait without a longest one goes on doubling', () => {
  expect(waits({ firstMs: 100 }, 0.5)).toEqual([100, 200, 400, 800, 1600]);
});

it.each([
  ['half', 0, [50, 100, 200, 250, 250]],
  ['one and a half times', 1, [150, 300, 600, 750, 750]],
])('a wait is spread: the extreme is %s of it', (_what, random, expected) => {
  expect(waits({ firstMs: 100, mostMs: 500 }, random)).toEqual(expected);
});
