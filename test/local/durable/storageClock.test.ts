import { expect, it, vi } from 'vitest';
import { StorageClock } from '../../../local/durable/storageClock';
import { hourMs } from '../../../src/lib/duration';

/** A date as storage tells it: in whole seconds. */
const dateOf = (time: number) => new Date(Math.floor(time / 1000) * 1000);
/** Sets this machine's time of day wrong for the making of a clock. */
const clockOf = (wrongByMs: number) => {
  const right = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(right + wrongByMs);
  const clock = new StorageClock();
  vi.restoreAllMocks();
  return clock;
};

it.each([0, -3 * 24 * hourMs, 10 * 24 * hourMs, -20_000, 20_000])(
  'tells the time of the storage on a machine that is wrong by %d ms',
  (wrongBy) => {
    const clock = clockOf(wrongBy);
    expect(Math.abs(clock.now() - Date.now() - wrongBy)).toBeLessThan(100);
    clock.set(undefined);
    clock.set(dateOf(Date.now()));
    expect(Math.abs(clock.now() - Date.now())).toBeLessThanOrEqual(1_100);
  },
);

it('keeps the milliseconds of a machine that is right', () => {
  const clock = clockOf(0);
  for (let n = 0; n < 10; n++) clock.set(dateOf(Date.now()));
  expect(Math.abs(clock.now() - Date.now())).toBeLessThan(100);
});

it('does not jump with the time of day', () => {
  const clock = clockOf(0);
  const before = clock.now();
  const right = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(right + 10 * 24 * hourMs);
  expect(clock.now() - before).toBeLessThan(1_000);
  vi.restoreAllMocks();
});
