import { beforeEach, expect, it } from 'vitest';
import { minuteMs } from '../../../src/lib/duration';
import { StuckPartitions } from '../../../src/lib/health/stuckPartitions';

const noon = Date.UTC(2026, 0, 1, 12);

let now: number;
let monotonic: number;
let stuck: StuckPartitions;
beforeEach(() => {
  [now, monotonic] = [noon, 0];
  stuck = new StuckPartitions({ now: () => now, monotonicNow: () => monotonic });
});

const pass = (ms: number) => {
  now += ms;
  monotonic += ms;
};

/** A partition whose newest event, and whose last commit, are this many minutes old; undefined if nothing was committed. */
const ask = (waiting: number, version: number, enqueued = 0, committed: number | undefined = 0) =>
  stuck.stuckSince(
    'hub/0',
    { partitionId: '0', first: 0, last: version + waiting, lastEnqueuedAt: now - enqueued * minuteMs },
    waiting,
    committed === undefined
      ? undefined
      : { appId: 'hub/0', version, lastUpdated: now - committed * minuteMs },
  );

it('is stuck after two minutes with events waiting and no commit, since they were first seen', () => {
  expect(ask(5, 9)).toBeUndefined();
  pass(2 * minuteMs - 1);
  expect(ask(50, 9)).toBeUndefined();
  pass(1);
  expect(ask(60, 9)).toBe(noon);
});

it('begins anew after each commit, and where nothing waits', () => {
  ask(5, 9);
  pass(minuteMs);
  ask(5, 10);
  pass(minuteMs);
  expect(ask(5, 10)).toBeUndefined();
  ask(0, 15);
  pass(minuteMs);
  expect(ask(5, 15)).toBeUndefined();
  pass(2 * minuteMs);
  expect(ask(5, 15)).toBe(noon + 3 * minuteMs);
});

it('is known at once to a process that has just started if the newest event and the last commit are old', () => {
  expect(ask(5, 9, 2, 3)).toBe(noon - 2 * minuteMs);
  expect(ask(5, 9, 3, 2)).toBe(noon - 2 * minuteMs);
});

it('waits for a process that has just started where the newest event, or the last commit, is not old', () => {
  expect(ask(5, 9, 1, 60)).toBeUndefined();
  expect(ask(5, 9, 60, 1)).toBeUndefined();
});

it('waits where nothing was ever committed, as on the first day with a hub that is full', () => {
  expect(ask(5, -1, 60, undefined)).toBeUndefined();
  pass(2 * minuteMs);
  expect(ask(5, -1, 60, undefined)).toBe(noon);
});

it('does not mistake a clock that was set ahead for a wait', () => {
  ask(5, 9);
  now += 10 * 24 * 60 * minuteMs;
  monotonic += 1000;
  // The commit was made with the same clock.
  expect(ask(5, 9, 0, 0)).toBeUndefined();
});
